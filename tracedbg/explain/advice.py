"""What to change, for each cause: one short, concrete and true line.

A rule is one small class, and a new one goes into `RULES`. It knows the frameworks by the names in
`Framework`, and imports neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tracedbg.events import CauseKind, Framework

if TYPE_CHECKING:
    from tracedbg.events import TraceStarted
    from tracedbg.explain.difference import Difference

TF, TORCH = Framework.TF_FUNCTION, Framework.TORCH_COMPILE


class Rule(Protocol):
    """Advice for one sort of cause: called with the cause and the trace, gives text or nothing."""

    @property
    def kinds(self) -> tuple[CauseKind, ...]:
        """The kinds of cause that it is asked about."""

    def __call__(self, difference: Difference, trace: TraceStarted, /) -> str:
        """The advice; empty where this rule has none."""


def advise(difference: Difference, trace: TraceStarted) -> str:
    """The first advice that a rule has; empty where none has any."""
    for rule in RULES:
        if difference.kind in rule.kinds and (text := rule(difference, trace)):
            return text
    return ""


@dataclass(frozen=True)
class Say:
    """The same words for every cause of a kind that fits."""

    kind: CauseKind
    text: str
    """With `{name}` for the argument."""
    framework: Framework | None = None
    detail: tuple[str, ...] = ()
    """Only for causes with one of these details; empty for any."""

    @property
    def kinds(self) -> tuple[CauseKind, ...]:
        """See `Rule`."""
        return (self.kind,)

    def __call__(self, difference: Difference, trace: TraceStarted) -> str:
        """See `Rule`."""
        if self.framework not in (None, trace.traceable.framework):
            return ""
        if self.detail and difference.detail not in self.detail:
            return ""
        return self.text.replace("{name}", difference.argument or "it")


class RelaxShapeTf:
    """A dimension of a tf.function's argument varies."""

    kinds = (CauseKind.SHAPE,)

    def __call__(self, difference: Difference, trace: TraceStarted) -> str:
        """See `Rule`."""
        if trace.traceable.framework is not TF:
            return ""
        if not trace.traceable.is_user:
            return "give it batches of one shape: pad them, or drop the last one that is smaller"
        if dict(trace.options).get("reduce_retracing") == "True":
            return "none needed: reduce_retracing relaxes a dimension once it has changed"
        spec = _relaxed(difference.before, difference.after)
        signature = f", or an input_signature with tf.TensorSpec({spec})" if spec else ""
        return f"@tf.function(reduce_retracing=True){signature}"


def _relaxed(before: str, after: str) -> str:
    """`[None, 3], tf.float32` of `float32[2, 3]` and `float32[4, 3]`; empty where they are no such specs."""
    dtype, opening, sizes = after.partition("[")
    olds = before.partition("[")[2].rstrip("]").split(", ")
    news = sizes.rstrip("]").split(", ")
    if not opening or not dtype.isidentifier() or len(olds) != len(news):
        return ""
    dims = [new if old == new and new != "?" else "None" for old, new in zip(olds, news, strict=True)]
    return f"[{', '.join(dims)}], tf.{dtype}"


class RelaxShapeTorch:
    """A size of a compiled function's argument varies."""

    kinds = (CauseKind.SHAPE,)

    def __call__(self, difference: Difference, trace: TraceStarted) -> str:
        """See `Rule`."""
        if trace.traceable.framework is not TORCH:
            return ""
        name = difference.argument or "x"
        if difference.detail == "marked":
            return "mark dimensions before the first call"
        if difference.detail == "0/1" or _is_tiny(difference):
            return f"pad to 2 or more, or call torch._dynamo.decorators.mark_unbacked({name}, 0) before"
        if dict(trace.options).get("dynamic") == "False":
            return "leave out dynamic=False: it asks for a graph per shape"
        dim = difference.detail.removeprefix("dim").strip() or "0"
        return f"torch._dynamo.mark_dynamic({name}, {dim}) before the first call, or dynamic=True"


def _is_tiny(difference: Difference) -> bool:
    """Whether the dimension that changed now has the size 0 or 1."""
    dim = difference.detail.removeprefix("dim").strip()
    sizes = difference.after.partition("[")[2].rstrip("]").split(", ")
    return dim.isdigit() and int(dim) < len(sizes) and sizes[int(dim)] in ("0", "1")


class ExpectedAttribute:
    """Attributes whose change is well known."""

    kinds = (CauseKind.ATTRIBUTE_VALUE, CauseKind.STRUCTURE)

    def __call__(self, difference: Difference, trace: TraceStarted) -> str:  # noqa: ARG002
        """See `Rule`."""
        name = difference.argument
        if name.endswith(".training"):
            return "none needed: train and eval mode have a graph each"
        if name.endswith('["lr"]'):
            return "give the optimizer lr=torch.tensor(...): then a new rate is no new graph"
        if name == "self.state" and difference.before == "length 0":
            return "none needed: an optimizer makes its state in the first step"
        return ""


K = CauseKind

RULES: tuple[Rule, ...] = (
    RelaxShapeTf(),
    RelaxShapeTorch(),
    ExpectedAttribute(),
    Say(K.RANK, "bring `{name}` to one rank before the call: tf.expand_dims or tf.reshape", TF),
    Say(K.RANK, "bring `{name}` to one rank before the call: unsqueeze or reshape", TORCH),
    Say(K.DTYPE, "cast `{name}` to one dtype before the call: tf.cast", TF),
    Say(K.DTYPE, "cast `{name}` to one dtype before the call: {name}.to(...)", TORCH),
    Say(K.DEVICE, "move `{name}` to one device before the call"),
    Say(K.LAYOUT, "call {name}.contiguous() before the call", TORCH),
    Say(K.REQUIRES_GRAD, "pass `{name}` always tracked by autograd, or never"),
    Say(K.PYTHON_VALUE, "none needed if both are wanted: a bool has two values", None, ("bool",)),
    Say(K.PYTHON_VALUE, "keep the number of values of `{name}` small: each has a trace", None, ("str", "")),
    Say(K.PYTHON_VALUE, "pass `{name}` as a tensor: tf.constant({name})", TF),
    Say(K.PYTHON_VALUE, "pass `{name}` as a tensor, or compile with dynamic=True", TORCH, ("int", "float")),
    Say(K.PYTHON_VALUE, "pass `{name}` as a tensor: torch.tensor({name})", TORCH),
    Say(K.TENSOR_VS_PYTHON, "always pass `{name}` as a tensor: tf.convert_to_tensor({name})", TF),
    Say(K.TENSOR_VS_PYTHON, "always pass `{name}` as a tensor: torch.as_tensor({name})", TORCH),
    Say(K.PYTHON_TYPE, "always pass `{name}` as the same type"),
    Say(K.NONE_VS_VALUE, "none needed if `{name}` is optional: with and without it are two traces"),
    Say(K.IDENTITY, "make the function `{name}` once, and pass the same one", None, ("code", "function")),
    Say(K.IDENTITY, "make `{name}` once and pass the same object, or pass its tensors", TF),
    Say(K.IDENTITY, "make `{name}` once and pass the same object"),
    Say(
        K.STRUCTURE,
        "keep the length of `{name}` fixed, or pass tf.stack({name})",
        TF,
        ("length",),
    ),
    Say(K.STRUCTURE, "keep the length of `{name}` fixed, or pass one stacked tensor", TORCH, ("length",)),
    Say(K.STRUCTURE, "always pass `{name}` with the same structure"),
    Say(K.ARGUMENT_COUNT, "always pass `{name}`, or never: which arguments are passed is part of the key"),
    Say(K.ALIASING, "none needed if one object is passed twice on purpose; else pass a copy"),
    Say(K.ATTRIBUTE_VALUE, "none needed if both are wanted: a bool has two values", None, ("bool",)),
    Say(
        K.ATTRIBUTE_VALUE,
        "keep `{name}` in a tensor; of an nn.Module, an int may also be made dynamic by"
        " torch._dynamo.config.allow_unspec_int_on_nn_module = True",
        TORCH,
        ("int",),
    ),
    Say(K.ATTRIBUTE_VALUE, "keep `{name}` constant, or in a tensor"),
    Say(K.GLOBAL_VALUE, "set the global `{name}` once, or pass it as a tensor argument"),
    Say(K.GLOBAL_STATE, "set `{name}` once, before the first call; or accept one graph for each setting"),
    Say(
        K.SYMBOLIC_CONDITION,
        "each side of the condition has a graph: decide outside of it, or by torch.cond",
        TORCH,
    ),
    Say(K.BACKEND, "make the backend once (no lambda in the call), and call torch.compile once", TORCH),
    Say(K.CONTEXT, "call it in one place: device scope, strategy and outer graph are part of the key"),
    Say(K.NEW_FUNCTION_OBJECT, "call tf.function once, outside the loop or function that makes it", TF),
    Say(K.NEW_FUNCTION_OBJECT, "call torch.compile once, outside the loop or function that makes it", TORCH),
    Say(
        K.NEW_FUNCTION_OBJECT,
        "keep what torch.jit made of it the first time, and call that",
        Framework.TORCH_JIT,
    ),
)
