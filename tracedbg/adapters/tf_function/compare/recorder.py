"""A `Debugger` that stops nowhere and notes what each op makes, in one thread at a time."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tracedbg.compare.bystander import Bystander
from tracedbg.compare.records import OpRecord
from tracedbg.frames import PythonView, real_path
from tracedbg.source import code_name, is_ours, is_user_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from tracedbg.debugging import Outline, View

_MAX_BYTES = 1 << 30
_WITHOUT_VALUE = ("resource", "variant")


class Recording:
    """What one run has made."""

    def __init__(self) -> None:
        self.ops: list[OpRecord] = []
        self.plans: dict[int, Any] = {}
        """Plans of the graphs that were walked."""
        self.root: Any = None
        """The first of them to be called, with its inputs: a `Call`."""
        self.inputs: list[Any] = []
        self.kept_bytes = 0
        self.on_op: Callable[[View], None] = lambda _: None
        """Called after each op."""

    @property
    def is_full(self) -> bool:
        """Whether values were left out, for want of room."""
        return self.kept_bytes > _MAX_BYTES

    def keep(self, value: Any) -> Any:
        """What is kept of a value; None for one that cannot be compared, or has no room."""
        dtype = getattr(value, "dtype", None)
        if dtype is None:
            return value if isinstance(value, (bool, int, float, complex, str, bytes)) else None
        if getattr(dtype, "name", "") in _WITHOUT_VALUE or self.is_full:
            return None
        self.kept_bytes += _size(value)
        return value

    def mark_constants(self, captured: set[int]) -> None:
        """Note which inputs were constants of the graph, or were taken into it when it was traced."""
        known = captured | {
            id(node.constant)
            for plan in self.plans.values()
            for node in plan.nodes
            if node.constant is not None
        }
        for number, record in enumerate(self.ops):
            found = frozenset(at for at, (_, value) in enumerate(record.inputs) if id(value) in known)
            if found:
                self.ops[number] = replace(record, constants=found)


def _size(value: Any) -> int:
    try:
        return int(value.shape.num_elements() or 0) * int(value.dtype.size or 1)
    except (AttributeError, ValueError):  # a ragged one, or a NumPy array
        return int(getattr(value, "nbytes", 0))


class Recorder(Bystander):
    """See the module."""

    def __init__(self) -> None:
        super().__init__()
        self._recording: Recording | None = None
        self._thread = 0
        self._functions: dict[tuple[str, int], str] = {}
        self.replay: Any = None
        """Code of the function that runs the program's function again: its frames end there."""

    @contextmanager
    def into(self, recording: Recording) -> Iterator[Recording]:
        """Record what this thread runs."""
        self._recording, self._thread = recording, threading.get_ident()
        self.changed()
        try:
            yield recording
        finally:
            self._recording = None
            self.changed()

    @property
    def _current(self) -> Recording | None:
        mine = self._recording is not None and self._thread == threading.get_ident()
        return self._recording if mine else None

    # --- see `Debugger` ----------------------------------------------------------------------

    def may_walk(self, outline: Outline) -> bool:  # noqa: ARG002
        """See `Debugger`; the same for the methods below."""
        return self._recording is not None

    def wants_walk(self, outline: Outline, depth: int = sys.maxsize) -> bool:  # noqa: ARG002, D102
        return self._current is not None

    def may_stop_at_ops(self) -> bool:  # noqa: D102
        return self._recording is not None

    def looks_at_ops(self) -> bool:  # noqa: D102
        return self._current is not None

    def enter(self, view: View) -> None:  # noqa: D102
        recording = self._current
        call = getattr(view, "_call", None)
        if recording is not None and call is not None and recording.root is None:
            recording.root = call
            recording.inputs = call.values[: len(call.plan.arguments)]

    def after_op(self, view: View) -> None:  # noqa: D102
        recording = self._current
        if recording is None or view.op is None:
            return
        file, line, function = self._place(view)
        call = getattr(view.op, "_call", None)
        if call is not None:
            recording.plans[id(call.plan)] = call.plan
        site = view.op.site
        recording.ops.append(
            OpRecord(
                file,
                line,
                function,
                site.op,
                tuple(recording.keep(value) for _, value in view.op.outputs()),
                tuple((name, recording.keep(value)) for name, value in view.op.inputs()),
                site.name,
                view.iteration,
                view.is_backward,
            )
        )
        recording.on_op(view)

    # --- where an op is ----------------------------------------------------------------------

    def _place(self, view: View) -> tuple[str, int, str]:
        """The innermost line of the user's inside the function; without one, only what a library calls it."""
        if isinstance(view, PythonView) and not view.is_backward:
            return self._place_of(sys._getframe(2))
        if view.line and is_user_file(view.file):
            place = view.file, view.line
            if place not in self._functions:
                self._functions[place] = view.frames()[0].function
            return *place, self._functions[place]
        return "", 0, ""

    def _place_of(self, frame: FrameType | None) -> tuple[str, int, str]:
        while frame is not None and frame.f_code is not self.replay:
            file = frame.f_code.co_filename
            if is_user_file(file) and not is_ours(file):
                return real_path(file), frame.f_lineno, code_name(frame.f_code)
            frame = frame.f_back
        return "", 0, ""
