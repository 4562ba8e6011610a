"""The fixture `tracedbg`: the record of the test that runs."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tracedbg import session
from tracedbg_pytest.budgets import Budget
from tracedbg_pytest.verdict import judge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracedbg.explain import CauseGroup, FunctionSummary, Summary
    from tracedbg_pytest.window import Window


class Observed:
    """What was traced in this test so far."""

    def __init__(self, window: Window) -> None:
        self._window = window

    @property
    def summary(self) -> Summary:
        """All of it, as the report shows it."""
        session.tell()
        return self._window.summary()

    @property
    def traces(self) -> int:
        """Traces in this test."""
        return self.summary.traces

    @property
    def retraces(self) -> int:
        """Those that were not the first of their function in this test."""
        return self.summary.retraces

    @property
    def graph_breaks(self) -> int:
        """Places where a graph was cut in two."""
        return len(self.summary.graph_breaks)

    @property
    def functions(self) -> tuple[FunctionSummary, ...]:
        """The functions that were traced, the costliest first."""
        return self.summary.functions

    @property
    def causes(self) -> tuple[CauseGroup, ...]:
        """Why functions were traced again."""
        return tuple(cause for function in self.summary.every_function() for cause in function.causes)

    @contextmanager
    def warmup(self) -> Iterator[None]:
        """What is traced in the block counts for nothing."""
        self._window.warm_up(+1)
        try:
            yield
        finally:
            self._window.warm_up(-1)

    @contextmanager
    def steady_state(self, function: str | None = None) -> Iterator[None]:
        """Nothing may be traced in the block.

        Args:
            function: a pattern of function names; all by default.
        """
        session.tell()
        mark = self._window.mark()
        yield
        session.tell()
        budget = Budget("max_traces", 0, function, said_by="tracedbg.steady_state()")
        if text := judge(self._window.summary(mark, free_traces=0), budget):
            pytest.fail(f"tracedbg: {text}", pytrace=False)
