"""Advice for torch.compile and TorchScript.

What it says was seen on torch 2.13; the names in it are the same since 2.7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.events import CauseKind, Framework
from tracedbg.explain.advice.for_both import mark_dynamic
from tracedbg.explain.advice.rule import Rule, Say
from tracedbg.explain.difference import SPECIALISED

if TYPE_CHECKING:
    from tracedbg.explain.situation import Situation

TORCH = Framework.TORCH_COMPILE
K = CauseKind
_SMALL = ("0", "1")


class RelaxShape:
    """A size of an argument varies."""

    kinds = (K.SHAPE,)

    def __call__(self, situation: Situation) -> str:
        """See `Rule`."""
        if situation.framework is not TORCH:
            return ""
        name, dims, detail = situation.argument, situation.difference.dims, situation.difference.detail
        if detail == "marked":
            return "mark the dimensions of each tensor, from the first call on"
        if detail == "parameter":
            return f"keep the modules of few sizes: each size of `{name}` has a graph of its own"
        if detail == SPECIALISED:
            dim = dims[0] if dims else 0
            is_general = situation.difference.before.startswith(
                "size "
            )  # a trace for any other size is there
            size = "2 or more" if is_general else "the size of the others"
            return (
                f"pad to {size}, or drop a batch that is smaller, or call"
                f" torch._dynamo.decorators.mark_unbacked({name}, {dim}) before each call"
            )
        if situation.asked("dynamic") == "False":
            return "leave out dynamic=False: it asks for a graph per shape"
        return f"call {mark_dynamic(name, dims)} before the first call, or torch.compile(..., dynamic=True)"


class NumberOrTensor:
    """A Python number varies, and the graph does not hold for any value of it."""

    kinds = (K.PYTHON_VALUE,)

    def __call__(self, situation: Situation) -> str:
        """See `Rule`."""
        difference, name = situation.difference, situation.argument
        if situation.framework is not TORCH or difference.detail not in ("int", "float", SPECIALISED):
            return ""
        as_tensor = f"pass `{name}` as a tensor: torch.tensor({name})"
        if difference.detail == SPECIALISED or difference.after in _SMALL:
            return f"{as_tensor}; the numbers 0 and 1 always get a graph of their own"
        if situation.asked("dynamic") == "False":
            return f"leave out dynamic=False, or {as_tensor}"
        return f"{as_tensor}; where the code needs its value, as in range({name}), keep its values few"


class ModuleNumber:
    """A number that an object holds varies."""

    kinds = (K.ATTRIBUTE_VALUE,)

    def __call__(self, situation: Situation) -> str:
        """See `Rule`."""
        if situation.framework is not TORCH or situation.difference.detail not in ("int", "float"):
            return ""
        name = situation.argument
        if name.endswith('["lr"]'):
            return "give the optimizer lr=torch.tensor(...): then a new rate is no new graph"
        text = f"keep `{name}` in a tensor: {name} = torch.tensor({name})"
        if situation.difference.detail == "float":
            return text
        return f"{text}, or set torch._dynamo.config.allow_unspec_int_on_nn_module = True"


class OneDtype:
    """The dtype of an argument varies."""

    kinds = (K.DTYPE,)

    def __call__(self, situation: Situation) -> str:
        """See `Rule`."""
        if situation.framework is not TORCH:
            return ""
        name, dtype = situation.argument, situation.difference.before.partition("[")[0].rpartition(" ")[2]
        target = f"torch.{dtype}" if dtype.isidentifier() else "..."
        return f"bring `{name}` to one dtype before the call: {name}.to({target})"


RULES: tuple[Rule, ...] = (
    RelaxShape(),
    NumberOrTensor(),
    ModuleNumber(),
    OneDtype(),
    Say(
        K.RANK,
        "bring `{name}` to one rank before the call: {name}.unsqueeze(0) or {name}.reshape(...)",
        TORCH,
    ),
    Say(K.LAYOUT, "pass {name}.contiguous()", TORCH),
    Say(K.TENSOR_VS_PYTHON, "always pass `{name}` as a tensor: torch.as_tensor({name})", TORCH),
    Say(K.IDENTITY, "make the function `{name}` once, and pass the same one", TORCH, ("code", "function")),
    Say(K.STRUCTURE, "pass one tensor, torch.stack({name}): its size may vary", TORCH, ("length",)),
    Say(
        K.SYMBOLIC_CONDITION,
        "each side of the condition has a graph: decide before the call, or by torch.cond",
        TORCH,
    ),
    Say(K.BACKEND, "make the backend once, outside of the call, and call torch.compile once", TORCH),
    Say(
        K.NEW_FUNCTION_OBJECT,
        "call torch.compile once, outside of what runs again, and call what it gave",
        TORCH,
    ),
    Say(
        K.NEW_FUNCTION_OBJECT,
        "keep what torch.jit made of it the first time, and call that",
        Framework.TORCH_JIT,
    ),
)
