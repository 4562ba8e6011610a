"""Specs in the few words that a person reads in a report.

The words are stable from run to run: no addresses.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tracedbg.events import (
    MappingSpec,
    ObjectSpec,
    OpaqueSpec,
    SequenceSpec,
    TensorSpec,
    ValueSpec,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracedbg.events import Spec

_ADDRESS = re.compile(r" (?:at )?0x[0-9a-fA-F]+")
_BRACKETS = {"list": ("[", "]"), "tuple": ("(", ")")}
MAX_TEXT = 60
MAX_ITEMS = 4


def describe(spec: Spec) -> str:
    """`float32[2, 3]`, `0.1`, `[int 1, 'a']`: one spec in at most `MAX_TEXT` characters."""
    return shorten(_words(spec))


def _words(spec: Spec) -> str:
    return _WORDS[type(spec)](spec)


def _object_words(spec: ObjectSpec) -> str:
    return _ADDRESS.sub("", spec.text) or f"{spec.type_name} object"


def _sequence_words(spec: SequenceSpec) -> str:
    brackets = _BRACKETS.get(spec.type_name, (f"{spec.type_name}(", ")"))
    return brackets[0] + ", ".join(_some([_words(item) for item in spec.items])) + brackets[1]


def _mapping_words(spec: MappingSpec) -> str:
    pairs = zip(spec.keys, map(_words, spec.items), strict=True)
    if spec.is_record:
        return f"{spec.type_name}({', '.join(_some([f'{key}={words}' for key, words in pairs]))})"
    return "{" + ", ".join(_some([f"{key}: {words}" for key, words in pairs])) + "}"


def _opaque_words(spec: OpaqueSpec) -> str:
    return _ADDRESS.sub("", spec.text) or spec.type_name


def tensor_words(spec: TensorSpec) -> str:
    """`float32[2, ?]`, with the type's name where it is not a plain tensor."""
    shape = "[...]" if spec.shape is None else f"[{', '.join(map(_size, spec.shape))}]"
    prefix = "" if spec.type_name == "Tensor" else f"{spec.type_name} "
    return f"{prefix}{spec.dtype}{shape}"


_WORDS: dict[type, Callable[[Any], str]] = {
    TensorSpec: tensor_words,
    ValueSpec: lambda spec: spec.text,
    ObjectSpec: _object_words,
    SequenceSpec: _sequence_words,
    MappingSpec: _mapping_words,
    OpaqueSpec: _opaque_words,
}


def _size(size: int | None) -> str:
    return "?" if size is None else str(size)


def _some(items: list[str]) -> list[str]:
    if len(items) <= MAX_ITEMS:
        return items
    return [*items[: MAX_ITEMS - 1], f"... {len(items)} in all"]


def shorten(text: str, limit: int = MAX_TEXT) -> str:
    """`text` on one line, cut in the middle if it is longer than `limit`."""
    text = " ".join(text.split())
    if len(text) <= limit:
        return text
    keep = limit - 5
    return f"{text[: keep - keep // 3]} ... {text[-(keep // 3) :]}"


def key_path(path: str, key: str) -> str:
    """`path["x"]` for the key whose repr is `'x'`; other keys as they are."""
    if len(key) > 1 and key[0] == key[-1] == "'" and '"' not in key:
        key = f'"{key[1:-1]}"'
    return f"{path}[{key}]"


def a(noun: str) -> str:
    """`a list`, `an int`."""
    return f"{'an' if noun[:1].lower() in 'aeio' else 'a'} {noun}"
