"""Every private name of torch that looking at tensors relies on, and the versions it is known to hold for.

Which were run: `docs/reference/versions.md`. `tests/adapters/torch_common/test_tensors.py` fails when one
moves.
"""

from __future__ import annotations

from tracedbg.adapters.torch_common.private import Private

NO_SUBCLASSES = Private(
    "torch._C", "DisableTorchFunction", "2.7-2.15", "no __torch_function__ of a mode or a subclass is called"
)
NO_MODES = Private(
    "torch.utils._python_dispatch",
    "_disable_current_modes",
    "2.7-2.15",
    "takes the dispatch modes of the thread off, and puts them back",
)
IS_FAKE = Private("torch._subclasses.fake_tensor", "FakeTensor", "2.7-2.15", "a tensor without values")
IS_FUNCTIONAL = Private(
    "torch", "_is_functional_tensor", "2.7-2.15", "a tensor that stands for others while a graph is made"
)
IS_BATCHED = Private("torch._C._functorch", "is_batchedtensor", "2.7-2.15", "a tensor inside of vmap")
IS_WRAPPED = Private(
    "torch._C._functorch", "is_gradtrackingtensor", "2.7-2.15", "a tensor inside of torch.func.grad"
)
UNWRAPPED = Private(
    "torch._C._functorch", "get_unwrapped", "2.7-2.15", "what stands behind one; of vmap, with the batch"
)
TRANSFORMS = Private(
    "torch._C._functorch", "peek_interpreter_stack", "2.7-2.15", "the innermost transformation, or None"
)
NO_TRANSFORMS = Private(
    "torch._functorch.pyfunctorch",
    "temporarily_clear_interpreter_stack",
    "2.7-2.15",
    "leaves all transformations: what is made in them would be wrapped again",
)

TAKES_NUMBERS = Private(
    "torch._C", "_should_allow_numbers_as_tensors", "2.7-2.15", "(name of an op): takes a number for a tensor"
)

OTHER_ATTRIBUTES = {
    "OpOverload": ("_schema",),
    "sparse Tensor": ("_values",),
    "torch": ("_ops",),
    "torch._C": ("_set_grad_enabled", "_is_tracing"),
    "fx.Node": ("_prev",),
    "a function that torch.compiler.disable has wrapped": (
        "_torchdynamo_disable",
        "_torchdynamo_orig_callable",
    ),
    "a backend that Dynamo has wrapped": ("_torchdynamo_orig_backend",),
    "CatchErrorsWrapper": ("_one_graph",),
    "what AOTAutograd has compiled": ("_boxed_call",),
    "ScriptModule": ("_c",),
    "torch._C.ScriptModule": ("_get_method", "_has_method", "_type"),
}
"""What else is read of torch's objects: a part that cannot read it is off."""

NAMES = (
    NO_SUBCLASSES,
    NO_MODES,
    IS_FAKE,
    IS_FUNCTIONAL,
    IS_BATCHED,
    IS_WRAPPED,
    UNWRAPPED,
    TRANSFORMS,
    NO_TRANSFORMS,
    TAKES_NUMBERS,
)
