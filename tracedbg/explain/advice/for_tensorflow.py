"""Advice for tf.function.

What it says was seen on TensorFlow 2.21; the names in it are the same since 2.15.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.events import CauseKind, Framework, SequenceSpec, Signature, TensorSpec
from tracedbg.explain.advice.rule import Rule, Say
from tracedbg.explain.common import common_spec, input_signature, write
from tracedbg.explain.signatures import parts

if TYPE_CHECKING:
    from tracedbg.events import Spec
    from tracedbg.explain.situation import Situation

TF = Framework.TF_FUNCTION
K = CauseKind


def decorator(situation: Situation, **more: str) -> str:
    """`@tf.function(...)` with what the user asked for already, and more."""
    kept = {"jit_compile": "True"} if situation.asked("jit_compile") == "True" else {}
    if situation.asked("autograph") == "False":
        kept["autograph"] = "False"
    arguments = ", ".join(f"{name}={value}" for name, value in (kept | more).items())
    return f"@tf.function({arguments})"


class RelaxShape:
    """Sizes or the rank of an argument vary."""

    kinds = (K.SHAPE, K.RANK)

    def __call__(self, situation: Situation) -> str:
        """See `Rule`."""
        if situation.framework is not TF:
            return ""
        if not situation.trace.traceable.is_user:
            return "give it batches of one shape: pad them, or drop a last one that is smaller"
        ways = [decorator(situation, reduce_retracing="True")]
        if signature := input_signature(situation.common):
            ways.append(decorator(situation, input_signature=signature))
        if situation.kind is K.RANK:
            ways.insert(0, f"bring `{situation.argument}` to one rank before the call: tf.reshape")
        note = ""
        if situation.asked("jit_compile") == "True":
            note = "; XLA compiles for each shape all the same: pad to a few"
        return ", or ".join(ways) + note


class OneDtype:
    """The dtype of an argument varies."""

    kinds = (K.DTYPE,)

    def __call__(self, situation: Situation) -> str:
        """See `Rule`."""
        if situation.framework is not TF:
            return ""
        name = situation.argument
        seen = [value.partition("[")[0].rpartition(" ")[2] for value in situation.values]
        numbers = [dtype for dtype in seen if dtype not in ("string", "bool")]
        if len(seen) > 1 and len(set(numbers)) < 2:  # noqa: PLR2004  nothing to cast between
            return f"none needed if all are wanted: `{name}` has a trace for each dtype"
        target = next((dtype for dtype in numbers if "float" in dtype), "float32")
        rest = "; what is no number keeps a trace of its own" if len(numbers) < len(seen) else ""
        return f"cast `{name}` to one dtype before the call: tf.cast({name}, tf.{target}){rest}"


class NumberAsTensor:
    """A Python number varies."""

    kinds = (K.PYTHON_VALUE,)

    def __call__(self, situation: Situation) -> str:
        """See `Rule`."""
        if situation.framework is not TF or situation.difference.detail not in ("int", "float"):
            return ""
        text = f"pass `{situation.argument}` as a tensor: tf.constant({situation.argument})"
        if signature := input_signature(situation.common):
            text += f", or have it made one: {decorator(situation, input_signature=signature)}"
        return text


class OneTensor:
    """A list of tensors has another length."""

    kinds = (K.STRUCTURE,)

    def __call__(self, situation: Situation) -> str:
        """See `Rule`."""
        if situation.framework is not TF or situation.difference.detail != "length":
            return ""
        name, called = situation.argument, situation.trace.signature
        spec = None if called is None else dict(parts(called)).get(name)
        item = _common_item(spec)
        if item is None or item.shape is None:
            return ""
        stacked = TensorSpec(item.dtype, (None, *item.shape))
        text = f"pass one tensor, tf.stack({name}), "
        if called is not None and [argument for argument, _ in called.arguments] == [name]:
            signature = input_signature(Signature(((name, stacked),)))
            return f"{text}with {decorator(situation, input_signature=signature)}"
        return f"{text}with {decorator(situation, reduce_retracing='True')}"


def _common_item(spec: Spec | None) -> TensorSpec | None:
    """What all items of a list have in common, if they are tensors."""
    if not isinstance(spec, SequenceSpec) or not all(isinstance(item, TensorSpec) for item in spec.items):
        return None
    common: Spec | None = spec.items[0] if spec.items else None
    for item in spec.items[1:]:
        common = None if common is None else common_spec(common, item)
    return common if isinstance(common, TensorSpec) and write(common) else None


class OneFunction:
    """A tf.function is made again and again."""

    kinds = (K.NEW_FUNCTION_OBJECT,)

    def __call__(self, situation: Situation) -> str:
        """See `Rule`."""
        made, traceable = situation.difference.frame, situation.trace.traceable
        if situation.framework is not TF:
            return ""
        where = f", outside of what runs line {made.line} again" if made is not None else ""
        what = "the lambda" if traceable.name.endswith("<lambda>") else f"`{traceable.name}`"
        return f"make a tf.function of {what} once{where}, and call that one"


RULES: tuple[Rule, ...] = (
    RelaxShape(),
    OneDtype(),
    NumberAsTensor(),
    OneTensor(),
    OneFunction(),
    Say(K.TENSOR_VS_PYTHON, "always pass `{name}` as a tensor: tf.convert_to_tensor({name})", TF),
    Say(K.IDENTITY, "make the function `{name}` once, and pass the same one", TF, ("function",)),
    Say(
        K.IDENTITY,
        "make `{name}` once, before the first call, and pass the same object, or make its class a"
        " tf.experimental.ExtensionType, which is compared by what it holds",
        TF,
    ),
    Say(K.CONTEXT, "call it in one place: device scope, strategy and outer graph are part of the key", TF),
)
