"""The signature that several calls have in common, and how one writes it for TensorFlow.

It knows the neutral specs only.
"""

from __future__ import annotations

from dataclasses import replace

from tracedbg.events import MappingSpec, SequenceSpec, Signature, Spec, TensorSpec, ValueSpec

_SCALARS = {"int": "int32", "float": "float32"}
_DTYPES = {"bool", "string", "half", "bfloat16", "complex64", "complex128"} | {
    f"{kind}{bits}" for kind in ("int", "uint", "float") for bits in (8, 16, 32, 64)
}
MAX_TEXT = 200


def common_signature(old: Signature, new: Signature) -> Signature | None:
    """The most special signature that both calls fit; None where there is none.

    Sizes and ranks that differ become unknown, Python numbers that differ a scalar tensor.
    """
    if [name for name, _ in old.arguments] != [name for name, _ in new.arguments]:
        return None
    arguments = []
    for (name, before), (_, after) in zip(old.arguments, new.arguments, strict=True):
        spec = common_spec(before, after)
        if spec is None:
            return None
        arguments.append((name, spec))
    return Signature(tuple(arguments))


def common_spec(old: Spec, new: Spec) -> Spec | None:
    """The same for one argument."""
    match old, new:
        case _ if old == new:
            return old
        case TensorSpec(), TensorSpec():
            return _common_tensor(old, new)
        case ValueSpec(), ValueSpec():
            return _scalar({old.type_name, new.type_name})
        case TensorSpec(shape=()), ValueSpec() if _scalar({new.type_name}):
            return old
        case (SequenceSpec(), SequenceSpec()) | (MappingSpec(), MappingSpec()):
            return _common_container(old, new)
    return None


def _common_container(old: Spec, new: Spec) -> Spec | None:
    assert isinstance(old, (SequenceSpec, MappingSpec))  # noqa: S101  see `common_spec`
    assert isinstance(new, (SequenceSpec, MappingSpec))  # noqa: S101
    keys, news = (getattr(spec, "keys", len(spec.items)) for spec in (old, new))
    if old.type_name != new.type_name or keys != news:
        return None
    items = tuple(common_spec(a, b) for a, b in zip(old.items, new.items, strict=True))
    kept = tuple(item for item in items if item is not None)
    return replace(new, items=kept) if len(kept) == len(items) else None


def _common_tensor(old: TensorSpec, new: TensorSpec) -> TensorSpec | None:
    if (old.dtype, old.type_name) != (new.dtype, new.type_name):
        return None
    shape = None
    if old.shape is not None and new.shape is not None and len(old.shape) == len(new.shape):
        shape = tuple(a if a == b else None for a, b in zip(old.shape, new.shape, strict=True))
    return TensorSpec(new.dtype, shape, new.type_name)


def _scalar(types: set[str]) -> TensorSpec | None:
    if not types <= _SCALARS.keys():
        return None
    return TensorSpec(_SCALARS["float" if "float" in types else "int"], ())


def input_signature(signature: Signature | None) -> str:
    """`[tf.TensorSpec([None, 3], tf.float32), ...]` for all arguments; empty where it cannot be written."""
    if signature is None or not signature.arguments:
        return ""
    written = [write(spec) for _, spec in signature.arguments]
    text = f"[{', '.join(written)}]"
    return text if all(written) and len(text) <= MAX_TEXT else ""


def write(spec: Spec) -> str:
    """One spec as code of TensorFlow's; empty where it is nothing that an `input_signature` may hold."""
    match spec:
        case TensorSpec(dtype=dtype, shape=shape, type_name="Tensor") if dtype in _DTYPES:
            sizes = "None" if shape is None else f"[{', '.join(map(str, shape))}]"
            return f"tf.TensorSpec({sizes}, tf.{dtype})"
        case SequenceSpec(type_name="list" | "tuple" as kind, items=items) if items:
            written = [write(item) for item in items]
            inner = ", ".join(written) + ("," if kind == "tuple" and len(items) == 1 else "")
            return (f"[{inner}]" if kind == "list" else f"({inner})") if all(written) else ""
        case MappingSpec(type_name="dict", keys=keys, items=items):
            written = [write(item) for item in items]
            pairs = zip(keys, written, strict=True)
            return "{" + ", ".join(f"{key}: {item}" for key, item in pairs) + "}" if all(written) else ""
    return ""
