"""What Python sees of the observer: what was executed, in the words of `ran`.

One process has one observer; its numbers stay valid to the end, and so do the kinds that are made of them.
"""

from __future__ import annotations

import re
import sys
from array import array
from functools import lru_cache
from itertools import compress
from typing import TYPE_CHECKING, Any

from tracedbg import source
from tracedbg.adapters.torch_ops import _compat, syncs
from tracedbg.adapters.torch_ops.compiled import GraphLines, is_generated, whole_name
from tracedbg.events import Frame
from tracedbg.ran import OpColumns, OpKind, OpRows, OpsSeen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

NAME = "RecordFunction"
_BACKWARD, _TRACED, _OUTER = 1, 2, 4
_WORD = re.compile(r"[A-Za-z]\w*(?=\[)")
_DTYPES = {
    "Byte": "uint8",
    "Char": "int8",
    "Short": "int16",
    "Int": "int32",
    "Long": "int64",
    "Half": "float16",
    "Float": "float32",
    "Double": "float64",
    "ComplexHalf": "complex32",
    "ComplexFloat": "complex64",
    "ComplexDouble": "complex128",
}
"""torch's own names of dtypes in C++, where they are others than in Python but for capitals."""


class Observer:
    """The loaded extension."""

    def __init__(self, native: Any) -> None:
        self._native = native
        self._kinds: list[OpKind] = []
        self._stacks: list[tuple[Frame, ...]] = []
        self._codes: list[tuple[str, str]] = []
        self._frames: dict[tuple[int, int], Frame] = {}
        self._lines = GraphLines()
        native.set_files(files())
        native.set_names(syncs.names())
        native.check(True)

    @property
    def native(self) -> Any:
        """The extension itself."""
        return self._native

    def take(self, zero_ns: int) -> Iterator[OpsSeen]:
        """What was executed since the last time: first what is known, as to learn of the rest takes time.

        Args:
            zero_ns: the moment of the monotonic clock that times are told from.
        """
        totals, columns, left_out = self._native.take()
        told = tuple(map(_integers, totals))
        known = len(self._kinds)
        if told[0] and max(told[0]) >= known:
            yield OpsSeen(NAME, OpColumns(self._kinds, *_chosen(told, lambda kind: kind < known)))
            told = _chosen(told, lambda kind: kind >= known)
            self._learn()
        elif columns[0]:
            self._learn()
        if told[0] or columns[0] or left_out:
            yield OpsSeen(NAME, OpColumns(self._kinds, *told), self._rows(columns, zero_ns), left_out)

    def _rows(self, columns: tuple[bytes, ...], zero_ns: int) -> OpRows | None:
        if not columns[0]:
            return None
        numbers, threads, starts, durations = map(_integers, columns)
        places: dict[int, int] = {}
        kind = array("I", [places.setdefault(number, len(places)) for number in numbers])
        start_ns = array("q", [start - zero_ns for start in starts])
        return OpRows(tuple(self._kinds[number] for number in places), kind, threads, start_ns, durations)

    def _learn(self) -> None:
        kinds, stacks, codes = self._native.learn(len(self._kinds), len(self._stacks), len(self._codes))
        for file, name, graph in codes:
            self._codes.append((file, name))
            if graph is not None:
                self._lines.learn(file, graph())
        frames = [self._frames_of(stack) for stack in stacks]
        self._lines.look_for(one[0].file for one in frames if one)
        self._stacks += map(self._stack, frames)
        for name, inputs, stack, flags, sync in kinds:
            self._kinds.append(
                OpKind(
                    framework="torch",
                    name=name,
                    inputs=in_words(inputs),
                    stack=self._stacks[stack],
                    is_backward=bool(flags & _BACKWARD),
                    is_traced=bool(flags & _TRACED),
                    is_outer=bool(flags & _OUTER),
                    sync=sync,
                )
            )

    def _frames_of(self, stack: tuple[tuple[int, int], ...]) -> list[Frame]:
        frames: list[Frame] = []
        resumed = ""
        for code, line in stack:
            frame = self._frame(code, line)
            if not resumed or frame.function != resumed:  # the first part of a function calls the second
                frames.append(frame)
            name = self._codes[code][1]
            resumed = frame.function if frame.function != name else ""
        return frames

    def _stack(self, frames: list[Frame]) -> tuple[Frame, ...]:
        if frames and is_generated(frames[0].file):
            return self._lines.stack(frames[0], frames[1:])
        return tuple(frames)

    def _frame(self, code: int, line: int) -> Frame:
        frame = self._frames.get((code, line))
        if frame is None:
            file, name = self._codes[code]
            frame = self._frames[code, line] = Frame(file, line, whole_name(name))
        return frame


def _chosen(columns: tuple[array[int], ...], is_wanted: Callable[[int], bool]) -> tuple[array[int], ...]:
    """Those rows whose first column is wanted."""
    wanted = list(map(is_wanted, columns[0]))
    return tuple(array("q", compress(column, wanted)) for column in columns)


def _integers(column: bytes) -> array[int]:
    values = array("q")
    values.frombytes(column)
    return values


@lru_cache(maxsize=1024)
def in_words(inputs: str) -> str:
    """`Float[32, 64]` as Python has it: `float32[32, 64]`."""
    return sys.intern(_WORD.sub(lambda found: _DTYPES.get(found[0], found[0].lower()), inputs))


def files() -> dict[str, tuple[str, ...]]:
    """Which files are whose, as `source.is_user_file` has it: the observer cannot call it."""
    begins, parts = source.library_files()
    return {
        "library_begins": begins,
        "library_parts": parts,
        "generated_begins": _compat.GENERATED_BEGINS,
        "generated_parts": _compat.GENERATED_PARTS,
        "compiler_ends": _compat.COMPILER_ENDS,
        "runtime_name": (_compat.RUNTIME_NAME,),
        "ours": source.own_files(),
        "methods": (syncs.__file__,),
    }


_loaded: list[Observer] = []


def observer_of(native: ModuleType) -> Observer:
    """The process' observer: the first one that was loaded."""
    if not _loaded:
        _loaded.append(Observer(native))
    return _loaded[0]


def loaded() -> Observer | None:
    """The process' observer, if it has been loaded."""
    return _loaded[0] if _loaded else None
