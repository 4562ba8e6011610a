"""A verdict does not depend on the order; other plugins and other kinds of tests work."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.torch
TWO = """
@pytest.mark.max_retraces(0)
def test_one():
    double(torch.ones(3))

@pytest.mark.max_retraces(0)
def test_two():
    double(torch.ones(3, dtype=torch.int8))
"""


def test_the_first_trace_in_a_test_is_no_retrace_whoever_came_before(suite):
    assert suite(TWO).counts() == {"passed": 2}
    assert suite(TWO, "test_it.py::test_two", "test_it.py::test_one").counts() == {"passed": 2}


def test_isolated_tests_do_not_profit_from_each_other(suite):
    text = """
@pytest.mark.max_traces(0)
def test_one():
    double(torch.ones(3))

@pytest.mark.max_traces(0)
def test_two():
    double(torch.ones(3))
"""
    assert suite(text).counts() == {"passed": 1, "failed": 1}
    assert suite(text, "--tracedbg-isolate").counts() == {"failed": 2}


def test_processes_of_xdist_give_the_same_verdicts_and_one_summary(suite, tmp_path):
    text = """
@pytest.mark.max_retraces(0)
@pytest.mark.parametrize("n", range(4))
def test_each(n):
    double(torch.ones(3, dtype=torch.int8))
    if n % 2:
        double(torch.ones(3, dtype=torch.int16))
"""
    alone = suite(text, "--tracedbg-isolate", "--tracedbg-json", str(tmp_path / "alone.json"))
    split = suite(text, "--tracedbg-isolate", "-n", "2", "--tracedbg-json", str(tmp_path / "split.json"))
    assert alone.counts() == split.counts() == {"passed": 2, "failed": 2}
    verdicts = [stable(tmp_path / name) for name in ("alone.json", "split.json")]
    assert verdicts[0] == verdicts[1]
    assert "  double (test_it.py:5)" in split.text


def stable(file):
    """The counts and failures of each test: what does not differ from run to run."""
    import json

    tests = json.loads(file.read_text())["tests"]
    return [
        (one["test"], [(f["name"], f["traces"], f["retraces"]) for f in one["functions"]], one["failures"])
        for one in tests
    ]


def test_tests_of_unittest_and_coroutines_have_budgets_too(suite):
    result = suite("""
import asyncio, unittest

class TestOld(unittest.TestCase):
    @pytest.mark.max_retraces(0)
    def test_over(self):
        double(torch.ones(3))
        double(torch.ones(3, dtype=torch.int8))

    @pytest.mark.max_retraces(0)
    def test_kept(self):
        double(torch.ones(3, dtype=torch.int16))

class TestAsync(unittest.IsolatedAsyncioTestCase):
    @pytest.mark.max_retraces(0)
    async def test_async_over(self):
        await asyncio.sleep(0)
        double(torch.ones(3, dtype=torch.int32))
        double(torch.ones(3, dtype=torch.float64))
""")
    assert result.counts() == {"passed": 1, "failed": 2}


def test_an_expected_failure_may_be_a_budget(suite):
    result = suite("""
@pytest.mark.xfail(strict=True)
@pytest.mark.max_traces(0)
def test_over():
    double(torch.ones(3))
""")
    assert result.counts() == {"xfailed": 1}


def test_traces_of_setup_are_not_the_tests(suite):
    result = suite("""
@pytest.fixture
def model():
    double(torch.ones(3))
    return double

@pytest.mark.max_traces(0)
def test_kept(model):
    model(torch.ones(3))
""")
    assert result.counts() == {"passed": 1}
