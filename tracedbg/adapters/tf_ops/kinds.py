"""Kinds of op: from what is cheap to note while an op runs to what is told of it.

Slow paths alone: each kind passes here once in each thread. It must not know when ops run.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

from tracedbg.adapters.tf_common._compat import SOURCE_MAPS
from tracedbg.adapters.tf_common.stack import UserStack
from tracedbg.adapters.tf_ops.counts import Place, Slot
from tracedbg.adapters.tf_ops.describing import in_words
from tracedbg.ran import OpKind
from tracedbg.source import is_user_file

if TYPE_CHECKING:
    from types import CodeType, FrameType

    from tracedbg.adapters.tf_ops.counts import StackKey, ThreadCounts
    from tracedbg.adapters.tf_ops.describing import ShapeKey
    from tracedbg.events import Frame

    Whole = tuple[str, StackKey, ShapeKey, int]

MAX_KINDS = 20_000
"""Kinds that are kept apart; further ones by their name alone."""
MAX_FRAMES = 8
"""The user's frames of one stack."""
MAX_FILES = 10_000
BACKWARD, INNER, TRACED = 1, 2, 4
"""Flags of a kind."""
SYNC_OPS = {"Where": "nonzero", "Unique": "unique", "UniqueV2": "unique", "UniqueWithCounts": "unique"}
"""Ops whose result has a shape that is known only when the values are: as `ran.SYNCS` has them."""
_MASKING = "boolean_mask"
_GENERATED = "__autograph_generated_file"
_TRACED_NAME = re.compile(r"^__(?:inference|forward|backward)_(.+?)_\d+$")


class Kinds:
    """The kinds of one process, and the stacks and places that they have in common."""

    def __init__(self, function: str) -> None:
        """Begin with none.

        Args:
            function: whose calls are counted, as `OpWindow.function`; empty for none.
        """
        self._function = function
        self._user_stack = UserStack(SOURCE_MAPS.get())
        self.libraries: set[str] = set()
        """Files known not to be the user's."""
        self.own: set[str] = set()
        """Files known to be the user's, or generated from one by AutoGraph."""
        self._codes: dict[int, CodeType] = {}
        """Held, so that no other code ever has the number of one that stands in a key."""
        self._frames: dict[StackKey, tuple[Frame, ...]] = {}
        self._kinds: dict[Whole, OpKind] = {}
        self._others: dict[Whole, OpKind] = {}
        self._places: dict[tuple[str, StackKey], Place] = {}
        self._numbers: dict[tuple[str, tuple[Frame, ...]], int] = {}
        self._next_number = itertools.count(1)
        self._traced: dict[str, str] = {}
        self.watched: dict[StackKey, bool] = {}
        """Stacks that are known -> whether the function whose calls are counted is among them."""

    @property
    def counts_calls(self) -> bool:
        """Whether there is a function whose calls are counted."""
        return bool(self._function)

    @property
    def is_full(self) -> bool:
        """Whether there is room for no more kinds."""
        return len(self._kinds) >= MAX_KINDS

    def is_users(self, file: str) -> bool:
        """Whether a file is the user's, or generated from one; remembers it."""
        found = is_user_file(file) or _GENERATED in file
        known = self.own if found else self.libraries
        if len(known) < MAX_FILES:
            known.add(file)
        return found

    def stack_key(self, frame: FrameType | None) -> StackKey:
        """A stack in numbers: code and instruction of each of the user's frames."""
        key: list[int] = []
        libraries = self.libraries
        while frame is not None and len(key) < MAX_FRAMES * 2:
            code = frame.f_code
            file = code.co_filename
            if file not in libraries and (file in self.own or self.is_users(file)):
                key += (id(code), frame.f_lasti)
            frame = frame.f_back
        return tuple(key)

    def frames(self, key: StackKey, frame: FrameType | None) -> tuple[Frame, ...]:
        """The frames of a stack, innermost first.

        Args:
            key: of the stack.
            frame: the innermost frame of it; it is looked at only if the stack is new.
        """
        found = self._frames.get(key)
        if found is not None or not key or frame is None or len(self._frames) >= MAX_KINDS:
            return found or ()
        kept: list[Frame] = []
        is_watched = False
        codes = set(key[::2])
        at: FrameType | None = frame
        while at is not None and len(kept) < MAX_FRAMES:
            if id(at.f_code) in codes:
                self._codes[id(at.f_code)] = at.f_code
                one = self._user_stack.at(at)
                if one is not None:
                    kept.append(one)
                    is_watched = is_watched or self.is_counted(one.function)
            at = at.f_back
        found = self._frames[key] = tuple(kept)
        self.watched[key] = is_watched
        return found

    def is_counted(self, function: str) -> bool:
        """Whether it is the function whose calls the window counts."""
        wanted = self._function
        return bool(wanted) and (function == wanted or function.endswith(f".{wanted}"))

    def traced_name(self, op: str) -> str:
        """The user's name of a traced function, from that of the runtime; of an op, the same."""
        found = self._traced.get(op)
        if found is None:
            found = op
            while (match := _TRACED_NAME.match(found)) is not None:
                found = match[1]
            if len(self._traced) < MAX_KINDS:
                self._traced[op] = found
        return found

    def place(self, op: str, key: StackKey, frame: FrameType | None) -> Place:
        """An op on a line."""
        if len(self._places) >= MAX_KINDS and (op, key) not in self._places:
            key = ()
        found = self._places.get((op, key))
        if found is None:
            frames = self.frames(key, frame)
            number = self._numbers.setdefault((op, frames), next(self._next_number))
            found = self._places[op, key] = Place(number, op, frames, key)
        return found

    def slot(self, counts: ThreadCounts, whole: Whole, frame: FrameType | None, method: str = "") -> Slot:
        """The slot of a kind that a thread meets for the first time.

        Args:
            counts: of the thread.
            whole: (type of an op, or name of a traced function; stack; shapes; flags).
            frame: where the op runs; for one of a backward pass that is not where the stack is.
            method: for a wait of the host, what it is; as `ran.SYNCS` has it.
        """
        op, key, shapes, flags = whole
        sync = method or SYNC_OPS.get(op, "")
        if sync == "nonzero" and _is_below(frame, _MASKING):
            sync = "mask"
        kind = self._kinds.get(whole)
        if kind is None and self.is_full:
            whole = (op, (), (), flags)
            found = counts.slots.get(whole)
            if found is not None:
                return found
            kind, key = self._others.get(whole), ()
            if kind is None:
                kind = self._others[whole] = _new(op, flags, "", (), sync)
        place = self.place(op, key, frame)
        if kind is None:
            kind = self._kinds[whole] = _new(op, flags, in_words(shapes), self._frames.get(key, ()), sync)
        found = counts.slots[whole] = Slot(kind, place, is_watched=self.watched.get(key, False))
        return found


def _new(op: str, flags: int, inputs: str, stack: tuple[Frame, ...], sync: str) -> OpKind:
    return OpKind(
        framework="tensorflow",
        name=op,
        inputs=inputs,
        stack=stack,
        is_backward=bool(flags & BACKWARD),
        is_traced=bool(flags & TRACED),
        is_outer=not flags & INNER,
        sync=sync,
    )


def _is_below(frame: FrameType | None, function: str) -> bool:
    """Whether a function of a library is on the stack, nearer than the user's line."""
    while frame is not None and not is_user_file(frame.f_code.co_filename):
        if frame.f_code.co_name == function:
            return True
        frame = frame.f_back
    return False
