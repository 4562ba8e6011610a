"""Takes the values out of the conditions and expressions of guards; names of variables and attributes stay.

A text of a form that is not known here becomes `a guard`. It parses text, and never asks a framework.
"""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracedbg.events import GuardFailure

MAX_POSITION = 255
"""Numbers in brackets up to this one are taken for positions in a list."""
_MEMBERS = ("_modules", "_parameters", "_buffers", "__dict__")
_SIZES = ("size", "stride", "storage_offset", "dim", "ndim", "numel")
_LENGTHS = ("len", "___tuple_iterator_len")
_TENSOR = re.compile(
    r"tensor '(?P<source>.+?)' (?P<what>[a-z ]+ mismatch)(?P<at> at index \d+)?\."
    r"(?P<rest> expected (?:DispatchKeySet\([\w, ]*\)|[\w=]+)(?:, actual (?:DispatchKeySet\([\w, ]*\)|\w+))?)"
)
_TENSOR_TYPE = re.compile(
    r"expected type of '(?P<source>.+?)' to be (?:a tensor type|<class '[^']+'>), '? ?but found"
    r" (?P<now><class '[\w.<>]+'>|[\w.]+)"
)
_IDENTITY = re.compile(
    r"___check_(?P<what>type|obj)_id\((?P<source>.+), \d+\), type=<class '(?P<type>[\w.<>]+)'>"
)
_FIXED = (
    re.compile(r"GLOBAL_STATE changed: [\w ]*"),
    re.compile(r"NO_GUARD_FAILED|BACKEND_MATCH|Duplicate tensor found"),
)
_NUMBER = re.compile(r"-?\d+")
_ASSIGNED = re.compile(r"(?P<path>[^=]+) = (?P<now>-?\d+)")
_ZERO_ONE = "0/1 specialization"
UNKNOWN = "a guard"


class Expressions:
    """Rewrites expressions."""

    def __init__(self, mark: Callable[[str], str], words: Callable[[str], str]) -> None:
        """Prepare.

        Args:
            mark: what stands for a constant.
            words: the same for a value in words, of which types and shapes stay.
        """
        self._mark = mark
        self._words = words

    def failure(self, failure: GuardFailure) -> GuardFailure:
        """A failed guard that may be recorded."""
        condition, _, note = failure.guard.partition("  # ")
        condition = condition.strip()
        node = _parsed(condition)
        is_size = node is not None and _reads_sizes(node)
        guard = self._condition(condition, node) if condition else ""
        if _ZERO_ONE in note:
            guard = f"{guard}  # {_ZERO_ONE}"
        return replace(
            failure,
            guard=guard,
            source=self.source(failure.source),
            before=self._side(failure.before, is_size=is_size),
            now=self._side(failure.now, is_size=is_size),
        )

    def source(self, expression: str) -> str:
        """An expression that a guard reads; empty where it is none."""
        node = _parsed(expression)
        return "" if node is None else ast.unparse(_Hide(self._mark, keep_numbers=False).visit(node))

    def spoken(self, text: str) -> str:
        """An expression as the user wrote it: `cfg["lr"]`."""
        return self.source(text) or ("" if not text else UNKNOWN)

    def _condition(self, text: str, node: ast.expr | None) -> str:
        if node is not None:
            return ast.unparse(_Hide(self._mark, keep_numbers=_reads_sizes(node)).visit(node))
        if found := _TENSOR.match(text):
            return (
                f"tensor '{self.source(found['source'])}' {found['what']}{found['at'] or ''}.{found['rest']}"
            )
        if found := _TENSOR_TYPE.match(text):
            source = self.source(found["source"])
            return f"expected type of '{source}' to be a tensor type, but found {found['now']}"
        if found := _IDENTITY.match(text):
            source = self.source(found["source"])
            return f"___check_{found['what']}_id({source}, 0), type=<class '{found['type']}'>"
        for form in _FIXED:
            if found := form.match(text):
                return found[0]
        return UNKNOWN

    def _side(self, text: str, *, is_size: bool) -> str:
        """What was there, or is there now."""
        if is_size:
            if _NUMBER.fullmatch(text):
                return text
            parts = [_ASSIGNED.fullmatch(part) for part in text.split(", ")]
            if all(parts):
                return ", ".join(f"{self.source(one['path'])} = {one['now']}" for one in parts if one)
        return self._words(text)


def _parsed(text: str) -> ast.expr | None:
    try:
        return ast.parse(text.strip(), mode="eval").body if text.strip() else None
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


def _reads_sizes(node: ast.expr) -> bool:
    """Whether all that it reads of the program is a size, a stride or a length."""
    return _paths(node) > 0 and _paths(node) == _sizes(node)


def _paths(node: ast.AST) -> int:
    if _is_root(node):
        return 1
    return sum(map(_paths, ast.iter_child_nodes(node)))


def _sizes(node: ast.AST) -> int:
    """The paths in it that are below a call which tells a size."""
    match node:
        case ast.Call(func=ast.Attribute(attr=name)) if name in _SIZES:
            return _paths(node)
        case ast.Call(func=ast.Name(id=name)) if name in _LENGTHS:
            return _paths(node)
        case ast.Attribute(attr="ndim"):
            return _paths(node)
    return sum(map(_sizes, ast.iter_child_nodes(node)))


def _is_root(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in ("L", "G")
    )


class _Hide(ast.NodeTransformer):
    """Puts marks in the place of constants."""

    def __init__(self, mark: Callable[[str], str], *, keep_numbers: bool) -> None:
        self._mark = mark
        self._keep_numbers = keep_numbers

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        match node.slice:
            case ast.Constant(value=str() as name) if _is_root(node) and name.isidentifier():
                return node
            case ast.Constant(value=str()) if (
                isinstance(node.value, ast.Attribute) and node.value.attr in _MEMBERS
            ):
                node.value = self.visit(node.value)
                return node
            case ast.Constant(value=int() as at) if 0 <= at <= MAX_POSITION:
                node.value = self.visit(node.value)
                return node
        node.value = self.visit(node.value)
        node.slice = _Hide(self._mark, keep_numbers=False).visit(node.slice)  # a key is no size
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        match node:
            case ast.Call(func=ast.Name(id="hasattr"), args=[owner, ast.Constant(value=str())]):
                node.args[0] = self.visit(owner)
                return node
        return self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        value = node.value
        if value is None or value is Ellipsis or isinstance(value, bool):
            return node
        if self._keep_numbers and isinstance(value, int):
            return node
        mark = self._mark(repr(value))
        return ast.Constant(mark) if isinstance(value, str) else ast.Name(mark, ast.Load())
