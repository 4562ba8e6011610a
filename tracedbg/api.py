"""The importable face: `with tracedbg.record() as run`, `with tracedbg.debug()`, `tracedbg.breakpoint()`.

It reads back what it recorded like any other reader, so that it says what `tracedbg report` says.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tracedbg.debugger.start import breakpoint, debug  # noqa: A004  named as what it stands in for
from tracedbg.errors import RetraceError, UsageError
from tracedbg.explain import Explainer, is_retrace, summarise
from tracedbg.report.json import to_json
from tracedbg.report.text import render
from tracedbg.session import Options, Session
from tracedbg.store import DEFAULT_MAX_MB, reader
from tracedbg.store.run import create_run

if TYPE_CHECKING:
    from types import TracebackType

    from tracedbg.events import Cause
    from tracedbg.explain import CauseGroup, FunctionSummary, Summary
    from tracedbg.store.records import TraceRecord
    from tracedbg.store.run import RunFolder


__all__ = ["Retrace", "Run", "breakpoint", "debug", "record"]


@dataclass(frozen=True)
class Retrace:
    """A trace that a call caused although the function had been traced before."""

    trace: TraceRecord
    causes: tuple[Cause, ...]
    """Why; never empty."""


class Run:
    """What a `with tracedbg.record()` block has recorded: readable in the block, and after it."""

    def __init__(self, folder: RunFolder, session: Session) -> None:
        self._folder = folder
        self._session = session

    @property
    def folder(self) -> str:
        """The run's folder, for `tracedbg report` and its like."""
        return self._folder.path

    @property
    def traces(self) -> tuple[TraceRecord, ...]:
        """All traces so far, in the order of their start."""
        with self._open() as run:
            return tuple(trace for process in run.processes for trace in process.traces())

    @property
    def retraces(self) -> tuple[Retrace, ...]:
        """Those that were not the first of their function, with their causes."""
        with self._open() as run:
            found = []
            for process in run.processes:
                explainer = Explainer()
                for trace in process.traces():
                    causes = explainer.next(trace)
                    if is_retrace(trace, causes):
                        found.append(Retrace(trace, causes))
            return tuple(found)

    @property
    def functions(self) -> tuple[FunctionSummary, ...]:
        """The functions that were traced, by cost."""
        return self._summary().functions

    @property
    def causes(self) -> tuple[CauseGroup, ...]:
        """The causes of all retraces, grouped: the costliest first."""
        groups = [group for function in self._summary().every_function() for group in function.causes]
        return tuple(sorted(groups, key=lambda group: -group.seconds))

    def report(self, *, color: bool = False, width: int = 80) -> str:
        """The report as text.

        Args:
            color: with the colours of a terminal.
            width: columns.
        """
        return render(self._summary(), color=color, width=width)

    def to_json(self) -> dict[str, Any]:
        """The report as data; docs/reference/report-json.md describes it."""
        return to_json(self._summary())

    def assert_no_retraces(self) -> None:
        """Raise if anything was traced again.

        Raises:
            RetraceError: with each cause and what to do about it.
        """
        causes = self.causes
        if not causes:
            return
        count = len(self.retraces)
        lines = [
            "1 retrace where none was to be:" if count == 1 else f"{count} retraces where none was to be:"
        ]
        lines += [f"  {cause.file}:{cause.line}: {cause.message}; {cause.advice}" for cause in causes]
        raise RetraceError("\n".join(lines))

    def _summary(self) -> Summary:
        with self._open() as run:
            return summarise(run)

    def _open(self) -> reader.Run:
        self._session.flush()
        return reader.Run.open(self.folder)

    def __repr__(self) -> str:
        return f"<tracedbg.Run {self.folder}>"


class record:  # noqa: N801  reads as the verb that it is: `with tracedbg.record() as run`
    """Record what is traced in a `with` block, in all threads of this process.

    Frameworks that were imported before are observed from the first line on, others when they are
    imported. Blocks may nest; nothing of ours remains installed after the last one.

    Args:
        out: the folder to record into, new or empty; a new one below `.tracedbg/` by default.
        max_mb: bound of the recording's size; past it, counts go on.
        kernels: time kernels from the beginning of the block on, by the framework's own profiler: for so
            many steps (`kernels=10`), or seconds (`kernels="2s"`); True: for 10 steps or a second. The
            thread that enters the block is the one that is timed.

    Raises:
        RecordingError: the folder cannot be written.
        UsageError: an argument is wrong.
    """

    def __init__(
        self, out: str | None = None, *, max_mb: int = DEFAULT_MAX_MB, kernels: bool | int | str = False
    ) -> None:
        if max_mb < 1:
            raise UsageError(f"max_mb is {max_mb}; it must be 1 or more")
        self._out = out
        self._options = Options(max_mb=max_mb, kernels=_window(kernels), kernels_at_once=True)
        self._open: list[tuple[RunFolder, Session, int]] = []

    def __enter__(self) -> Run:
        folder = create_run(self._out, sys.argv)
        session = Session(folder.path, self._options)
        session.start()
        self._open.append((folder, session, time.monotonic_ns()))
        return Run(folder, session)

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        folder, session, started_ns = self._open.pop()
        session.stop()
        folder.finish(exit_code=None, signal=None, wall_ns=time.monotonic_ns() - started_ns)


def _window(kernels: bool | int | str) -> str | None:
    """What `Options.kernels` is for that argument of `record`.

    Raises:
        UsageError: it makes no sense.
    """
    if kernels is False:
        return None
    window = "" if kernels is True else str(kernels)
    if window:
        from tracedbg.window import WindowSpec  # noqa: PLC0415  deferred: only where kernels are timed

        WindowSpec.parse(window, "kernels")
    return window
