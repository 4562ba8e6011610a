"""What a training shows of its traces: numbers for its logs, a line for its screen, and what an excess does.

It must not know any framework: a callback tells it of steps.
"""

from __future__ import annotations

import sys
import time
import warnings
import weakref
from typing import TYPE_CHECKING

import tracedbg
from tracedbg.counts import Totals
from tracedbg.errors import RetraceError, RetraceWarning, UsageError
from tracedbg.report.style import Style, clean, count, seconds
from tracedbg.source import place
from tracedbg.store.run import current_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracedbg.api import Counts
    from tracedbg.explain import Retrace

    OnRetrace = str | Callable[[Retrace], object]

WARN, ERROR, IGNORE = "warn", "error", "ignore"
TRACES, RETRACES, SECONDS = "tracedbg/traces", "tracedbg/retraces", "tracedbg/compile_seconds"
"""Names in the framework's logs; the values are totals since the training began."""
_LEAST_S = 1e-9


class Monitor:
    """Counts the traces of a training, from `start` to `stop`."""

    def __init__(self, on_retrace: OnRetrace = WARN, warmup: int = 1, *, show: bool = True) -> None:
        """Check the options.

        Args:
            on_retrace: what a retrace after the warm-up does, unless it is settled: `"warn"`, `"error"`,
                `"ignore"`, or a function that is given it.
            warmup: so many steps may retrace.
            show: whether a line is shown for each epoch.

        Raises:
            UsageError: one of them makes no sense.
        """
        if not callable(on_retrace) and on_retrace not in (WARN, ERROR, IGNORE):
            known = f"{WARN!r}, {ERROR!r}, {IGNORE!r} or a function"
            raise UsageError(f"on_retrace is {on_retrace!r}; it must be {known}")
        if not isinstance(warmup, int) or warmup < 0:
            raise UsageError(f"warmup is {warmup!r}; it must be a number of steps, 0 or more")
        self._on_retrace = on_retrace
        self._warmup = warmup
        self.shows = show
        self.steps = 0
        """Since the training began."""
        self._counts: Counts | None = None
        self._new: list[Retrace] = []
        self._newest: Retrace | None = None
        self._warned: dict[object, object] = {}
        self._end: weakref.finalize[..., Monitor] | None = None
        self._begin(Totals())

    def start(self) -> None:
        """Count from now on; nothing if it does already."""
        if self._counts is not None:
            return
        self.steps = 0
        self._new, self._newest = [], None
        self._warned = {}
        self._counts = tracedbg.count(on_retrace=self._new.append)
        self._end = weakref.finalize(self, self._counts.stop)  # a training that raises may not say so
        self._begin(Totals())

    def stop(self) -> None:
        """Count no more."""
        self._counts = None
        if self._end is not None:
            self._end()

    @property
    def is_on(self) -> bool:
        """Whether it counts."""
        return self._counts is not None

    def step(self, number: int = 1) -> None:
        """So many steps were done."""
        self.steps += number
        if self._counts is not None and self._counts.has_news:
            self.look()

    def look(self) -> None:
        """Look what was traced in the steps so far.

        Raises:
            RetraceError: something was traced again that should not have been, and that is to be an error.
        """
        if self._counts is None:
            return
        self._counts.totals()
        found, self._new[:] = tuple(self._new), []
        if found:
            self._newest = found[-1]
        if self.steps > self._warmup:
            self._answer([retrace for retrace in found if not retrace.settled])

    def _answer(self, excess: list[Retrace]) -> None:
        if not excess or self._on_retrace == IGNORE:
            return
        if callable(self._on_retrace):
            for retrace in excess:
                self._on_retrace(retrace)
        elif self._on_retrace == ERROR:
            head = "1 retrace" if len(excess) == 1 else f"{len(excess)} retraces"
            lines = [f"{head} after the warm-up of {count(self._warmup, 'step')}, in step {self.steps}:"]
            for retrace in excess:
                lines += [
                    f"  {place(cause.file, cause.line)}: {cause.message}; {cause.advice}"
                    for cause in retrace.causes
                ]
            raise RetraceError("\n".join(lines))
        else:
            for retrace in excess:
                self._warn(retrace)

    def _warn(self, retrace: Retrace) -> None:
        """Once for each cause, at the user's line."""
        cause = retrace.causes[0]
        key = (retrace.function, cause.kind, cause.argument, cause.file, cause.line)
        if key in self._warned:
            return
        self._warned[key] = True
        text = f"{retrace.function} was traced again in step {self.steps}: {cause.message}; {cause.advice}"
        warnings.warn_explicit(clean(text), RetraceWarning, cause.file, cause.line)

    # --- what is shown -----------------------------------------------------------------------

    def values(self) -> dict[str, float]:
        """Numbers for the framework's logs: totals since the training began."""
        totals = self._totals()
        return {
            TRACES: float(totals.traces),
            RETRACES: float(totals.retraces),
            SECONDS: round(totals.seconds, 6),
        }

    def begin(self) -> None:
        """An epoch begins, or whatever the next line is to be about."""
        self._begin(self._totals())

    def _begin(self, totals: Totals) -> None:
        self._since = totals
        self._since_steps = self.steps
        self._since_s = time.perf_counter()

    def text(self, what: str) -> str:
        """What has happened since `begin`: a line, and one for the newest retrace.

        Args:
            what: it was, such as `epoch 3`.
        """
        now, before = self._totals(), self._since
        elapsed_s = max(time.perf_counter() - self._since_s, _LEAST_S)
        steps = self.steps - self._since_steps
        retraces = now.retraces - before.retraces
        settled = now.settled - before.settled
        parts = [
            count(steps, "step"),
            f"{steps / elapsed_s:.3g} steps/s",
            count(now.traces - before.traces, "trace"),
            count(retraces, "retrace") + (f" ({settled} settled)" if settled else ""),
            f"{seconds(now.seconds - before.seconds)} s compiling",
        ]
        if now.failed > before.failed:
            parts.insert(4, f"{count(now.failed - before.failed, 'trace')} failed")
        if now.limit_hits > before.limit_hits:
            parts.append("a limit of traces reached: it runs eager")
        lines = [f"tracedbg: {what}: {', '.join(parts)}"]
        if retraces and self._newest is not None:
            lines.append(line_of(self._newest))
        return "\n".join(lines)

    def _totals(self) -> Totals:
        if self._counts is None:
            return Totals()
        totals = self._counts.totals()
        if self._new:
            self.look()
        return totals


def line_of(retrace: Retrace) -> str:
    """The first cause of a retrace in one line, beginning with the user's line."""
    cause = retrace.causes[0]
    more = f" (and {len(retrace.causes) - 1} more)" if len(retrace.causes) > 1 else ""
    where = Style(folder=current_folder()).place(cause.file, cause.line)
    return clean(f"  {where} {retrace.function}: {cause.message}{more}")


def write(text: str) -> None:
    """Write lines to stderr, past the progress bars of tqdm where there are any."""
    tqdm = getattr(sys.modules.get("tqdm"), "tqdm", None)
    if tqdm is not None:
        tqdm.write(text, file=sys.stderr)
    else:
        print(text, file=sys.stderr, flush=True)  # noqa: T201  showing it is what this is for
