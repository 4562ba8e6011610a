"""Guards that are Python conditions, and the words for the values in them.

It parses text, and never asks a framework.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from tracedbg.events import CauseKind
from tracedbg.explain import sources
from tracedbg.explain.difference import SPECIALISED, Difference

if TYPE_CHECKING:
    from tracedbg.events import GuardFailure

_FRAMEWORK_NOTE = re.compile(r"0/1 specialization|user code shown is first use")
_PATHS = re.compile(
    r"""[LG]\[(?:'[^']*'|"[^"]*")\](?:\.(?!size\b|stride\b)\w+|\[(?:'[^']*'|"[^"]*"|-?\d+)\])*(?:\.(?:size|stride)\(\)\[\d+\])?"""
)
_TENSOR_WORDS = re.compile(r"(?:[\w.]+ )?(?:bool|bfloat16|(?:float|int|uint|complex)\d+\w*)\[[^\]]*\]")
_TENSOR_TYPES = re.compile(r"(?:torch\..*)?(?:Tensor|Parameter|Buffer)\b|(?:Tensor|Parameter) \w+\[")
_SIZE = re.compile(r"\.size\(\)\[(\d+)\]")
_CONTAINERS = re.compile(r"(?:list|tuple|dict|set|frozenset|range|collections\.\w+)$")


def condition(failure: GuardFailure, guard: str, note: str) -> Difference:
    """What a failed condition says; the kind is by what it compares with what."""
    node = sources.parse_node(guard)
    compared = _compared_value(failure, node)
    if compared is not None:
        return compared
    argument = argument_of(failure, guard)
    words = sources.render(node) if node is not None else speak(guard)
    if _FRAMEWORK_NOTE.search(note):
        return _specialised(failure, guard, argument, "2 or more" if guard.startswith("2 <= ") else words)
    if not argument:
        return Difference(CauseKind.UNKNOWN, detail=f"its guard failed: {guard}")
    is_layout = ".stride(" in guard or "storage_offset" in guard
    kind = CauseKind.LAYOUT if is_layout else CauseKind.SYMBOLIC_CONDITION
    return Difference(kind, argument, words, speak(failure.now))


def _compared_value(failure: GuardFailure, node: ast.expr | None) -> Difference | None:
    """Something of the user's was compared with a constant, and is not that any more."""
    match node:
        case ast.Compare(left=left, ops=[ast.Eq() | ast.Is()], comparators=[right]) if _is_value(left, right):
            before = failure.before or sources.render(right)
            return value_difference(ast.unparse(left), before, failure.now)
        case ast.Compare(left=left, ops=[ast.IsNot()], comparators=[ast.Constant(value=None)]):
            before = failure.before or "a value"
            return Difference(CauseKind.NONE_VS_VALUE, sources.render(left), before, "None")
    return None


def _specialised(failure: GuardFailure, guard: str, argument: str, before: str) -> Difference:
    """The framework itself keeps 0 and 1 apart from other sizes and values."""
    if ".size(" not in guard:
        return Difference(CauseKind.PYTHON_VALUE, argument, before, failure.now, detail=SPECIALISED)
    dims = tuple(map(int, _SIZE.findall(guard)))
    return Difference(
        CauseKind.SHAPE, argument, f"size {before}", _sizes(failure.now), detail=SPECIALISED, dims=dims
    )


def _sizes(now: str) -> str:
    return f"size {now}" if now.isdigit() else speak(now)


def _is_value(left: ast.expr, right: ast.expr) -> bool:
    """Whether a comparison is of something of the user's with a constant, sizes and strides apart."""
    if ".size()" in ast.unparse(left) or ".stride()" in ast.unparse(left):
        return False
    whole = sources.source_of(left)
    return not whole.is_constant and sources.source_of(right).is_constant


def value_difference(expression: str, before: str, now: str) -> Difference:
    """A Python value that changed, of the kind that fits where it came from."""
    source = sources.parse(expression) or sources.Source(expression)
    before, after = _unlike(before, now)
    kind = CauseKind.PYTHON_VALUE
    if "None" in (before, after):
        kind = CauseKind.NONE_VS_VALUE
    elif is_tensor(after):
        kind = CauseKind.TENSOR_VS_PYTHON
    elif source.is_global:
        kind = CauseKind.GLOBAL_VALUE
    elif source.has_attribute:
        kind = CauseKind.ATTRIBUTE_VALUE
    elif _literal_type(before) and _literal_type(after) and _literal_type(before) != _literal_type(after):
        kind = CauseKind.PYTHON_TYPE
        before, after = f"{_literal_type(before)} {before}", f"{_literal_type(after)} {after}"
    return Difference(kind, source.text, before, after, detail=_literal_type(after))


def _unlike(before: str, now: str) -> tuple[str, str]:
    """Both, told apart; a bool is known even where only the other one was recorded."""
    opposite = {"True": "False", "False": "True"}
    return before or opposite.get(now, ""), now or opposite.get(before, "")


def _literal_type(text: str) -> str:
    try:
        return type(ast.literal_eval(text)).__name__
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return ""


def kind_of_types(before: str, after: str) -> CauseKind:
    """The kind of a change between two types, given by name."""
    if "NoneType" in (before, after):
        return CauseKind.NONE_VS_VALUE
    if _CONTAINERS.match(before) or _CONTAINERS.match(after):
        return CauseKind.STRUCTURE
    if is_tensor(before) != is_tensor(after) and after:
        return CauseKind.TENSOR_VS_PYTHON
    return CauseKind.PYTHON_TYPE


def is_tensor(words: str) -> bool:
    """Whether `words` describe a tensor, or name a type of tensors."""
    return bool(_TENSOR_WORDS.match(words) or _TENSOR_TYPES.match(words))


def spoken(expression: str) -> str:
    """The expression of a guard as the user wrote it."""
    source = sources.parse(expression) if expression else None
    return source.text if source else expression


def speak(text: str) -> str:
    """`text` with every path in it as the user wrote it."""
    return _PATHS.sub(lambda match: spoken(match[0]), text)


def argument_of(failure: GuardFailure, text: str) -> str:
    """What a guard is about: its source, or else the first path in `text`."""
    return spoken(failure.source) or first_path(text)


def first_path(text: str) -> str:
    """The first path in `text`, without a size or stride of it; empty where there is none."""
    match = _PATHS.search(text)
    return spoken(re.sub(r"\.(size|stride)\(\)\[\d+\]$", "", match[0])) if match else ""
