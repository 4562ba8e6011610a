"""Conditions that can be decided again later, without running code of the user's: `cfg.mode == "train"`."""

from __future__ import annotations

import ast
import operator
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.py_state.state import MISSING

if TYPE_CHECKING:
    from collections.abc import Callable

_PLAIN = (type(None), bool, int, float, str, bytes)
_SIZED = (list, tuple, dict, set, frozenset)
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_IDENTITY: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}


def is_decidable(test: ast.expr, is_value: Callable[[ast.AST], bool]) -> bool:
    """Whether `test` is made of constants and values by comparison and logic alone.

    Args:
        test: the condition.
        is_value: whether a part of it is a value that can be looked at later; asked for all of them.
    """
    if is_value(test) or isinstance(test, ast.Constant):
        return True
    match test:
        case ast.BoolOp(values=parts):
            return _are_decidable(parts, is_value)
        case ast.UnaryOp(op=ast.Not(), operand=part):
            return is_decidable(part, is_value)
        case ast.Compare(left=left, ops=[how], comparators=[right]):
            known = type(how) in _COMPARE or type(how) in _IDENTITY
            return known and _are_decidable([left, right], is_value)
    return False


def _are_decidable(parts: list[ast.expr], is_value: Callable[[ast.AST], bool]) -> bool:
    return {is_decidable(part, is_value) for part in parts} == {True}


def decide(test: ast.expr, value_of: Callable[[ast.AST], Any]) -> bool | None:
    """What `test` comes to now; None where it cannot be told.

    Args:
        test: a decidable one.
        value_of: the value at a node, `MISSING` where there is none.
    """
    match test:
        case ast.BoolOp(op=how, values=parts):
            results = [decide(part, value_of) for part in parts]
            if None in results:
                return None
            return all(results) if isinstance(how, ast.And) else any(results)
        case ast.UnaryOp(op=ast.Not(), operand=part):
            result = decide(part, value_of)
            return None if result is None else not result
        case ast.Compare(left=left, ops=[how], comparators=[right]):
            return _compare(type(how), _value(left, value_of), _value(right, value_of))
    value = _value(test, value_of)
    return bool(value) if type(value) in (*_PLAIN, *_SIZED) else None


def _value(node: ast.expr, value_of: Callable[[ast.AST], Any]) -> Any:
    return node.value if isinstance(node, ast.Constant) else value_of(node)


def _compare(how: type[ast.cmpop], left: Any, right: Any) -> bool | None:
    if left is MISSING or right is MISSING:
        return None
    if how in _IDENTITY:
        return bool(_IDENTITY[how](left, right))
    if type(left) not in _PLAIN or type(right) not in _PLAIN:
        return None
    try:
        return bool(_COMPARE[how](left, right))
    except TypeError:
        return None
