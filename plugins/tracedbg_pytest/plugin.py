"""What pytest loads: options, markers and the fixture. Nothing else is loaded until one of them is used.

It must not import anything of ours at module level: it is loaded by every pytest on the machine.
"""

from __future__ import annotations

import pytest

TYPE_CHECKING = False  # `typing` is not loaded for those who do not use us
if TYPE_CHECKING:
    from tracedbg_pytest.active import Active
    from tracedbg_pytest.fixture import Observed

NAME = "tracedbg-active"
FRAMEWORKS = ("torch", "tensorflow")
MARKERS = {
    "max_retraces": "max_retraces(n, function=None, after_warmup=1): at most n retraces in the test, of each"
    " function whose name fits `function`; the first `after_warmup` traces of a function are no retraces",
    "max_traces": "max_traces(n, function=None): at most n traces",
    "max_graph_breaks": "max_graph_breaks(n, function=None): at most n graph breaks",
    "max_compile_seconds": "max_compile_seconds(s, function=None): at most s seconds to trace and compile",
    "no_silent_eager": "no_silent_eager(function=None): no function runs eager that was to be compiled",
    "no_stale_trace": "no_stale_trace(function=None): no trace is used that should have been remade",
}
INI = {
    "max_retraces": "the same for tests without the marker",
    "max_traces": "likewise",
    "max_graph_breaks": "likewise",
    "max_compile_seconds": "likewise",
    "no_silent_eager": "likewise; true or false",
    "no_stale_trace": "likewise; true or false",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("tracedbg", "retracing budgets (tracedbg)")
    group.addoption(
        "--tracedbg", action="store_true", help="observe all tests: budgets, summary, JUnit properties"
    )
    group.addoption(
        "--tracedbg-baseline",
        metavar="FILE",
        help="compare each test with FILE (TOML); fail where it traces more",
    )
    group.addoption(
        "--tracedbg-update", action="store_true", help="write what was seen into the baseline instead"
    )
    group.addoption(
        "--tracedbg-isolate",
        action="store_true",
        help="drop what torch.compile and tf.function have cached before each test",
    )
    group.addoption(
        "--tracedbg-redact",
        action="store_true",
        help="keep the values of arguments out of messages and files: types, shapes and dtypes stay",
    )
    group.addoption("--tracedbg-json", metavar="FILE", help="write what was seen into FILE as JSON")
    group.addoption("--tracedbg-sarif", metavar="FILE", help="write the causes into FILE as SARIF 2.1")
    group.addoption(
        "--tracedbg-top", metavar="N", type=int, default=10, help="functions in the summary (default: 10)"
    )
    parser.addini("tracedbg", "observe all tests, as --tracedbg does", type="bool", default=False)
    parser.addini("tracedbg_redact", "as --tracedbg-redact", type="bool", default=False)
    parser.addini("tracedbg_baseline", "as --tracedbg-baseline", type="string", default="")
    for name, text in INI.items():
        parser.addini(f"tracedbg_{name}", f"{name}: {text}", type="string", default="")


def pytest_configure(config: pytest.Config) -> None:
    for text in MARKERS.values():
        config.addinivalue_line("markers", text)
    options = ("tracedbg", "tracedbg_baseline", "tracedbg_update", "tracedbg_isolate")
    asked = any(config.getoption(name) for name in (*options, "tracedbg_json", "tracedbg_sarif"))
    if asked or config.getini("tracedbg") or config.getini("tracedbg_baseline"):
        activate(config, observes_all=True)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A marker or the fixture switches us on for the tests that have it; nonsense is told at once."""
    active: Active | None = config.pluginmanager.get_plugin(NAME)
    try:
        if active is not None:
            active.check(items)
        elif chosen := [item for item in items if uses(item)]:
            activate(config, observes_all=False).check(chosen)
    except pytest.UsageError as error:
        if not hasattr(config, "workeroutput"):
            raise
        config.workeroutput["tracedbg_error"] = str(
            error
        )  # xdist has no word for it: its main process raises it
        items.clear()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object, error: object) -> None:
    """A process of xdist has ended: say what it could not say itself."""
    output: dict[str, str] = getattr(node, "workeroutput", None) or {}
    if not error and "tracedbg_error" in output:
        raise pytest.UsageError(output["tracedbg_error"])


def uses(item: pytest.Item) -> bool:
    """Whether a test has asked for us."""
    if "tracedbg" in getattr(item, "fixturenames", ()):
        return True
    return any(mark.name in MARKERS for mark in item.iter_markers())


def activate(config: pytest.Config, *, observes_all: bool) -> Active:
    """Load what does the work."""
    from tracedbg_pytest.active import Active  # noqa: PLC0415  deferred: only for those who use us

    active = Active(config, observes_all=observes_all)
    config.pluginmanager.register(active, NAME)
    return active


@pytest.fixture(name="tracedbg", scope="session")
def _tracedbg(request: pytest.FixtureRequest) -> Observed:
    """What is traced in this test: `tracedbg.retraces`, `with tracedbg.steady_state():`.

    One object for all tests, so that hypothesis and fixtures of a wider scope may use it.
    """
    active: Active | None = request.config.pluginmanager.get_plugin(NAME)
    if active is None:  # asked for by `request.getfixturevalue` alone
        active = activate(request.config, observes_all=False)
    active.expect(request.session)
    return active.observed()
