"""A verdict does not depend on the order; other plugins and other kinds of tests work."""

from __future__ import annotations

import json
import re

import pytest

from pytest_suites import TF

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


@pytest.mark.tensorflow
def test_isolated_tests_of_tensorflow_give_the_same_in_any_order(suite):
    text = """
@pytest.mark.max_traces(1)
@pytest.mark.parametrize("n", [3, 4, 3, 5])
def test_each(n):
    double(tf.ones([3]))
    double(tf.ones([n]))
"""
    assert suite(text, "--tracedbg-isolate", head=TF).counts() == {"passed": 2, "failed": 2}
    shuffled = suite(text, "--tracedbg-isolate", "with:randomly", "-n", "2", head=TF)
    assert shuffled.counts() == {"passed": 2, "failed": 2}


def test_shuffled_tests_have_the_same_verdicts(suite):
    text = """
dtypes = [torch.int8, torch.int16, torch.int32, torch.float64]

@pytest.mark.max_retraces(0)
@pytest.mark.parametrize("n", range(4))
def test_each(n):
    double(torch.ones(3, dtype=dtypes[n]))
    if n % 2:
        with torch.no_grad():
            double(torch.ones(3, 3, dtype=dtypes[n]))
"""
    orders, verdicts = set(), set()
    for seed in ("1", "2", "3"):
        result = suite(text, "-v", "with:randomly", f"--randomly-seed={seed}")
        told = re.findall(r"test_it.py::(test_each\[\d\]) (PASSED|FAILED)", result.text)
        orders.add(tuple(told))
        verdicts.add(tuple(sorted(told)))
    assert len(orders) > 1
    assert len(verdicts) == 1


def test_what_was_traced_before_a_test_is_told_apart(suite, tmp_path):
    result = suite(
        """
def test_one():
    double(torch.ones(3))

@pytest.mark.max_traces(0)
def test_two():
    double(torch.ones(3, dtype=torch.int8))
""",
        "--tracedbg",
        "--tracedbg-json=out.json",
    )
    assert result.failure("test_two") == (
        "tracedbg: 1 trace, 0 allowed by @pytest.mark.max_traces(0)\n"
        "  double (test_it.py:5): 1 trace; traced before this test too"
    )
    tests = json.loads((tmp_path / "out.json").read_text())["tests"]
    assert [one["functions"][0]["traced_before"] for one in tests] == [False, True]


def test_other_plugins_and_frameworks_test_cases_work(suite):
    pytest.importorskip("expecttest")
    result = suite(
        """
import time
import tracedbg as ours
from torch.testing._internal.common_utils import TestCase

class TestTorch(TestCase):
    @pytest.mark.max_retraces(0)
    def test_torch_over(self):
        double(torch.ones(3))
        double(torch.ones(3, dtype=torch.int8))

@pytest.mark.asyncio
@pytest.mark.max_retraces(0)
async def test_async_over():
    double(torch.ones(3, dtype=torch.int16))
    double(torch.ones(3, dtype=torch.int32))

@pytest.mark.timeout(0.5)
@pytest.mark.max_traces(0)
def test_slow():
    double(torch.ones(3, dtype=torch.uint8))
    time.sleep(30)

runs = []

@pytest.mark.flaky(reruns=2)
@pytest.mark.max_traces(0)
def test_rerun():
    runs.append(1)
    if len(runs) < 2:
        double(torch.ones(3, dtype=torch.float64))

@pytest.mark.max_retraces(0)
def test_recording_over():
    with ours.record() as run:
        double(torch.ones(3, dtype=torch.float16))
        double(torch.ones(3, dtype=torch.bfloat16))
    assert len(run.traces) == 2
""",
        "with:asyncio",
        "with:rerunfailures",
        "-o",
        "asyncio_default_fixture_loop_scope=function",
    )
    assert result.counts() == {"passed": 1, "failed": 4, "rerun": 1}
    for test in ("TestTorch.test_torch_over", "test_async_over", "test_recording_over"):
        assert result.failure(test).startswith(
            "tracedbg: 1 retrace, 0 allowed by @pytest.mark.max_retraces(0)\n  double (test_it.py:5): 1 retrace"
        )
    assert "Timeout (>0.5s)" in result.failure("test_slow")
    assert "allowed by" not in result.failure("test_slow")


@pytest.mark.tensorflow
def test_the_test_case_of_tensorflow_works(suite):
    result = suite(
        """
class TestTF(tf.test.TestCase):
    @pytest.mark.max_retraces(0)
    def test_over(self):
        double(tf.ones([3]))
        double(tf.ones([4]))

    @pytest.mark.max_retraces(0)
    def test_own_error(self):
        double(tf.ones([5]))
        double(tf.ones([6]))
        self.assertAllEqual(double(tf.ones([6])), tf.ones([6]))
""",
        head=TF,
    )
    assert result.counts() == {"failed": 2, "skipped": 1}  # TensorFlow's own `test_session`
    assert "1 retrace, 0 allowed by @pytest.mark.max_retraces(0)" in result.failure("TestTF.test_over")
    assert "AssertionError" in result.failure("TestTF.test_own_error")
    assert "allowed by" not in result.failure("TestTF.test_own_error")
