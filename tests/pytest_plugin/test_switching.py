"""Off unless asked for: nothing of ours is loaded; and clear words where it cannot be on."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

LOADED = """
import sys

def pytest_unconfigure():
    print("loaded:", *sorted(name for name in sys.modules if name.startswith("tracedbg")))
"""
NO_FRAMEWORK = """
import sys
sys.modules["torch"] = sys.modules["tensorflow"] = None  # as if they were not installed
"""


@pytest.fixture
def run(tmp_path):
    """Run pytest on one module of tests, in a process of its own."""

    def run(text, *options, conftest=""):
        (tmp_path / "test_it.py").write_text("import pytest\n" + text)
        (tmp_path / "conftest.py").write_text(conftest)
        plain = ["-q", "-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:asyncio"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
        command = [sys.executable, "-m", "pytest", *plain, *options]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    return run


def loaded(done):
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("loaded:")]
    return line.split()[1:]


def test_installed_and_off_it_loads_nothing_but_itself(run):
    done = run("def test_it():\n    pass\n", conftest=LOADED)
    assert done.returncode == 0
    assert loaded(done) == ["tracedbg_pytest", "tracedbg_pytest.plugin"]


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("def test_it(): pass", ["--tracedbg"]),
        ("def test_it(): pass", ["-o", "tracedbg=true"]),
        ("@pytest.mark.max_traces(0)\ndef test_it(): pass", []),
        ("def test_it(tracedbg): pass", []),
        ("@pytest.mark.usefixtures('tracedbg')\nclass TestIt:\n    def test_it(self): pass", []),
        ("def test_it(request): request.getfixturevalue('tracedbg')", []),
    ],
)
def test_each_way_to_ask_switches_it_on(run, text, options):
    done = run(text, *options, conftest=LOADED)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "tracedbg_pytest.active" in loaded(done)


def test_it_can_be_left_out(run):
    done = run("@pytest.mark.max_traces(0)\ndef test_it(): pass", "-p", "no:tracedbg", conftest=LOADED)
    assert done.returncode == 0
    assert loaded(done) == []


@pytest.mark.parametrize("options", [[], ["-n", "2"]])
def test_without_a_framework_there_is_nothing_to_observe(run, options):
    done = run("@pytest.mark.max_traces(0)\ndef test_it(): pass", *options, conftest=NO_FRAMEWORK)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert done.stderr.splitlines() == [
        "ERROR: tracedbg: neither torch nor tensorflow is installed, so there is nothing to observe:"
        " python -m pip install 'tracedbg[torch]' or 'tracedbg[tensorflow]'",
        "",
    ]


def test_tests_that_do_not_ask_need_no_framework(run):
    assert run("def test_it(): pass", conftest=NO_FRAMEWORK).returncode == 0


def test_wrong_use_is_told_by_processes_of_xdist_as_well(run):
    done = run("@pytest.mark.max_retraces(-1)\ndef test_it(): raise SystemExit", "-n", "2")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert done.stderr.splitlines() == [
        "ERROR: test_it.py::test_it: @pytest.mark.max_retraces(-1): n is -1; it must be a number, 0 or more",
        "",
    ]


def test_its_markers_are_registered(run):
    done = run("", "--markers", "--strict-markers")
    told = [line for line in done.stdout.splitlines() if line.startswith("@pytest.mark.max_retraces(")]
    assert told == [
        "@pytest.mark.max_retraces(n, function=None, after_warmup=1): at most n retraces in the test, of each"
        " function whose name fits `function`; the first `after_warmup` traces of a function are no retraces"
    ]
