"""Every private name of torch that looking at tensors relies on, and the versions it is known to hold for.

Known by running: 2.13.0. `tests/adapters/torch_common/test_tensors.py` fails when one moves.
"""

from __future__ import annotations

from tracedbg.adapters.torch_compile._compat import Private

NO_SUBCLASSES = Private(
    "torch._C", "DisableTorchFunction", "2.5-2.13", "no __torch_function__ of a mode or a subclass is called"
)
NO_MODES = Private(
    "torch.utils._python_dispatch",
    "_disable_current_modes",
    "2.5-2.13",
    "takes the dispatch modes of the thread off, and puts them back",
)
IS_FAKE = Private("torch._subclasses.fake_tensor", "FakeTensor", "2.5-2.13", "a tensor without values")
IS_FUNCTIONAL = Private(
    "torch", "_is_functional_tensor", "2.5-2.13", "a tensor that stands for others while a graph is made"
)
IS_BATCHED = Private("torch._C._functorch", "is_batchedtensor", "2.5-2.13", "a tensor inside of vmap")
IS_WRAPPED = Private(
    "torch._C._functorch", "is_gradtrackingtensor", "2.5-2.13", "a tensor inside of torch.func.grad"
)
UNWRAPPED = Private(
    "torch._C._functorch", "get_unwrapped", "2.5-2.13", "what stands behind one; of vmap, with the batch"
)
TRANSFORMS = Private(
    "torch._C._functorch", "peek_interpreter_stack", "2.5-2.13", "the innermost transformation, or None"
)
NO_TRANSFORMS = Private(
    "torch._functorch.pyfunctorch",
    "temporarily_clear_interpreter_stack",
    "2.5-2.13",
    "leaves all transformations: what is made in them would be wrapped again",
)

TAKES_NUMBERS = Private(
    "torch._C", "_should_allow_numbers_as_tensors", "2.5-2.13", "(name of an op): takes a number for a tensor"
)

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
