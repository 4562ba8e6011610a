"""The plugin at work: a window for each test, its verdict, and what is told of all of them at the end."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from tracedbg import session
from tracedbg_pytest import outputs
from tracedbg_pytest.baseline import Baseline
from tracedbg_pytest.budgets import budgets_of
from tracedbg_pytest.fixture import Observed
from tracedbg_pytest.plugin import uses
from tracedbg_pytest.results import Result, functions_of
from tracedbg_pytest.verdict import judge
from tracedbg_pytest.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from tracedbg.events import Event

_WINDOW = pytest.StashKey[Window]()
_RESULT = pytest.StashKey[Result]()
_ATTRIBUTE = "tracedbg_result"


class Active:
    """A plugin object, and the sink of all events: they go to the window of the test that runs."""

    def __init__(self, config: pytest.Config, *, observes_all: bool) -> None:
        self._config = config
        self._observes_all = observes_all
        self._is_worker = hasattr(config, "workerinput")
        self._window: Window | None = None
        self._results: dict[str, Result] = {}
        self._baseline = _baseline(config)
        for option in ("json", "sarif"):
            if path := config.getoption(f"tracedbg_{option}"):
                outputs.check_writable(path, f"--tracedbg-{option}")
        self._undo: Callable[[], None] | None = session.observe(self)

    # --- a sink ------------------------------------------------------------------------------

    def emit(self, event: Event) -> None:
        """See `tracedbg.hooks.Sink`; the same for the methods below."""
        if self._window is not None:
            self._window.add(event)

    def flush(self) -> None:
        """Nothing is held back."""

    def new_id(self) -> int:
        """A number that no other trace of this process has."""
        return session.hub().new_id()

    def now_ns(self) -> int:
        """Nanoseconds since the start of the hub."""
        return session.hub().now_ns()

    # --- hooks of pytest ---------------------------------------------------------------------

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Say at once if a marker makes no sense."""
        self.check(items)

    def check(self, items: list[pytest.Item]) -> None:
        """Read the budgets of all tests.

        Raises:
            pytest.UsageError: one of them makes no sense.
        """
        for item in items:
            budgets_of(item)

    def observed(self, item: pytest.Item) -> Observed:
        """For the fixture."""
        return Observed(item.stash[_WINDOW])

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, object, object]:
        """Open a window that keeps nothing until the test itself begins."""
        if self._observes_all or uses(item):
            window = item.stash[_WINDOW] = Window(item.nodeid)
            window.warm_up(+1)
            if self._config.getoption("tracedbg_isolate"):
                _drop_caches()
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Keep what happens while the test runs, then judge it."""
        window = item.stash.get(_WINDOW, None)
        if window is None:
            return (yield)
        session.tell()  # what was counted before is not of this test
        window.warm_up(-1)
        self._window = window
        try:
            outcome = yield
        finally:
            session.tell()
            self._window = None
            failures = self._judge(item, window)
        if failures:
            pytest.fail("\n".join(f"tracedbg: {text}" for text in failures), pytrace=False)
        return outcome

    def _judge(self, item: pytest.Item, window: Window) -> list[str]:
        result = Result(item.nodeid, functions_of(window.summary()))
        for budget in budgets_of(item):
            if text := judge(window.summary(free_traces=budget.after_warmup), budget):
                result.failures.append(text)
        if self._baseline is not None and not self._config.getoption("tracedbg_update"):
            result.failures += self._baseline.growth(result)
        item.stash[_RESULT] = result
        ours = [(f"tracedbg.{name}", number) for name, number in result.totals().items()]
        item.user_properties[:] = [
            *(one for one in item.user_properties if not one[0].startswith("tracedbg.")),
            *ours,
        ]
        return result.failures

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Send the result along with the report, to another process perhaps."""
        report = yield
        if call.when == "call" and _RESULT in item.stash:
            setattr(report, _ATTRIBUTE, item.stash[_RESULT].to_json())
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take a result in, of this process or another; of reruns the last one counts."""
        data: dict[str, Any] | None = getattr(report, _ATTRIBUTE, None)
        if data is not None:
            self._results[report.nodeid] = Result.from_json(data)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the files that were asked for."""
        self._stop()
        if self._is_worker:
            return
        results = sorted(self._results.values(), key=lambda one: one.test)
        if path := self._config.getoption("tracedbg_json"):
            outputs.write_json(path, results)
        if path := self._config.getoption("tracedbg_sarif"):
            outputs.write_sarif(path, results, str(self._config.rootpath))
        if self._baseline is not None and self._config.getoption("tracedbg_update"):
            self._baseline.update(results, prunes=_ran_all(session))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The dearest functions, and what the baseline has to say."""
        results = sorted(self._results.values(), key=lambda one: one.test)
        top = self._config.getoption("tracedbg_top")
        lines = outputs.summary(results, top)
        if self._baseline is not None:
            lines += self._baseline.news(results, is_updated=self._config.getoption("tracedbg_update"))
        if lines:
            terminalreporter.section("tracedbg")
            for line in lines:
                terminalreporter.line(line)
        if os.environ.get("GITHUB_ACTIONS") == "true":
            for line in outputs.github(results, str(self._config.rootpath)):
                terminalreporter.line(line)

    def pytest_unconfigure(self) -> None:
        """Leave nothing installed, however the session has ended."""
        self._stop()

    def _stop(self) -> None:
        undo, self._undo = self._undo, None
        if undo is not None:
            undo()


def _baseline(config: pytest.Config) -> Baseline | None:
    path = config.getoption("tracedbg_baseline") or config.getini("tracedbg_baseline")
    if not path:
        if config.getoption("tracedbg_update"):
            raise pytest.UsageError(
                "--tracedbg-update needs --tracedbg-baseline FILE, or tracedbg_baseline in the ini file"
            )
        return None
    full = path if os.path.isabs(path) else os.path.join(config.rootpath, path)
    return Baseline.read(full, may_be_missing=config.getoption("tracedbg_update"))


def _drop_caches() -> None:
    from tracedbg.adapters.torch_compile.isolation import drop_caches  # noqa: PLC0415  deferred: rarely wanted

    drop_caches()


def _ran_all(session: pytest.Session) -> bool:
    """Whether the tests of a file that were run are all of its tests."""
    option = session.config.option
    is_chosen = getattr(option, "keyword", "") or getattr(option, "markexpr", "")
    is_named = any("::" in argument for argument in session.config.args)
    return not is_chosen and not is_named and not getattr(option, "lf", False) and not session.shouldstop
