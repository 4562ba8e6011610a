"""The importable face: `with tracedbg.record() as run`, `with tracedbg.debug()`, `tracedbg.breakpoint()`.

It reads back what it recorded like any other reader, so that it says what `tracedbg report` says.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from tracedbg.counting import Counts, count
from tracedbg.debugger.start import breakpoint, debug  # noqa: A004  named as what it stands in for
from tracedbg.errors import RetraceError, UsageError
from tracedbg.explain import Explainer, Retrace, is_retrace, summarise
from tracedbg.options import Options
from tracedbg.redaction import is_wanted, new_key, redacted_argv
from tracedbg.report.json import to_json
from tracedbg.report.text import render
from tracedbg.session import Session
from tracedbg.source import place
from tracedbg.store import DEFAULT_MAX_MB, MAX_RATE_HZ, reader
from tracedbg.store.run import create_run

if TYPE_CHECKING:
    from types import TracebackType

    from tracedbg.explain import CauseGroup, FunctionSummary, Summary
    from tracedbg.store.records import TraceRecord
    from tracedbg.store.run import RunFolder


__all__ = ["Counts", "Retrace", "Run", "breakpoint", "count", "debug", "record"]


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
    def is_redacted(self) -> bool:
        """Whether the program's values are kept out of it."""
        return self._session.is_redacted

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
        return self.summary().functions

    @property
    def causes(self) -> tuple[CauseGroup, ...]:
        """The causes of all retraces, grouped: the costliest first."""
        groups = [group for function in self.summary().every_function() for group in function.causes]
        return tuple(sorted(groups, key=lambda group: -group.seconds))

    def report(self, *, color: bool = False, width: int = 80) -> str:
        """The report as text.

        Args:
            color: with the colours of a terminal.
            width: columns.
        """
        return render(self.summary(), color=color, width=width)

    def to_json(self) -> dict[str, Any]:
        """The report as data; docs/reference/report-json.md describes it."""
        return to_json(self.summary())

    def to_html(self) -> str:
        """The report as one page for a browser; docs/how-to/html-report.md describes it."""
        from tracedbg.explain.detail import detail_of  # noqa: PLC0415  deferred: rarely wanted
        from tracedbg.report.html.report import to_html  # noqa: PLC0415  deferred: likewise

        with self._open() as run:
            return to_html(detail_of(run, summarise(run)))

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
        lines += [f"  {place(cause.file, cause.line)}: {cause.message}; {cause.advice}" for cause in causes]
        raise RetraceError("\n".join(lines))

    def summary(self) -> Summary:
        """The report as objects: what `report` and `to_json` are made from."""
        with self._open() as run:
            return summarise(run)

    def _open(self) -> reader.Run:
        self._session.flush()
        return reader.Run.open(self.folder)

    def __repr__(self) -> str:
        return f"<tracedbg.Run {self.folder}>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002
        """What a notebook shows of it: a table, and the report where there is only text."""
        from tracedbg.report.cell import bundle  # noqa: PLC0415  only notebooks ask

        return bundle(self.summary(), self.folder)


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
        ops: record the ops that are executed, with their lines, in all threads; as text: keep each
            execution of a window too, by steps (`ops="10:20"`), calls of a function
            (`ops="train_step@10:20"`) or seconds (`ops="2s:5s"`).
        rate_hz: how often all threads are sampled, to tell where the time goes; 0: not at all.
        redact: keep the program's values out of the recording, as `tracedbg run --redact` does; by default as
            the environment says (TRACEDBG_REDACT).
        children: record processes that the block forks as well.

    Raises:
        RecordingError: the folder cannot be written.
        UsageError: an argument is wrong.
    """

    def __init__(  # noqa: PLR0913  as many as there are things to record
        self,
        out: str | None = None,
        *,
        max_mb: int = DEFAULT_MAX_MB,
        kernels: bool | int | str = False,
        ops: bool | str = False,
        rate_hz: int = 0,
        redact: bool | None = None,
        children: bool = True,
    ) -> None:
        if max_mb < 1:
            raise UsageError(f"max_mb is {max_mb}; it must be 1 or more")
        self._out = out
        if not 0 <= rate_hz <= MAX_RATE_HZ:
            raise UsageError(f"rate_hz is {rate_hz}; it must be 0 to {MAX_RATE_HZ}")
        self._options = Options(
            max_mb=max_mb,
            kernels=_window(kernels),
            kernels_at_once=True,
            ops=_ops_window(ops),
            rate_hz=rate_hz,
            redact=new_key() if (is_wanted() if redact is None else redact) else "",
            children=children,
        )
        self._open: list[tuple[RunFolder, Session, int]] = []

    def __enter__(self) -> Run:
        redacted = bool(self._options.redact)
        folder = create_run(self._out, redacted_argv(sys.argv) if redacted else sys.argv, redacted=redacted)
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


def _ops_window(ops: bool | str) -> str | None:
    """What `Options.ops` is for that argument of `record`.

    Raises:
        UsageError: it makes no sense.
    """
    if ops is False:
        return None
    window = "" if ops is True else ops
    if window:
        from tracedbg.op_window import OpWindow  # noqa: PLC0415  deferred: only where ops are recorded

        OpWindow.parse(window, "ops")
    return window
