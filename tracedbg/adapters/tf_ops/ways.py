"""The ways into the runtime, and what is noted at each: the path that every op takes.

Written for speed: each call, attribute and loop here costs every op of the program. What is not needed for
each op stands elsewhere.
"""

from __future__ import annotations

import sys
import time
from _thread import get_ident
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_eager._compat import EXECUTE, FAST_PATH, REFUSED, SYMBOLIC
from tracedbg.adapters.tf_ops._compat import CANCELLABLE, OP_NAMES, QUICK_EXECUTE
from tracedbg.adapters.tf_ops.counts import ThreadCounts
from tracedbg.adapters.tf_ops.describing import Describer
from tracedbg.adapters.tf_ops.disguise import in_disguise
from tracedbg.adapters.tf_ops.kinds import BACKWARD, INNER, MAX_FRAMES, TRACED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

    from tracedbg.adapters.tf_ops.counts import Slot
    from tracedbg.adapters.tf_ops.kinds import Kinds
    from tracedbg.adapters.tf_ops.openness import Openness
    from tracedbg.adapters.tf_ops.units import Units
    from tracedbg.hooks import Hooks

OWN_FUNCTIONS = "__tracedbg"
"""How functions begin that a walker of ours has put into the runtime."""
_SUM = "AddN"


class Ways:
    """Counts the ops of all threads, while it is installed."""

    def __init__(self, hooks: Hooks, kinds: Kinds, window: Openness) -> None:
        self._hooks = hooks
        self.kinds = kinds
        self.window = window
        self.describer = Describer()
        self.threads: dict[int, ThreadCounts] = {}
        self.has_no_tape: Callable[[], bool] = lambda: True
        """Whether nothing is recorded by a tape of this thread just now."""
        self.units: Units | None = None
        """What is told of calls of the function whose calls the window counts."""
        self.is_on = False
        """Whether anything is noted. Wrappers of ours that somebody keeps are harmless when it is not."""

    def thread(self) -> ThreadCounts:
        """What belongs to this thread."""
        number = get_ident()
        found = self.threads.get(number)
        if found is None:
            found = self.threads[number] = ThreadCounts(number)
        return found

    def broken(self, error: BaseException) -> None:
        """A fault of ours: nothing is noted from here on."""
        self._hooks.fault("ops", error)
        self.is_on = False

    # --- installing --------------------------------------------------------------------------

    def install(self) -> None:
        """Patch the ways into the runtime, all or none."""
        for name in OP_NAMES:
            name.owner()
        refused, symbolic = REFUSED.get(), SYMBOLIC.get()
        note = self._noting()
        run = self._running(note, symbolic)
        self._hooks.on_remove(self._stop)
        self._hooks.patch(*FAST_PATH.owner(), lambda original: self._fast_path(original, note, refused))
        self._hooks.patch(*CANCELLABLE.owner(), lambda original: _cancellable(original, run))
        self._replace_execute(run)
        self.is_on = True

    def _stop(self) -> None:
        self.is_on = False

    def _replace_execute(self, run: Any) -> None:
        """By one function under both names: callbacks on ops put one in the place of the other, and back."""
        owner, quick = QUICK_EXECUTE.owner()
        usual = EXECUTE.owner()[1]
        original = getattr(owner, quick)
        ours = _execute(original, run)
        ours.__tracedbg__ = self._hooks.name
        for attribute in (quick, usual):
            if getattr(owner, attribute) is original:
                setattr(owner, attribute, ours)

        def undo() -> None:
            for attribute in (quick, usual):
                if getattr(owner, attribute) is ours:
                    setattr(owner, attribute, original)

        self._hooks.on_remove(undo)

    # --- the ways ----------------------------------------------------------------------------

    def _fast_path(self, original: Any, note: Any, refused: Any) -> Any:
        threads, clock = self.threads, time.monotonic_ns

        def TFE_Py_FastPathExecute(context, op, name, *arguments):  # noqa: N802  its name, in tracebacks too
            if not self.is_on:
                return original(context, op, name, *arguments)
            thread = threads.get(get_ident()) or self.thread()
            outer_ns, thread.inner_ns = thread.inner_ns, 0
            start_ns = clock()
            thread.depth += 1  # Ctrl+C cannot come between this and the `try`, nor before what undoes it
            try:
                try:
                    outputs = original(context, op, name, *arguments)
                finally:
                    thread.depth -= 1
            except refused:  # nothing was run: the slow way follows
                thread.inner_ns += outer_ns
                raise
            except BaseException:
                note(thread, sys._getframe(1), op, arguments, None, start_ns, clock() - start_ns, outer_ns, 0)
                raise
            note(thread, sys._getframe(1), op, arguments, outputs, start_ns, clock() - start_ns, outer_ns, 0)
            return outputs

        return in_disguise(TFE_Py_FastPathExecute, FAST_PATH.module)

    def _running(self, note: Any, symbolic: Any) -> Any:
        threads, clock, traced_name = self.threads, time.monotonic_ns, self.kinds.traced_name

        def execute(original, op_name, inputs, *arguments):
            op = op_name.decode() if isinstance(op_name, bytes) else op_name
            if not self.is_on or op.startswith(OWN_FUNCTIONS):
                return original(op_name, *arguments)
            known = traced_name(op)
            flags = 0 if known == op else TRACED
            thread = threads.get(get_ident()) or self.thread()
            outer_ns, thread.inner_ns = thread.inner_ns, 0
            start_ns = clock()
            thread.depth += 1
            try:
                try:
                    outputs = original(op_name, *arguments)
                finally:
                    thread.depth -= 1
            except symbolic:  # it is put into a graph instead
                thread.inner_ns += outer_ns
                raise
            except BaseException:
                took_ns = clock() - start_ns
                note(thread, sys._getframe(2), known, inputs, None, start_ns, took_ns, outer_ns, flags)
                raise
            took_ns = clock() - start_ns
            note(thread, sys._getframe(2), known, inputs, outputs, start_ns, took_ns, outer_ns, flags)
            return outputs

        return in_disguise(execute, EXECUTE.module)

    def follow(self, thread: ThreadCounts, frame: FrameType | None, slot: Slot) -> None:
        """An op was run where calls of one function are counted: in a call of it, or not."""
        if not slot.is_watched:
            if self.units is not None and thread.unit is not None and thread.unit.is_by_ops:
                self.units.ended(thread)
            return
        called = self.window.passed(frame, self.kinds)
        if called is not None and self.units is not None:
            self.units.called(thread, called)

    # --- what is noted -----------------------------------------------------------------------

    def _noting(self) -> Any:  # noqa: C901, PLR0915  one piece: each call of another would cost every op
        kinds, window, describer = self.kinds, self.window, self.describer
        eager, numbers, made = describer.eager, describer.numbers, describer.made
        sizes_of, dtype_of = eager._shape_tuple, eager._datatype_enum
        input_counts, describe = describer.counts.get, describer.add
        libraries, own, classify, new_slot = kinds.libraries, kinds.own, kinds.is_users, kinds.slot
        follows_calls = kinds.counts_calls
        broken, most = self.broken, MAX_FRAMES * 2

        def note(  # noqa: C901, PLR0912, PLR0913, PLR0915, PLR0917  likewise
            thread: ThreadCounts,
            frame: FrameType | None,
            op: str,
            arguments: Sequence[Any],
            outputs: Any,
            start_ns: int,
            duration_ns: int,
            outer_ns: int,
            flags: int,
        ) -> None:
            own_ns = duration_ns - thread.inner_ns
            thread.inner_ns = outer_ns + duration_ns
            try:
                backward = thread.backward
                if backward is None:
                    numbered: list[int] = []
                    at = frame
                    while at is not None:
                        code = at.f_code
                        file = code.co_filename
                        if file not in libraries and (file in own or classify(file)):
                            numbered += (id(code), at.f_lasti)
                            if len(numbered) >= most:
                                break
                        at = at.f_back
                    key = tuple(numbered)
                else:
                    key = backward.stack
                    flags |= BACKWARD
                if thread.depth:
                    flags |= INNER
                count = input_counts(op)
                if count is None:
                    count = describer.count_of(op)
                inputs = arguments[:count]
                shapes: list[Any] = []
                for value in inputs:
                    if type(value) is eager:
                        shapes.append(sizes_of(value))
                        shapes.append(dtype_of(value))
                    else:
                        describe(shapes, value)
                whole = (op, key, tuple(shapes), flags)
                slot = thread.slots.get(whole)
                if slot is None:
                    slot = new_slot(thread, whole, frame)
                slot.count += 1
                slot.duration_ns += duration_ns
                slot.self_ns += own_ns
                if duration_ns > slot.longest_ns:  # noqa: PLR1730  `max` is a call
                    slot.longest_ns = duration_ns
                if follows_calls:
                    self.follow(thread, frame, slot)
                if flags == TRACED:
                    window.called(op, kinds)
                if window.is_open:
                    window.keep(thread, slot, start_ns, duration_ns)
                log = thread.log
                if log is not None and (log.is_unit or not self.has_no_tape()):
                    log.add((slot.place, numbers(inputs), made(outputs)))
                if backward is not None and op == _SUM:
                    backward.summed(numbers(inputs), made(outputs)[0])
            except Exception as error:  # the user's program always wins
                broken(error)

        return note


def _execute(original: Any, run: Any) -> Any:
    def quick_execute(op_name, num_outputs, inputs, attrs, ctx, name=None):  # noqa: PLR0913, PLR0917  as it is there
        return run(original, op_name, inputs, num_outputs, inputs, attrs, ctx, name)

    return in_disguise(quick_execute, EXECUTE.module)


def _cancellable(original: Any, run: Any) -> Any:
    def execute_with_cancellation(  # noqa: PLR0913, PLR0917  as it is there
        op_name, num_outputs, inputs, attrs, ctx, cancellation_manager, name=None
    ):
        return run(original, op_name, inputs, num_outputs, inputs, attrs, ctx, cancellation_manager, name)

    return in_disguise(execute_with_cancellation, CANCELLABLE.module)
