"""What a test may cost: from markers and the ini file to numbers, or a clear error.

It must not know what has happened.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

COUNTED = ("max_retraces", "max_traces", "max_graph_breaks", "max_compile_seconds")
FLAGS = ("no_silent_eager", "no_stale_trace")
_INI = pytest.StashKey[tuple["Budget", ...]]()
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}


@dataclass(frozen=True)
class Budget:
    """One limit of one test."""

    kind: str
    """The marker's name."""
    limit: float = 0
    function: str | None = None
    """A pattern of function names; None for all."""
    after_warmup: int = 1
    """How many traces of each function are no retraces."""
    said_by: str = ""
    """As a failure names it: `@pytest.mark.max_retraces(0)`."""


def budgets_of(item: pytest.Item) -> list[Budget]:
    """The budgets of a test: its closest marker of each kind and function, else the ini file's.

    Raises:
        pytest.UsageError: a marker or a line of the ini file makes no sense.
    """
    found: dict[tuple[str, str | None], Budget] = {}
    for mark in item.iter_markers():
        if mark.name in COUNTED or mark.name in FLAGS:
            budget = _of_marker(mark, item)
            found.setdefault((budget.kind, budget.function), budget)
    kinds = {kind for kind, _ in found}
    return [*found.values(), *(one for one in _of_ini_file(item.config) if one.kind not in kinds)]


def _of_ini_file(config: pytest.Config) -> tuple[Budget, ...]:
    if _INI not in config.stash:
        budgets = (of_ini(config, kind) for kind in (*COUNTED, *FLAGS))
        config.stash[_INI] = tuple(one for one in budgets if one is not None)
    return config.stash[_INI]


def of_ini(config: pytest.Config, kind: str) -> Budget | None:
    """The budget that the ini file sets for all tests."""
    text = str(config.getini(f"tracedbg_{kind}")).strip()
    where = f"tracedbg_{kind} = {text}"
    if kind in FLAGS:
        if text.lower() not in _TRUE | _FALSE:
            raise pytest.UsageError(f"{where} in the ini file: it must be true or false")
        return Budget(kind, said_by=f"{where} in the ini file") if text.lower() in _TRUE else None
    if not text:
        return None
    try:
        limit = _number(kind, float(text) if "." in text or kind == "max_compile_seconds" else int(text))
    except ValueError as error:
        raise pytest.UsageError(f"{where} in the ini file: it must be a number, 0 or more") from error
    return Budget(kind, limit, said_by=f"{where} in the ini file")


def _of_marker(mark: pytest.Mark, item: pytest.Item) -> Budget:
    said = f"@pytest.mark.{mark.name}({_arguments(mark)})"
    try:
        bound = inspect.signature(_SHAPES[mark.name]).bind(*mark.args, **mark.kwargs)
        return Budget(mark.name, said_by=said, **_SHAPES[mark.name](*bound.args, **bound.kwargs))
    except (TypeError, ValueError) as error:
        raise pytest.UsageError(f"{item.nodeid}: {said}: {error}") from error


def _arguments(mark: pytest.Mark) -> str:
    return ", ".join([*map(repr, mark.args), *(f"{name}={value!r}" for name, value in mark.kwargs.items())])


def _max_retraces(n: Any, function: Any = None, after_warmup: Any = 1) -> dict[str, Any]:
    if not isinstance(after_warmup, int) or isinstance(after_warmup, bool) or after_warmup < 1:
        raise ValueError(f"after_warmup is {after_warmup!r}; it must be 1 or more")
    return {**_max_counted(n, function), "after_warmup": after_warmup}


def _max_counted(n: Any, function: Any = None) -> dict[str, Any]:
    if not isinstance(n, int):
        raise ValueError(f"n is {n!r}; it must be a whole number, 0 or more")  # noqa: TRY004  one error for all
    return {"limit": _number("n", n), **_flag(function)}


def _max_seconds(s: Any, function: Any = None) -> dict[str, Any]:
    return {"limit": _number("s", s), **_flag(function)}


def _flag(function: Any = None) -> dict[str, Any]:
    if function is not None and not isinstance(function, str):
        raise ValueError(f"function is {function!r}; it must be a name or a pattern such as 'train_*'")
    return {"function": function}


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
        raise ValueError(f"{name} is {value!r}; it must be a number, 0 or more")
    return value


_SHAPES: dict[str, Callable[..., dict[str, Any]]] = {
    "max_retraces": _max_retraces,
    "max_traces": _max_counted,
    "max_graph_breaks": _max_counted,
    "max_compile_seconds": _max_seconds,
    "no_silent_eager": _flag,
    "no_stale_trace": _flag,
}
