"""Metrics of OpenTelemetry: traces, retraces and compile time, by function and kind of cause.

By its API alone: which SDK the program has, and where that exports to, is the program's. No value of the
program is told, only names of functions, places and kinds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tracedbg
from tracedbg.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from tracedbg.api import Counts
    from tracedbg.counts import FunctionCounts

try:
    from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation, get_meter
except ModuleNotFoundError as error:
    raise MissingExtraError("tracedbg_metrics.opentelemetry", "otel") from error


class Metrics:
    """Observable counters, read whenever the program's SDK collects.

    `tracedbg.traces`, `tracedbg.retraces`, `tracedbg.compile.duration` (seconds), `tracedbg.traces.failed`
    and `tracedbg.limit_hits`, with the attributes `tracedbg.framework`, `code.function.name`,
    `code.file.path` and `code.line.number`; retraces have `tracedbg.cause` as well. There are at most as
    many combinations as `tracedbg.count(max_functions=...)` tells functions, times the kinds of causes.

    Args:
        counts: of `tracedbg.count()`; by default one that begins here and ends with `close`.
        meter_provider: by default the process' own.
    """

    def __init__(self, counts: Counts | None = None, *, meter_provider: MeterProvider | None = None) -> None:
        self._own = tracedbg.count() if counts is None else None
        self._counts = self._own if counts is None else counts
        meter = get_meter("tracedbg", tracedbg.__version__, meter_provider)
        for name, unit, what, read in (
            ("tracedbg.traces", "{trace}", "Functions traced or compiled", _traces),
            ("tracedbg.retraces", "{retrace}", "Traces of functions that had been traced before", _retraces),
            ("tracedbg.compile.duration", "s", "Time spent in tracing and compiling", _duration),
            ("tracedbg.traces.failed", "{trace}", "Traces that raised, or were given up", _failed),
            ("tracedbg.limit_hits", "{hit}", "Functions given up at the limit of traces", _limit_hits),
        ):
            meter.create_observable_counter(name, [self._reader(read)], unit, what)

    def close(self) -> None:
        """Tell nothing more: an instrument of OpenTelemetry cannot be taken back."""
        self._counts = None
        if self._own is not None:
            self._own.stop()

    def __enter__(self) -> Metrics:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _reader(self, read: Any) -> Any:
        def observe(_: CallbackOptions) -> Iterator[Observation]:
            counts = self._counts
            if counts is not None:
                for function in counts.totals().functions:
                    yield from read(function, _attributes(function))

        return observe


_Attributes = dict[str, str | int]


def _attributes(one: FunctionCounts) -> _Attributes:
    """By OpenTelemetry's semantic conventions for code, where it has any."""
    found: _Attributes = {"tracedbg.framework": one.framework, "code.function.name": one.name}
    if one.file:
        found |= {"code.file.path": one.file, "code.line.number": one.line}
    return found


def _traces(one: FunctionCounts, attributes: _Attributes) -> Iterator[Observation]:
    yield Observation(one.traces, attributes)


def _retraces(one: FunctionCounts, attributes: _Attributes) -> Iterator[Observation]:
    for kind, number in one.causes:
        yield Observation(number, {**attributes, "tracedbg.cause": kind})


def _duration(one: FunctionCounts, attributes: _Attributes) -> Iterator[Observation]:
    yield Observation(one.seconds, attributes)


def _failed(one: FunctionCounts, attributes: _Attributes) -> Iterator[Observation]:
    if one.failed:
        yield Observation(one.failed, attributes)


def _limit_hits(one: FunctionCounts, attributes: _Attributes) -> Iterator[Observation]:
    if one.limit_hits:
        yield Observation(one.limit_hits, attributes)
