"""A difference as one sentence for a person, in the user's words and without advice.

It must not know how the difference was found, nor what to do about it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.events import CauseKind
from tracedbg.explain.difference import SPECIALISED
from tracedbg.explain.wording import a

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tracedbg.explain.difference import Difference


def sentence(difference: Difference) -> str:
    """One sentence, never empty, without a full stop."""
    return _SENTENCES[difference.kind](difference)


def _change(d: Difference, what: str) -> str:
    """`x` changed `what` from one value to another, as far as the two are known."""
    if d.before and d.after:
        return f"{_name(d)} changed {what}from {d.before} to {d.after}"
    if d.after:
        return f"{_name(d)} changed {what}and is now {d.after}"
    return f"{_name(d)} changed {what}".rstrip() + (f" and was {d.before}" if d.before else "")


def _name(d: Difference) -> str:
    return f"`{d.argument}`" if d.argument else "a value"


def _shape(d: Difference) -> str:
    if d.detail == SPECIALISED:
        return f"{_name(d)} has {d.after or 'size 0 or 1'}: sizes 0 and 1 always get a graph of their own"
    if d.detail == "marked":
        return "a tensor came in with dimensions marked, after a compile without the mark"
    return _change(d, "shape ")


def _python_value(d: Difference) -> str:
    if d.detail == SPECIALISED:
        return f"{_name(d)} is {d.after or '0 or 1'}: the values 0 and 1 always get a graph of their own"
    noun = f"{a(f'Python {d.detail}')}" if d.detail else "a Python value"
    return f"{_change(d, '')} ({noun} is part of the trace's key)"


def _none(d: Difference) -> str:
    if d.after == "None":
        return f"{_name(d)} is None, and was {d.before or 'a value'}"
    return f"{_name(d)} is {d.after or 'a value'}, and was None"


def _identity(d: Difference) -> str:
    if d.detail == "gone":
        return f"the object that {_name(d)} was is gone, and the trace made for it can never be used again"
    if d.after.startswith("another "):
        return f"{_name(d)} is {d.after} (objects are compared by identity)"
    after = f": {d.after}" if d.after else ""
    return f"{_name(d)} is another object{after} (objects are compared by identity)"


def _structure(d: Difference) -> str:
    if d.detail in ("length", "type", "keys", ""):
        return _change(d, "")
    return f"{_name(d)} has other keys: {d.detail}"


def _argument_count(d: Difference) -> str:
    if d.before == "absent":
        return f"{_name(d)} was passed now ({d.after}), and was not before"
    return f"{_name(d)} was not passed now, and was before ({d.before})"


def _aliasing(d: Difference) -> str:
    return f"which arguments are the same object changed: {d.after}, before {d.before or 'not so'}"


def _attribute(d: Difference) -> str:
    if d.after == "absent":
        return f"{_name(d)} is gone"
    if d.before == "absent":
        return f"{_name(d)} is new"
    return _change(d, "")


def _context(d: Difference) -> str:
    return f"the surroundings of the call changed: {d.argument} {d.before or 'none'} to {d.after or 'none'}"


def _global_state(d: Difference) -> str:
    return _change(d, "").replace("a value", "global state")


def _condition(d: Difference) -> str:
    now = f": now {d.after}" if d.after else ""
    return f"the graph holds only where {d.before}{now}"


def _backend(d: Difference) -> str:
    if d.after.startswith("another "):
        return f"it was compiled with {d.after}: each new backend object compiles anew"
    return _change(d, "")


def _unknown(d: Difference) -> str:
    return f"the framework gave no reason ({d.detail})" if d.detail else "the framework gave no reason"


_SENTENCES: dict[CauseKind, Callable[[Difference], str]] = {
    CauseKind.FIRST_CALL: lambda d: d.detail or "the first call",
    CauseKind.SHAPE: _shape,
    CauseKind.RANK: lambda d: _change(d, "rank "),
    CauseKind.DTYPE: lambda d: _change(d, "dtype "),
    CauseKind.DEVICE: lambda d: _change(d, "device "),
    CauseKind.LAYOUT: lambda d: _change(d, "memory layout "),
    CauseKind.REQUIRES_GRAD: lambda d: _change(d, "requires_grad "),
    CauseKind.PYTHON_VALUE: _python_value,
    CauseKind.PYTHON_TYPE: lambda d: _change(d, "type "),
    CauseKind.TENSOR_VS_PYTHON: lambda d: f"{_change(d, '')} (one is a tensor, the other is not)",
    CauseKind.NONE_VS_VALUE: _none,
    CauseKind.IDENTITY: _identity,
    CauseKind.STRUCTURE: _structure,
    CauseKind.ARGUMENT_COUNT: _argument_count,
    CauseKind.ALIASING: _aliasing,
    CauseKind.ATTRIBUTE_VALUE: _attribute,
    CauseKind.GLOBAL_VALUE: lambda d: f"the global {_change(d, '')}",
    CauseKind.GLOBAL_STATE: _global_state,
    CauseKind.SYMBOLIC_CONDITION: _condition,
    CauseKind.BACKEND: _backend,
    CauseKind.CONTEXT: _context,
    CauseKind.NEW_FUNCTION_OBJECT: lambda d: d.detail,
    CauseKind.UNKNOWN: _unknown,
}


# --- many retraces of one kind ----------------------------------------------------------------

_SOME = 4
_PLURALS = {
    CauseKind.SHAPE: "`{name}` came in {count} shapes: {values}",
    CauseKind.RANK: "`{name}` came in {count} ranks: {values}",
    CauseKind.DTYPE: "`{name}` came in {count} dtypes: {values}",
    CauseKind.DEVICE: "`{name}` came on {count} devices: {values}",
    CauseKind.LAYOUT: "`{name}` came in {count} memory layouts: {values}",
    CauseKind.PYTHON_VALUE: "`{name}` took {count} Python values: {values}",
    CauseKind.PYTHON_TYPE: "`{name}` came as {count} types: {values}",
    CauseKind.STRUCTURE: "`{name}` came in {count} forms: {values}",
    CauseKind.ATTRIBUTE_VALUE: "`{name}` took {count} values: {values}",
    CauseKind.GLOBAL_VALUE: "the global `{name}` took {count} values: {values}",
    CauseKind.GLOBAL_STATE: "`{name}` took {count} values: {values}",
}


def sentence_for_many(d: Difference, values: Sequence[str], count: int) -> str:
    """One sentence for `count` retraces, the last of them for `d`; the values are all that it took."""
    if count > 1:
        if d.detail == SPECIALISED:
            news = [value for value in values if "or more" not in value]
            return f"{_name(d)} came as {_listed(news)}: 0 and 1 always get a graph of their own"
        if d.kind in _MANY and (text := _MANY[d.kind](d, count)):
            return text
        if d.kind in _PLURALS and len(values) > 1:
            return _PLURALS[d.kind].format(name=d.argument, count=len(values), values=_listed(values))
    return sentence(d)


def _listed(values: Sequence[str]) -> str:
    return ", ".join(values[:_SOME]) + (", ..." if len(values) > _SOME else "")


def _backends(d: Difference, count: int) -> str:
    is_same_name = d.after.startswith("another ")
    return f"it was compiled with {count + 1} backend objects: each compiles anew" if is_same_name else ""


_MANY: dict[CauseKind, Callable[[Difference, int], str]] = {
    CauseKind.IDENTITY: lambda d, n: (
        f"{_name(d)} was another object {n} times (objects are compared by identity)"
    ),
    CauseKind.BACKEND: _backends,
    CauseKind.NEW_FUNCTION_OBJECT: lambda _, n: (
        f"the function was made {n + 1} times: each object is traced anew"
    ),
}
