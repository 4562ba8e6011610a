"""What differs between two calls' signatures.

It knows the neutral specs only, never whose they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracedbg.events import (
    CauseKind,
    MappingSpec,
    ObjectSpec,
    OpaqueSpec,
    SequenceSpec,
    Signature,
    Spec,
    TensorSpec,
    ValueSpec,
)
from tracedbg.explain.difference import Difference
from tracedbg.explain.wording import describe, key_path, tensor_words

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

ABSENT = "absent"
_NUMBERS = {"bool", "int", "float"}
_DETAIL_KINDS = {
    "device": CauseKind.DEVICE,
    "layout": CauseKind.LAYOUT,
    "stride": CauseKind.LAYOUT,
    "strides": CauseKind.LAYOUT,
    "memory_format": CauseKind.LAYOUT,
    "requires_grad": CauseKind.REQUIRES_GRAD,
    "ragged_rank": CauseKind.RANK,
    "row_splits_dtype": CauseKind.DTYPE,
    "flat_values": CauseKind.STRUCTURE,
    "handle": CauseKind.STRUCTURE,
}
_OPTIONAL_DETAILS = {"name"}
"""Details that fit any where the earlier trace has none."""


def differences(old: Signature, new: Signature) -> tuple[Difference, ...]:
    """Why a call with `new` does not fit a trace made for `old`; empty if it does.

    An unknown size or rank in `old` fits any in `new`.
    """
    found: list[Difference] = []
    olds, news = dict(old.arguments), dict(new.arguments)
    for name, spec in new.arguments:
        if name not in olds:
            found.append(Difference(CauseKind.ARGUMENT_COUNT, name, ABSENT, describe(spec)))
        elif olds[name] != spec:
            found += spec_differences(olds[name], spec, name)
    found += [
        Difference(CauseKind.ARGUMENT_COUNT, name, describe(spec), ABSENT)
        for name, spec in old.arguments
        if name not in news
    ]
    found += alias_differences(alias_groups(old), alias_groups(new))
    found += context_differences(old, new)
    return tuple(found)


def spec_differences(old: Spec, new: Spec, path: str) -> list[Difference]:
    """The same for one argument, or one part of it, that the user knows as `path`."""
    if type(old) is not type(new):
        return [Difference(_kind_of_change(old, new), path, describe(old), describe(new))]
    return _COMPARE[type(old)](old, new, path)


def _opaque_differences(old: OpaqueSpec, new: OpaqueSpec, path: str) -> list[Difference]:
    if old == new:
        return []
    kind = CauseKind.STRUCTURE if old.type_name == new.type_name else CauseKind.PYTHON_TYPE
    return [Difference(kind, path, describe(old), describe(new))]


def _kind_of_change(old: Spec, new: Spec) -> CauseKind:
    """The kind where the two are not even the same sort of thing."""
    if _is_none(old) or _is_none(new):
        return CauseKind.NONE_VS_VALUE
    if isinstance(old, (SequenceSpec, MappingSpec)) or isinstance(new, (SequenceSpec, MappingSpec)):
        return CauseKind.STRUCTURE
    if isinstance(old, TensorSpec) or isinstance(new, TensorSpec):
        return CauseKind.TENSOR_VS_PYTHON
    return CauseKind.PYTHON_TYPE


def _is_none(spec: Spec) -> bool:
    return isinstance(spec, ValueSpec) and spec.text == "None"


def _tensor_differences(old: TensorSpec, new: TensorSpec, path: str) -> list[Difference]:
    before, after = tensor_words(old), tensor_words(new)
    found = []
    if old.type_name != new.type_name:
        found.append(Difference(CauseKind.PYTHON_TYPE, path, before, after))
    if old.dtype != new.dtype:
        found.append(Difference(CauseKind.DTYPE, path, before, after))
    if old.shape is not None and old.shape != new.shape:
        if new.shape is None or len(old.shape) != len(new.shape):
            found.append(Difference(CauseKind.RANK, path, before, after))
        elif dims := _changed_dims(old.shape, new.shape):
            found.append(Difference(CauseKind.SHAPE, path, before, after, dims=dims))
    return found + _detail_differences(dict(old.details), dict(new.details), path)


def _changed_dims(old: tuple[int | None, ...], new: tuple[int | None, ...]) -> tuple[int, ...]:
    pairs = enumerate(zip(old, new, strict=True))
    return tuple(index for index, (a, b) in pairs if a is not None and a != b)


def _detail_differences(old: dict[str, str], new: dict[str, str], path: str) -> list[Difference]:
    found = []
    for name in {**old, **new}:
        before, after = old.get(name, ABSENT), new.get(name, ABSENT)
        if before != after and not (before == ABSENT and name in _OPTIONAL_DETAILS):
            kind = _DETAIL_KINDS.get(name, CauseKind.ATTRIBUTE_VALUE)
            argument = f"{path}.{name}" if kind is CauseKind.ATTRIBUTE_VALUE else path
            found.append(Difference(kind, argument, before, after, detail=name))
    return found


def change_of_value(old: ValueSpec, new: ValueSpec) -> CauseKind | None:
    """How two values differ, without a word about it; None where they are one key."""
    if old.text == new.text and old.type_name == new.type_name:
        return None
    if old.text == "None" or new.text == "None":
        return CauseKind.NONE_VS_VALUE
    if key_of_value(old) == key_of_value(new):
        return None
    return CauseKind.PYTHON_VALUE if old.type_name == new.type_name else CauseKind.PYTHON_TYPE


def _value_differences(old: ValueSpec, new: ValueSpec, path: str) -> list[Difference]:
    kind = change_of_value(old, new)
    if kind is None:
        return []
    before, after, detail = describe(old), describe(new), ""
    if kind is CauseKind.PYTHON_TYPE:
        before, after = f"{old.type_name} {before}", f"{new.type_name} {after}"
    elif kind is CauseKind.PYTHON_VALUE:
        detail = new.type_name
    return [Difference(kind, path, before, after, detail=detail)]


def key_of_value(spec: ValueSpec) -> Hashable:
    """What is equal for two values that are one key: `True`, `1` and `1.0` are equal, and hash alike."""
    if spec.type_name not in _NUMBERS:
        return spec
    number = _number(spec)
    return (ValueSpec, number) if number == number else spec  # noqa: PLR0124  not a number is one key by its text


def _number(spec: ValueSpec) -> int | float | str:
    if spec.type_name == "bool":
        return spec.text == "True"
    try:
        return int(spec.text) if spec.type_name == "int" else float(spec.text)
    except ValueError:  # a mark stands for it: equal numbers have equal ones
        return spec.text.rpartition("_")[2]


def _object_differences(old: ObjectSpec, new: ObjectSpec, path: str) -> list[Difference]:
    if old.type_name != new.type_name:
        return [Difference(CauseKind.PYTHON_TYPE, path, describe(old), describe(new))]
    if old.identity == new.identity and old.alive:
        return []
    return [identity_difference(old, new, path)]


def identity_difference(old: ObjectSpec, new: ObjectSpec, path: str) -> Difference:
    """Another object of the same type."""
    after = describe(new)
    if after == describe(old):
        after = f"another {after}"
    return Difference(CauseKind.IDENTITY, path, describe(old), after, detail=new.type_name)


def _sequence_differences(old: SequenceSpec, new: SequenceSpec, path: str) -> list[Difference]:
    if old.type_name != new.type_name:
        return [Difference(CauseKind.STRUCTURE, path, describe(old), describe(new), detail="type")]
    if len(old.items) != len(new.items):
        before, after = _length(old), _length(new)
        return [Difference(CauseKind.STRUCTURE, path, before, after, detail="length")]
    found = []
    for index, (a, b) in enumerate(zip(old.items, new.items, strict=True)):
        if a != b:
            found += spec_differences(a, b, f"{path}[{index}]")
    return found


def _length(spec: SequenceSpec) -> str:
    return f"length {len(spec.items)}"


def _mapping_differences(old: MappingSpec, new: MappingSpec, path: str) -> list[Difference]:
    olds = dict(zip(old.keys, old.items, strict=True))
    news = dict(zip(new.keys, new.items, strict=True))
    if old.type_name != new.type_name or old.is_record != new.is_record:
        return [Difference(CauseKind.STRUCTURE, path, describe(old), describe(new), detail="type")]
    if olds.keys() != news.keys():
        added = [key for key in new.keys if key not in olds]
        removed = [key for key in old.keys if key not in news]
        before, after = _keys(old), _keys(new)
        return [Difference(CauseKind.STRUCTURE, path, before, after, detail=_changes(added, removed))]
    found = []
    for key, spec in news.items():
        if olds[key] != spec:
            inner = f"{path}.{key}" if new.is_record else key_path(path, key)
            found += spec_differences(olds[key], spec, inner)
    return found


def _keys(spec: MappingSpec) -> str:
    noun = "fields" if spec.is_record else "keys"
    return f"{noun} {', '.join(spec.keys)}" if spec.keys else f"no {noun}"


def _changes(added: list[str], removed: list[str]) -> str:
    words = [f"{key} is new" for key in added] + [f"{key} is gone" for key in removed]
    return ", ".join(words)


_COMPARE: dict[type, Callable[[Any, Any, str], list[Difference]]] = {
    TensorSpec: _tensor_differences,
    ValueSpec: _value_differences,
    ObjectSpec: _object_differences,
    SequenceSpec: _sequence_differences,
    MappingSpec: _mapping_differences,
    OpaqueSpec: _opaque_differences,
}


# --- the same object, twice -------------------------------------------------------------------


def alias_groups(signature: Signature) -> dict[str, str]:
    """Path of each numbered tensor -> path of the first one that is the same object."""
    first: dict[int, str] = {}
    groups = {}
    for path, leaf in leaves(signature):
        if isinstance(leaf, TensorSpec) and leaf.alias is not None:
            groups[path] = first.setdefault(leaf.alias, path)
    return groups


def parts(signature: Signature) -> Iterator[tuple[str, Spec]]:
    """Every part of a signature, by its path."""
    for name, spec in signature.arguments:
        yield from _parts_of(spec, name)


def _parts_of(spec: Spec, path: str) -> Iterator[tuple[str, Spec]]:
    yield path, spec
    for inner, part in _inside(spec, path):
        yield from _parts_of(part, inner)


def _inside(spec: Spec, path: str) -> Iterator[tuple[str, Spec]]:
    match spec:
        case SequenceSpec():
            for index, item in enumerate(spec.items):
                yield f"{path}[{index}]", item
        case MappingSpec():
            for key, item in zip(spec.keys, spec.items, strict=True):
                yield f"{path}.{key}" if spec.is_record else key_path(path, key), item


def leaves(signature: Signature) -> Iterator[tuple[str, Spec]]:
    """Those that have no parts of their own."""
    for path, spec in parts(signature):
        if not isinstance(spec, (SequenceSpec, MappingSpec)):
            yield path, spec


def alias_differences(old: dict[str, str], new: dict[str, str]) -> list[Difference]:
    """Tensors that are the same object as others, and were not, or the other way round."""
    found = []
    for path in old.keys() & new.keys():
        if old[path] != new[path]:
            before, after = _alias_words(old, path), _alias_words(new, path)
            found.append(Difference(CauseKind.ALIASING, path, before, after))
    return sorted(found, key=lambda difference: difference.argument)


def _alias_words(groups: dict[str, str], path: str) -> str:
    return "an object of its own" if groups[path] == path else f"the same object as {groups[path]}"


def context_differences(old: Signature, new: Signature) -> list[Difference]:
    """What differs in the surroundings of the two calls."""
    olds, news = dict(old.context), dict(new.context)
    return [
        Difference(CauseKind.CONTEXT, name, olds.get(name, ""), news.get(name, ""))
        for name in {**olds, **news}
        if olds.get(name, "") != news.get(name, "")
    ]


def objects_of(signature: Signature) -> Iterator[tuple[str, ObjectSpec]]:
    """Every object in a signature that is compared by identity, with its path."""
    for path, leaf in leaves(signature):
        if isinstance(leaf, ObjectSpec):
            yield path, leaf
