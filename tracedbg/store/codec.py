"""The JSON forms inside a recording: specs, signatures, stacks and graphs, both ways.

A spec is a list whose first item is a letter: ["T", dtype, shape, type, details, alias],
["V", type, text], ["O", type, identity, text, alive], ["S", type, items],
["M", type, keys, items, is_record], ["X", type, text].
"""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any

from tracedbg.events import (
    Frame,
    MappingSpec,
    ObjectSpec,
    OpaqueSpec,
    OpSite,
    SequenceSpec,
    Signature,
    Spec,
    TensorSpec,
    ValueSpec,
)
from tracedbg.store.guarded import inflate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def storable(value: str) -> str:
    """Text that SQLite takes: a lone surrogate in the user's own strings must not stop a recording."""
    return value.encode("utf-8", "backslashreplace").decode()


def dump(value: Any) -> str:
    """JSON as it stands in the database: no blanks; surrogates in the user's text survive."""
    return json.dumps(value, separators=(",", ":"))


def spec_to_json(spec: Spec) -> list[Any]:
    """One spec tree as nested lists."""
    match spec:
        case TensorSpec(dtype, shape, type_name, details, alias):
            return ["T", dtype, shape, type_name, details, alias]
        case ValueSpec(type_name, text):
            return ["V", type_name, text]
        case ObjectSpec(type_name, identity, text, alive):
            return ["O", type_name, identity, text, alive]
        case SequenceSpec(type_name, items):
            return ["S", type_name, [spec_to_json(item) for item in items]]
        case MappingSpec(type_name, keys, items, is_record):
            return ["M", type_name, keys, [spec_to_json(item) for item in items], is_record]
        case OpaqueSpec(type_name, text):
            return ["X", type_name, text]


def spec_from_json(data: list[Any]) -> Spec:
    """The inverse of `spec_to_json`."""
    letter, *rest = data
    if letter == "T":
        dtype, shape, type_name, details, alias = rest
        return TensorSpec(dtype, None if shape is None else tuple(shape), type_name, _pairs(details), alias)
    if letter == "S":
        return SequenceSpec(rest[0], tuple(map(spec_from_json, rest[1])))
    if letter == "M":
        return MappingSpec(rest[0], tuple(rest[1]), tuple(map(spec_from_json, rest[2])), rest[3])
    leaves: dict[str, type[ValueSpec | ObjectSpec | OpaqueSpec]] = {
        "V": ValueSpec,
        "O": ObjectSpec,
        "X": OpaqueSpec,
    }
    return leaves[letter](*rest)


def dump_signature(signature: Signature | None) -> str | None:
    """A signature as text, or None."""
    if signature is None:
        return None
    arguments = [[name, spec_to_json(spec)] for name, spec in signature.arguments]
    return dump({"arguments": arguments, "context": signature.context})


def load_signature(text: str | None) -> Signature | None:
    """The inverse of `dump_signature`."""
    if text is None:
        return None
    data = json.loads(text)
    arguments = tuple((name, spec_from_json(spec)) for name, spec in data["arguments"])
    return Signature(arguments, _pairs(data["context"]))


def dump_frame(frame: Frame | None) -> str | None:
    """One frame as text, or None."""
    return None if frame is None else dump([frame.file, frame.line, frame.function])


def load_frame(text: str | None) -> Frame | None:
    """The inverse of `dump_frame`."""
    return None if text is None else Frame(*json.loads(text))


def dump_stack(stack: Iterable[Frame]) -> str:
    """A stack as text."""
    return dump([[frame.file, frame.line, frame.function] for frame in stack])


def load_stack(text: str) -> tuple[Frame, ...]:
    """The inverse of `dump_stack`."""
    return tuple(Frame(*item) for item in json.loads(text))


def load_pairs(text: str) -> tuple[tuple[str, Any], ...]:
    """Pairs such as options and cache hits."""
    return _pairs(json.loads(text))


def load_line_map(text: str) -> tuple[tuple[int, int], ...]:
    """Pairs of lines."""
    return tuple((line, generated) for line, generated in json.loads(text))


def pack_sites(sites: tuple[OpSite, ...]) -> bytes:
    """A graph's op sites, column by column, with the file names once each."""
    fields = zip(*sites, strict=True) if sites else [()] * len(OpSite._fields)
    name, op, inputs, output, file, line, inside, callers = fields
    files = sorted(set(file))
    index = {one: number for number, one in enumerate(files)}
    columns: dict[str, Sequence[Any]] = {
        "files": files,
        "name": name,
        "op": op,
        "inputs": inputs,
        "output": output,
        "file": [index[one] for one in file],
        "line": line,
    }
    if any(inside):
        columns["inside"] = inside
    if any(callers):
        stacks: dict[tuple[Frame, ...], int] = {}
        columns["callers"] = [stacks.setdefault(one, len(stacks)) for one in callers]
        columns["stacks"] = [[(one.file, one.line, one.function) for one in stack] for stack in stacks]
    return zlib.compress(dump(columns).encode(), 1)


def unpack_sites(blob: bytes) -> tuple[OpSite, ...]:
    """The inverse of `pack_sites`."""
    data = json.loads(inflate(blob))
    names = data["name"]
    stacks = [tuple(Frame(*one) for one in stack) for stack in data.get("stacks") or [()]]
    rows = zip(
        names,
        data["op"],
        data["inputs"],
        data["output"],
        data["file"],
        data["line"],
        data.get("inside") or [""] * len(names),  # most graphs have no bodies
        data.get("callers") or [0] * len(names),
        strict=True,
    )
    return tuple(
        OpSite(name, op, tuple(inputs), output, data["files"][file], line, inside, stacks[callers])
        for name, op, inputs, output, file, line, inside, callers in rows
    )


def _pairs(items: Iterable[Any]) -> tuple[tuple[str, Any], ...]:
    return tuple((key, value) for key, value in items)
