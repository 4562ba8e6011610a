"""Reads the stack of a running thread in a few microseconds: the user's frames, and what the others say.

A stack that was seen before is found by the places of its frames; a new one is put together of what is
known of each code object. Of a frame, nothing is kept. It must not know who asks, nor touch a
frame's variables.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tracedbg.activities import Activity, Mark, judge
from tracedbg.events import Frame
from tracedbg.source import MAX_STACK, code_name, is_user_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType, FrameType

    from tracedbg.activities import Classifier, Doing

MAX_DEPTH = 600
"""Frames of a stack that are looked at, the innermost ones."""
MAX_CODES = 20_000
"""Code objects of which something is kept."""
MAX_PLACES = 100_000
"""Frames of all stacks that are known as a whole: some megabytes."""
_SAYS_NOTHING = Mark(None)


class _Code:
    """What is known of a code object."""

    __slots__ = ("code", "frames", "lines", "mark")

    def __init__(self, code: CodeType, mark: Mark) -> None:
        self.code = code
        self.mark = mark
        self.frames: dict[int, Frame] = {}
        """By instruction."""
        self.lines: dict[int, Frame] = {}

    def at(self, instruction: int) -> Frame:
        """The frame that stands at an instruction; one object for each line."""
        code = self.code
        line = next(
            (line for begin, end, line in code.co_lines() if begin <= instruction < end and line),
            code.co_firstlineno,
        )
        found = self.lines.get(line)
        if found is None:
            found = self.lines[line] = Frame(code.co_filename, line, code_name(code))
        self.frames[instruction] = found
        return found


class Stack:
    """A stack that has been seen: one object for each, however often it is seen."""

    __slots__ = ("_codes", "called", "code", "doing", "instruction", "users", "users_key")

    def __init__(self, codes: list[CodeType], instruction: int, users: list[Frame], doing: Doing) -> None:
        self._codes = codes  # as long as they live, no other code has their identities
        self.code = codes[0]
        """Of the innermost frame, as the instruction."""
        self.instruction = instruction
        self.users = tuple(users)
        """The user's frames, innermost first."""
        self.users_key = tuple(map(id, users))
        """Equal for equal `users`: each of their frames is one object."""
        self.doing = doing
        self.called: int | None = None
        """For the reader to note what the innermost frame has called; None: not known yet."""


class Stacks:
    """Reads stacks.

    Args:
        classifier: knows what each frame says.
    """

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier
        self._codes: dict[int, _Code] = {}
        self._known: dict[tuple[int, ...], Stack] = {}
        """By the code and the instruction of each frame."""
        self._places = 0
        """Frames of these."""

    def read(self, frame: FrameType) -> Stack:
        """What the stack of a frame is; its frames are let go of."""
        places: list[int] = []
        add = places.append
        at: FrameType | None = frame
        while at is not None:
            add(id(at.f_code))
            add(at.f_lasti)
            at = at.f_back
        key = tuple(places[: 2 * MAX_DEPTH])
        return self._known.get(key) or self._add(key, frame)

    def _add(self, key: tuple[int, ...], innermost: FrameType) -> Stack:
        codes: list[CodeType] = []
        users: list[Frame] = []
        marks: list[Mark] = []
        frame: FrameType | None = innermost
        while frame is not None and len(codes) < MAX_DEPTH:
            code = frame.f_code
            codes.append(code)
            known = self._codes.get(id(code))
            if known is None or known.code is not code:
                known = self._learn(frame)
            mark = known.mark
            marks.append(mark)
            if mark.is_users and len(users) < MAX_STACK:
                instruction = frame.f_lasti
                users.append(known.frames.get(instruction) or known.at(instruction))
            frame = frame.f_back
        doing = judge(marks)
        if doing.activity is Activity.COMPILED and _is_generated(marks):
            users = users[1:]  # the user's function in name only: what counts is the line that called it
        self._places += len(codes)
        if self._places > MAX_PLACES:
            self._known.clear()
            self._places = len(codes)
        made = self._known[key] = Stack(codes, innermost.f_lasti, users, doing)
        return made

    def _learn(self, frame: FrameType) -> _Code:
        if len(self._codes) >= MAX_CODES:
            self._codes.clear()
        code = frame.f_code
        mark = self._classifier.mark(code.co_filename, code.co_name)
        if mark.is_users and code.co_filename.startswith("<") and not _is_of_users_module(frame):
            mark = _SAYS_NOTHING
        known = self._codes[id(code)] = _Code(code, mark)
        return known


def _is_generated(marks: Sequence[Mark]) -> bool:
    """Whether the user's innermost frame is code that a compiler has put in the place of a function."""
    first = next((number for number, mark in enumerate(marks) if mark.is_users), len(marks))
    around = marks[first + 1].doing if first + 1 < len(marks) else None
    return around is not None and around.activity is Activity.COMPILED


def _is_of_users_module(frame: FrameType) -> bool:
    """Whether code without a file, made by `exec`, is of a module of the user's: libraries make some."""
    name = frame.f_globals.get("__name__")
    file = getattr(sys.modules.get(name) if isinstance(name, str) else None, "__file__", None)
    return name == "__main__" or (isinstance(file, str) and is_user_file(file))
