"""The plugin at work: a window for each test, its verdict, and what is told of all of them at the end."""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tracedbg import redaction, session
from tracedbg.redaction.redactor import Redactor
from tracedbg_pytest import outputs
from tracedbg_pytest.baseline import Baseline, Session
from tracedbg_pytest.budgets import budgets_of
from tracedbg_pytest.fixture import Observed
from tracedbg_pytest.history import History
from tracedbg_pytest.plugin import FRAMEWORKS, uses
from tracedbg_pytest.results import Failure, Result, functions_of
from tracedbg_pytest.verdict import fits, judge
from tracedbg_pytest.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from tracedbg.events import Event
    from tracedbg.explain import Summary

_WINDOW = pytest.StashKey[Window]()
_RESULT = pytest.StashKey[Result]()
_ATTRIBUTE = "tracedbg_result"
_ENDED = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)


class Active:
    """A plugin object, and the sink of all events: they go to the window of the test that runs."""

    def __init__(self, config: pytest.Config, *, observes_all: bool) -> None:
        self._config = config
        self._observes_all = observes_all
        self._is_looking = False
        """Whether any test may ask for the fixture: each gets a window, and is told of if it looks."""
        self._is_worker = hasattr(config, "workerinput")
        self._is_update = bool(config.getoption("tracedbg_update"))
        self._item: pytest.Item | None = None
        self._window: Window | None = None
        self._history = History()
        self._redactor = _redactor(config)
        self._results: dict[str, Result] = {}
        self._session = Session()
        self._baseline = _baseline(config)
        for option in ("json", "sarif"):
            if path := config.getoption(f"tracedbg_{option}"):
                outputs.check_writable(path, f"--tracedbg-{option}")
        self._undo: Callable[[], None] | None = session.observe(self)

    # --- a sink ------------------------------------------------------------------------------

    def emit(self, event: Event) -> None:
        """See `tracedbg.hooks.Sink`; the same for the methods below."""
        if self._redactor is not None:
            try:
                event = self._redactor.event(event)
            except Exception:  # noqa: BLE001  what is to be kept out must not slip in
                return
        self._history.add(event)
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

    # --- for the fixture ---------------------------------------------------------------------

    def observed(self) -> Observed:
        """What the fixture gives."""
        return Observed(self._current)

    def expect(self, running: pytest.Session) -> None:
        """The fixture is made: from now on any test may look at it, the running one before all."""
        self._is_looking = True
        node, _, phase = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")
        item = next((one for one in running.items if one.nodeid == node), None)
        if item is not None and _WINDOW not in item.stash:  # nobody saw it coming: count from here
            self._open(item)
            if phase == "(call)":
                self._begin()

    def _current(self) -> Window:
        if self._item is None or (window := self._item.stash.get(_WINDOW, None)) is None:
            raise pytest.UsageError("the fixture tracedbg counts in tests alone, and none is running")
        window.is_asked = True
        return window

    # --- hooks of pytest ---------------------------------------------------------------------

    def check(self, items: Sequence[pytest.Item]) -> None:
        """Read the budgets of all tests.

        Raises:
            pytest.UsageError: one of them makes no sense, or there is nothing to observe.
        """
        for item in items:
            budgets_of(item)
        if items and not any(_is_there(name) for name in FRAMEWORKS):
            raise pytest.UsageError(
                "tracedbg: neither torch nor tensorflow is installed, so there is nothing to observe:"
                " python -m pip install 'tracedbg[torch]' or 'tracedbg[tensorflow]'"
            )

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, object, object]:
        """Open a window; it stays empty until the test itself begins."""
        if self._observes_all or self._is_looking or uses(item):
            self._open(item)
            if self._config.getoption("tracedbg_isolate") or self._baseline is not None:
                _drop_caches()
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Keep what happens while the test runs, then judge it."""
        if _WINDOW not in item.stash:
            return (yield)
        self._begin()
        try:
            outcome = yield
        finally:
            failures = self._judge(item)
        if failures:
            pytest.fail(_text(failures), pytrace=False)
        return outcome

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Keep the result, or send it to the main process of xdist. Of reruns the last one counts."""
        is_called = call.when == "call"
        if is_called and self._window is not None:  # opened in the middle of the test: see `expect`
            failures = self._judge(item)
            if failures and call.excinfo is None:
                try:
                    pytest.fail(_text(failures), pytrace=False)
                except pytest.fail.Exception:
                    call.excinfo = pytest.ExceptionInfo.from_current()
        report = yield
        result = item.stash.get(_RESULT, None)
        if is_called and result is not None:
            is_ours = call.excinfo is not None and str(call.excinfo.value) == _text(result.failures)
            result.is_whole = report.passed or is_ours
            if self._is_worker:
                setattr(report, _ATTRIBUTE, result.to_json())
            else:
                self._results[report.nodeid] = result
            del item.stash[_RESULT]
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in what another process has sent."""
        self._session.tests.add(report.nodeid)
        data: dict[str, Any] | None = getattr(report, _ATTRIBUTE, None)
        if data is not None:
            self._results[report.nodeid] = Result.from_json(data)

    def pytest_deselected(self) -> None:
        """Some tests are left out."""
        self._session.is_partial = True

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the files that were asked for."""
        self._stop()
        if self._is_worker:
            return
        results, root = self._sorted(), str(self._config.rootpath)
        if path := self._config.getoption("tracedbg_json"):
            outputs.write_json(path, results)
        if path := self._config.getoption("tracedbg_sarif"):
            outputs.write_sarif(path, results, root)
        if self._baseline is not None and self._is_update:
            self._session.is_partial |= _is_partial(session)
            self._baseline.update(results, self._session)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The dearest functions, what the baseline has to say, and budgets that nothing can break."""
        results = self._sorted()
        lines = outputs.summary(results, self._config.getoption("tracedbg_top"))
        lines += outputs.unmatched(results)
        if self._baseline is not None:
            lines += self._baseline.news(results)
        if lines:
            terminalreporter.section("tracedbg")
            for line in lines:
                terminalreporter.line(line)
        if os.environ.get("GITHUB_ACTIONS") == "true":
            terminalreporter.ensure_newline()
            for line in outputs.github(results, str(self._config.rootpath)):
                terminalreporter.line(line)

    def pytest_unconfigure(self) -> None:
        """Leave nothing installed, however the session has ended."""
        self._stop()

    # --- one test ----------------------------------------------------------------------------

    def _open(self, item: pytest.Item) -> None:
        self._item = item
        item.stash[_WINDOW] = Window(item.nodeid, self._history)

    def _begin(self) -> None:
        session.tell()  # what was counted before is not of this test
        if self._item is not None:
            self._window = self._item.stash[_WINDOW]

    def _judge(self, item: pytest.Item) -> list[Failure]:
        session.tell()
        window, self._window = item.stash[_WINDOW], None
        if not (self._observes_all or window.is_asked or uses(item)):
            return []
        summaries: dict[int, Summary] = {}

        def summary(free_traces: int) -> Summary:
            if free_traces not in summaries:
                summaries[free_traces] = window.summary(free_traces)
            return summaries[free_traces]

        before = window.names_before()
        file, line, _ = item.location
        functions = functions_of(summary(1), before)
        result = Result(item.nodeid, file, (line or 0) + 1, functions)
        failures = []
        for budget in budgets_of(item):
            if text := judge(summary(budget.after_warmup), budget, before):
                failures.append(Failure(budget.kind, text))
            elif budget.function and not any(fits(one, budget.function) for one in self._history.names()):
                result.unmatched.append(budget.said_by)
        if self._baseline is not None and not self._is_update:
            failures += [Failure("baseline", text) for text in self._baseline.growth(result)]
        result.failures = [*window.failures, *failures]
        item.stash[_RESULT] = result
        ours = [(f"tracedbg.{name}", number) for name, number in result.totals().items()]
        others = [one for one in item.user_properties if not one[0].startswith("tracedbg.")]
        item.user_properties[:] = [*others, *ours]
        return failures

    def _sorted(self) -> list[Result]:
        return sorted(self._results.values(), key=lambda one: one.test)

    def _stop(self) -> None:
        undo, self._undo = self._undo, None
        if undo is not None:
            undo()


def _text(failures: list[Failure]) -> str:
    return "\n".join(f"tracedbg: {one.text}" for one in failures)


def _redactor(config: pytest.Config) -> Redactor | None:
    """What keeps values out of all that is told, where that is asked for."""
    wanted = config.getoption("tracedbg_redact") or config.getini("tracedbg_redact") or redaction.is_wanted()
    return Redactor(redaction.new_key()) if wanted else None


def _baseline(config: pytest.Config) -> Baseline | None:
    path = config.getoption("tracedbg_baseline") or config.getini("tracedbg_baseline")
    is_update = bool(config.getoption("tracedbg_update"))
    if not path:
        if is_update:
            raise pytest.UsageError(
                "--tracedbg-update needs --tracedbg-baseline FILE, or tracedbg_baseline in the ini file"
            )
        return None
    return Baseline.read(os.path.join(config.rootpath, path), str(config.rootpath), is_update=is_update)


def _is_there(framework: str) -> bool:
    return sys.modules.get(framework) is not None or importlib.util.find_spec(framework) is not None


def _drop_caches() -> None:
    from tracedbg.adapters.tf_function import isolation as tensorflow  # noqa: PLC0415  deferred: rarely wanted
    from tracedbg.adapters.torch_compile import isolation as torch  # noqa: PLC0415  likewise

    torch.drop_caches()
    tensorflow.drop_caches()


def _is_partial(session: pytest.Session) -> bool:
    """Whether tests may be missing of the files that were run."""
    option = session.config.option
    is_chosen = any(
        getattr(option, name, "") for name in ("keyword", "markexpr", "lf", "stepwise", "deselect")
    )
    is_named = any("::" in argument for argument in session.config.args)
    is_ended = session.shouldstop or session.shouldfail or session.exitstatus not in _ENDED
    return bool(is_chosen or is_named or is_ended)
