"""What a stale trace means for the user, and what to do about it.

It must not know how it was noticed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.events import Framework
from tracedbg.explain.summary import StaleGroup
from tracedbg.explain.wording import shorten

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracedbg.events import Stale

TF = Framework.TF_FUNCTION
_VALUES = ("global", "closure", "attribute")
_CLOCKS = ("time", "now", "today", "clock", "monotonic", "perf_counter")


def group_stale(found: Iterable[Stale]) -> tuple[StaleGroup, ...]:
    """By kind, name and line: the value in the first trace, and the last that came after it."""
    groups: dict[tuple[str, str, str, int], list[Stale]] = {}
    for stale in found:
        groups.setdefault((stale.kind, stale.name, stale.frame.file, stale.frame.line), []).append(stale)
    made = [_group(items[0], items[-1]) for items in groups.values()]
    return tuple(sorted(made, key=lambda group: (group.file, group.line, group.kind, group.name)))


def _group(first: Stale, last: Stale) -> StaleGroup:
    then, now = shorten(first.then), shorten(last.now)
    framework = last.function.framework
    return StaleGroup(
        last.kind,
        last.name,
        last.frame.file,
        last.frame.line,
        then,
        now,
        _message(last.kind, last.name, then, now),
        _advice(last.kind, last.name, then, framework),
    )


def _message(kind: str, name: str, then: str, now: str) -> str:
    if kind in _VALUES:
        noun = {"global": "the global ", "closure": "the outer variable "}.get(kind, "")
        return f"{noun}`{name}` was {then} while tracing and is {now} now: calls go on with {then}"
    if kind == "side_effect":
        state = f" ({then})" if then[:1].isdigit() or then.startswith("length") else ""
        return f"`{name}` ran while tracing{state}, and not in the calls that used the trace"
    if kind == "random":
        return f"`{name}` was evaluated while tracing: all calls that use the trace have the same value"
    if kind == "mismatch":
        return f"{name} of the trace is not what the function gives, by the framework's own check"
    state = f" ({then})" if then else ""
    return f"`{name}` was decided while tracing{state}, for all calls to come" + (
        f": now {now}" if now else ""
    )


def _advice(kind: str, name: str, then: str, framework: Framework) -> str:
    if kind in _VALUES:
        is_number = then.lstrip("-").replace(".", "", 1)[:1].isdigit()
        variable = ", or make it a tf.Variable and assign to that" if framework is TF and is_number else ""
        return f"pass `{name}` as an argument{variable}"
    if kind == "side_effect":
        return _advice_on_effect(name, then, framework)
    if kind == "random":
        called = name.partition("(")[0].rpartition(".")[2]
        is_clock = any(word in called for word in _CLOCKS)
        inside = {True: "tf.timestamp()", False: "tf.random"}[is_clock]
        return (
            f"use {inside}, or pass the value as an argument" if framework is TF else "pass it as an argument"
        )
    if kind == "mismatch":
        return "look for Python numbers, state and random values in it: tracing keeps those of its own run"
    return "script it with torch.jit.script, or write the condition with torch.where"


def _advice_on_effect(name: str, then: str, framework: Framework) -> str:
    if framework is not TF:
        return "do it outside of the function, after the call"
    if name.startswith("print("):
        return f"tf.{name} prints in every call"
    if then.startswith("length"):
        return "return the value and store it outside, or use tf.TensorArray or tf.py_function"
    return "return the value, or keep it in a tf.Variable: assign, assign_add"
