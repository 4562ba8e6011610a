"""Scalars for TensorBoard: traces, retraces and compile time, in all and by function and cause.

They go into a file of their own, or through a writer of the program's: of torch.utils.tensorboard,
tensorboardX or tf.summary. Which of them is installed does not matter.
"""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING, Any, Protocol

import tracedbg
from tracedbg.errors import RecordingError, UsageError
from tracedbg.recorder import complain_on_stderr
from tracedbg.report.style import clean
from tracedbg.source import place
from tracedbg.ticker import Ticker
from tracedbg_metrics.event_file import EventFile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from tracedbg.api import Counts
    from tracedbg.counts import FunctionCounts, Totals
    from tracedbg.explain import Retrace

MAX_FUNCTIONS = 20
"""Functions that have tags of their own, by default."""
_NO_TAG = re.compile(r"[^\w./-]+")


class _Writer(Protocol):
    def add(self, step: int, scalars: Mapping[str, float], texts: Mapping[str, str]) -> None:
        """Write values of a step, by their tags."""

    def close(self) -> None:
        """End what is ours."""


class Scalars:
    """Writes what was counted so far as scalars, when it is told to, or now and then in the background.

    Tags: `tracedbg/traces`, `tracedbg/retraces`, `tracedbg/compile_seconds`, `tracedbg/limit_hits`,
    `tracedbg_retraces/FUNCTION`, `tracedbg_compile_seconds/FUNCTION`, `tracedbg_causes/KIND`; and the text
    `tracedbg/newest_retrace`. All are totals since the counting began.

    Args:
        writer: a folder, which should be one of its own (TensorBoard reads one file of a folder at a time);
            or a `SummaryWriter` of torch.utils.tensorboard or tensorboardX, or one of tf.summary.
        counts: of `tracedbg.count()`; by default one that begins here and ends with `close`.
        every_s: write in the background as well, so often; by default only when `write` is called.
        functions: so many functions have tags of their own.

    Raises:
        UsageError: an argument is wrong.
        RecordingError: the folder cannot be written.
    """

    def __init__(
        self,
        writer: str | os.PathLike[str] | Any,
        counts: Counts | None = None,
        *,
        every_s: float | None = None,
        functions: int = MAX_FUNCTIONS,
    ) -> None:
        if every_s is not None and every_s <= 0:
            raise UsageError(f"every_s is {every_s}; it must be more than 0")
        self._writer = _writer_for(writer)
        self._is_own = counts is None
        self._counts = tracedbg.count() if counts is None else counts
        self._most = functions
        self._tags: dict[tuple[str, str, str, int], str] = {}
        self._newest: Retrace | None = None
        self._started_s = time.monotonic()
        self._ticker = Ticker(self._tick, every_s) if every_s is not None else None
        if self._ticker is not None:
            self._ticker.start()

    def write(self, step: int | None = None) -> None:
        """Write what was counted so far.

        Args:
            step: of the program; by default whole seconds since this began.

        Raises:
            RecordingError: it cannot be written.
        """
        totals = self._counts.totals()
        step = int(time.monotonic() - self._started_s) if step is None else step
        try:
            self._writer.add(step, self._scalars(totals), self._texts(totals))
        except OSError as error:
            raise RecordingError(f"cannot write events for TensorBoard: {error}") from error

    def close(self) -> None:
        """Write once more, and end what is ours; a writer of the program's stays open."""
        if self._ticker is not None:
            self._ticker.stop()
        try:
            self.write()
        finally:
            self._writer.close()
            if self._is_own:
                self._counts.stop()

    def __enter__(self) -> Scalars:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _tick(self) -> bool:
        try:
            self.write()
        except Exception as error:  # noqa: BLE001  the program goes on, without the scalars
            complain_on_stderr(f"no more scalars for TensorBoard: {error}")
            return False
        return True

    def _scalars(self, totals: Totals) -> dict[str, float]:
        found: dict[str, float] = {
            "tracedbg/traces": totals.traces,
            "tracedbg/retraces": totals.retraces,
            "tracedbg/compile_seconds": totals.seconds,
            "tracedbg/limit_hits": totals.limit_hits,
        }
        for one in totals.functions:
            tag = self._tag(one)
            if tag:
                found[f"tracedbg_retraces/{tag}"] = one.retraces
                found[f"tracedbg_compile_seconds/{tag}"] = one.seconds
            for kind, number in one.causes:
                found[f"tracedbg_causes/{kind}"] = found.get(f"tracedbg_causes/{kind}", 0) + number
        return found

    def _tag(self, one: FunctionCounts) -> str:
        """The function's name, with its file if another has it too; empty past the number of tags."""
        key = (one.framework, one.name, one.file, one.line)
        if key not in self._tags:
            name = _NO_TAG.sub("_", one.name).strip("_") or "function"
            if name in self._tags.values():
                name = f"{name}.{_NO_TAG.sub('_', os.path.basename(one.file))}.{one.line}"
            self._tags[key] = name if len(self._tags) < self._most else ""
        return self._tags[key]

    def _texts(self, totals: Totals) -> dict[str, str]:
        newest = totals.newest
        if newest is None or newest is self._newest:
            return {}
        self._newest = newest
        said = [
            f"`{place(cause.file, cause.line)}` in `{newest.function}`: {cause.message}; {cause.advice}"
            for cause in newest.causes
        ]
        return {"tracedbg/newest_retrace": "\n\n".join(map(clean, said))}


def _writer_for(writer: Any) -> _Writer:
    if isinstance(writer, str | os.PathLike):
        folder = os.fspath(writer)
        try:
            return EventFile(str(folder))
        except OSError as error:
            raise RecordingError(
                f"cannot write events for TensorBoard into {folder}: {error.strerror}"
            ) from error
    if hasattr(writer, "add_scalar") and hasattr(writer, "add_text"):
        return _SummaryWriter(writer)
    if hasattr(writer, "as_default"):
        return _TfWriter(writer)
    raise UsageError(
        f"{type(writer).__name__} is no writer for TensorBoard; it must be a folder, a SummaryWriter, or"
        " a writer of tf.summary"
    )


class _SummaryWriter:
    """A writer of torch.utils.tensorboard or tensorboardX."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def add(self, step: int, scalars: Mapping[str, float], texts: Mapping[str, str]) -> None:
        for tag, value in scalars.items():
            self._writer.add_scalar(tag, value, step)
        for tag, text in texts.items():
            self._writer.add_text(tag, text, step)
        self._writer.flush()

    def close(self) -> None:
        """It is the program's."""


class _TfWriter:
    """A writer of tf.summary: who has one has TensorFlow."""

    def __init__(self, writer: Any) -> None:
        import tensorflow as tf

        self._summary = tf.summary
        self._writer = writer

    def add(self, step: int, scalars: Mapping[str, float], texts: Mapping[str, str]) -> None:
        with self._writer.as_default(step=step):
            for tag, value in scalars.items():
                self._summary.scalar(tag, float(value))
            for tag, text in texts.items():
                self._summary.text(tag, text)
        self._writer.flush()

    def close(self) -> None:
        """It is the program's."""
