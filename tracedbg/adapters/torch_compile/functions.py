"""Who a code object is to the user: the `Traceable` of what Dynamo compiles."""

from __future__ import annotations

import itertools
import linecache
import re
import sys
import weakref
from dataclasses import replace
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_compile import _compat
from tracedbg.events import Frame, Framework, Role, Traceable
from tracedbg.source import MAX_STACK, code_name, is_user_file, user_frames

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_RESUME = re.compile(r"torch_dynamo_resume_in_(?P<name>.*)_at_\d+$", re.DOTALL)


class Identities:
    """A number for each object, which no other object has, not even after its death."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[Any], int]] = {}
        self._numbers = itertools.count(1)

    def number(self, thing: Any) -> int:
        """The number of `thing`; two objects that are equal have two."""
        known = self._known.get(id(thing))
        if known is not None and known[0]() is thing:
            return known[1]
        number = next(self._numbers)
        self._known[id(thing)] = (weakref.ref(thing), number)
        return number


_CODES = Identities()
_FORWARDS: dict[CodeType, CodeType] = {}
"""What a wrapper of Dynamo's own, of which there is one, was around last."""


def traceable(code: CodeType, f_locals: Mapping[str, Any] | None = None) -> Traceable:
    """What `code` is: for a resume function with its own line, and `owner` the function it resumes.

    A wrapper of Dynamo's own around a module stands for the module's `forward`.

    Args:
        code: what Dynamo compiles.
        f_locals: the variables of the call; without them a wrapper stands for what it was around last.
    """
    if _compat.is_wrapper(code):
        forward = getattr(type((f_locals or {}).get(_compat.WRAPPED)), "forward", None)
        if isinstance(forward, FunctionType):
            _FORWARDS[code] = forward.__code__
        if code in _FORWARDS:
            return replace(traceable(_FORWARDS[code]), object_id=_CODES.number(code))
    return Traceable(
        Framework.TORCH_COMPILE,
        code_name(code),
        code.co_filename,
        code.co_firstlineno if is_resume(code) else definition_line(code),
        object_id=_CODES.number(code),
        owner=_RESUME.sub(r"\g<name>", code_name(code)) if is_resume(code) else "",
        is_user=is_user_file(code.co_filename),
    )


def user_stack(frames: Iterable[Frame]) -> tuple[Frame, ...]:
    """The user's frames of `frames`, as if there were no resume functions.

    A resume function is called by the function that it is the rest of: the user sees that one, at
    the line where it now is.
    """
    kept: list[Frame] = []
    resumed: Frame | None = None
    for frame in user_frames(frames, limit=sys.maxsize):
        name = _RESUME.sub(r"\g<name>", frame.function)
        here = Frame(frame.file, frame.line, name)
        if resumed is None or (resumed.file, resumed.function) != (here.file, name):
            kept.append(here)
        resumed = here if name != frame.function else None
    return tuple(kept[:MAX_STACK])


def role(code: CodeType) -> Role:
    """What a compile of `code` is for."""
    return Role.RESUME if is_resume(code) else Role.FORWARD


def is_resume(code: CodeType) -> bool:
    """Whether Dynamo made `code` of the rest of a function, after a graph break."""
    return _RESUME.search(code.co_name) is not None


def definition_line(code: CodeType) -> int:
    """The line of `def`; `co_firstlineno` is that of the first decorator."""
    line = code.co_firstlineno
    if not linecache.getline(code.co_filename, line).lstrip().startswith("@"):
        return line
    body = min((at for *_, at in code.co_lines() if at is not None and at > line), default=line)
    for at in range(line, body + 1):
        if linecache.getline(code.co_filename, at).lstrip().startswith(("def ", "async def ")):
            return at
    return line
