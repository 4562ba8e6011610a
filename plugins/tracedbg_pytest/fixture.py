"""The fixture `tracedbg`: the record of the test that runs."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tracedbg import session
from tracedbg_pytest.budgets import Budget
from tracedbg_pytest.results import Failure
from tracedbg_pytest.verdict import judge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tracedbg.explain import CauseGroup, FunctionSummary, Summary
    from tracedbg_pytest.window import Window


class Observed:
    """What was traced in this test so far: one object for all tests, it shows the one that runs."""

    def __init__(self, current: Callable[[], Window]) -> None:
        self._current = current

    @property
    def summary(self) -> Summary:
        """All of it, as the report shows it."""
        window = self._current()
        session.tell()
        return window.summary()

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
        return sum(function.graph_breaks for function in self.summary.every_function())

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
        """What is traced in the block counts for nothing; what is traced after it is a retrace."""
        window = self._current()
        session.tell()
        window.warm_up(+1)
        try:
            yield
        finally:
            session.tell()
            window.warm_up(-1)

    @contextmanager
    def steady_state(self, function: str | None = None) -> Iterator[None]:
        """Nothing may be traced in the block.

        Args:
            function: a pattern of function names; all by default.
        """
        window = self._current()
        session.tell()
        mark = window.mark()
        yield
        session.tell()
        said = "tracedbg.steady_state()" if function is None else f"tracedbg.steady_state({function!r})"
        budget = Budget("max_traces", 0, function, said_by=said)
        if text := judge(window.steady(mark), budget):
            window.failures.append(Failure("steady_state", text))
            pytest.fail(f"tracedbg: {text}", pytrace=False)

    def __repr__(self) -> str:
        return "<tracedbg>"  # hypothesis compares it from run to run
