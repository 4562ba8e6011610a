"""The fixture: counts of this test alone, a steady state, a warm-up."""

from __future__ import annotations

import pytest

from pytest_suites import TF

pytestmark = pytest.mark.torch


def test_it_counts_what_this_test_has_traced(suite):
    result = suite("""
def test_before():
    double(torch.ones(3))

def test_counted(tracedbg):
    assert (tracedbg.traces, tracedbg.retraces, tracedbg.causes) == (0, 0, ())
    double(torch.ones(3, dtype=torch.int8))
    assert (tracedbg.traces, tracedbg.retraces) == (1, 0)  # another test has traced it, and this one has not
    double(torch.ones(3, dtype=torch.int16))
    assert (tracedbg.traces, tracedbg.retraces) == (2, 1)
    assert [cause.argument for cause in tracedbg.causes] == ["x"]
    shout(torch.ones(3))
    assert tracedbg.graph_breaks == 1
    assert sorted(one.name for one in tracedbg.functions) == ["double", "shout"]
""")
    assert result.counts() == {"passed": 2}


def test_nothing_may_be_traced_in_a_steady_state(suite):
    result = suite("""
def test_over(tracedbg):
    with tracedbg.steady_state():
        double(torch.ones(3))

def test_kept(tracedbg):
    with tracedbg.warmup():
        double(torch.ones(3, dtype=torch.int8))
    with tracedbg.steady_state():
        double(torch.ones(3, dtype=torch.int8))
    with tracedbg.steady_state("other"):
        double(torch.ones(3, dtype=torch.int16))
""")
    assert result.counts() == {"passed": 1, "failed": 1}
    assert result.failure("test_over") == (
        "tracedbg: 1 trace, 0 allowed by tracedbg.steady_state()\n  double (test_it.py:5): 1 trace"
    )


@pytest.mark.tensorflow
def test_a_steady_state_names_the_cause_whatever_was_traced_before_it(suite):
    result = suite(
        """
@pytest.fixture(scope="module")
def model():
    double(tf.ones([3]))
    return double

def test_of_fixture(tracedbg, model):
    with tracedbg.steady_state():
        model(tf.ones([4]))  # line 14

def test_of_warm_up(tracedbg):
    with tracedbg.warmup():
        double(tf.ones([5]))
    with tracedbg.steady_state("doub*"):
        double(tf.ones([6]))  # line 20

@pytest.mark.max_retraces(0)
def test_after_a_warm_up_each_trace_is_a_retrace(tracedbg):
    with tracedbg.warmup():
        double(tf.ones([7]))
    assert tracedbg.traces == 0
    double(tf.ones([8]))  # line 27
""",
        "--tracedbg-isolate",
        head=TF,
    )
    assert result.counts() == {"failed": 3}
    advice = "@tf.function(reduce_retracing=True), or @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])"
    text = (
        "tracedbg: 1 {}, 0 allowed by {}\n  double (test_it.py:4): 1 {}\n    test_it.py:{}: `x` changed shape from float32[{}] to float32[{}]\n      "
        + advice
    )
    assert result.failure("test_of_fixture") == text.format(
        "trace", "tracedbg.steady_state()", "trace", 15, 3, 4
    )
    assert result.failure("test_of_warm_up") == text.format(
        "trace", "tracedbg.steady_state('doub*')", "trace", 21, 5, 6
    )
    assert result.failure("test_after_a_warm_up_each_trace_is_a_retrace") == text.format(
        "retrace", "@pytest.mark.max_retraces(0)", "retrace", 28, 7, 8
    )


def test_hypothesis_may_use_it(suite):
    result = suite("""
from hypothesis import given, settings, strategies as st

@given(n=st.integers(3, 9))
@settings(max_examples=5, database=None, deadline=None)
def test_kept(tracedbg, n):
    with tracedbg.warmup():
        double(torch.ones(n))
    with tracedbg.steady_state():
        double(torch.ones(n))

@pytest.mark.max_retraces(0)
@given(dtype=st.sampled_from([torch.int8, torch.int16]))
@settings(max_examples=9, database=None, deadline=None)
def test_over(dtype):
    double(torch.ones(3, dtype=dtype))
""")
    assert result.counts() == {"passed": 1, "failed": 1}
    assert result.failure("test_over").startswith(
        "tracedbg: 1 retrace, 0 allowed by @pytest.mark.max_retraces(0)\n  double (test_it.py:5): 1 retrace\n"
    )


def test_a_test_may_ask_for_it_while_it_runs(suite):
    text = """
def test_first(request):
    assert not request.config.pluginmanager.has_plugin("tracedbg-active")
    double(torch.ones(3))
    tracedbg = request.getfixturevalue("tracedbg")
    assert tracedbg.traces == 0
    double(torch.ones(3, dtype=torch.int8))
    double(torch.ones(3, dtype=torch.int16))
    assert (tracedbg.traces, tracedbg.retraces) == (2, 1)

def test_other():
    double(torch.ones(3, dtype=torch.int32))

@pytest.fixture
def observed(request):
    return request.getfixturevalue("tracedbg")

def test_second(observed):
    double(torch.ones(3, dtype=torch.float64))
    assert (observed.traces, observed.retraces) == (1, 0)
"""
    result = suite(text, "--junitxml=out.xml")
    assert result.counts() == {"passed": 3}
    (row,) = [line.split() for line in result.text.splitlines() if line.endswith("double (test_it.py:5)")]
    assert row[1:4] == ["3", "1", "0"]  # what the other test has traced is nobody's business
    again = suite(text, "-o", "tracedbg_max_retraces=0")
    assert "1 retrace, 0 allowed by tracedbg_max_retraces = 0 in the ini file" in again.failure("test_first")


def test_it_counts_in_tests_alone(suite):
    result = suite("""
@pytest.fixture(scope="module")
def observed(tracedbg):
    double(torch.ones(3))
    assert tracedbg.traces == 0  # what is traced in a fixture counts for nothing
    return tracedbg

def test_kept(observed):
    assert observed.traces == 0
""")
    assert result.counts() == {"passed": 1}


def test_what_is_traced_while_warming_up_is_not_in_the_budget(suite):
    result = suite("""
@pytest.mark.max_traces(0)
def test_kept(tracedbg):
    with tracedbg.warmup():
        double(torch.ones(3))
    assert tracedbg.traces == 0
""")
    assert result.counts() == {"passed": 1}


def test_a_body_that_raises_keeps_its_own_error(suite):
    result = suite("""
def test_raises(tracedbg):
    with tracedbg.steady_state():
        double(torch.ones(3))
        raise KeyError("mine")
""")
    assert result.counts() == {"failed": 1}
    assert "KeyError: 'mine'" in result.text
    assert "allowed by" not in result.text


@pytest.mark.tensorflow
def test_it_does_the_same_for_tensorflow(suite):
    result = suite(
        """
@pytest.mark.max_retraces(0)
def test_over():
    double(tf.ones([3]))
    double(tf.ones([4]))  # line 12

def test_steady(tracedbg):
    with tracedbg.warmup():
        double(tf.ones([5]))
    with tracedbg.steady_state():
        double(tf.ones([5]))
""",
        head=TF,
    )
    assert result.counts() == {"passed": 1, "failed": 1}
    head, where, why, *advice = result.failure("test_over").splitlines()
    assert head == "tracedbg: 1 retrace, 0 allowed by @pytest.mark.max_retraces(0)"
    assert where == "  double (test_it.py:4): 1 retrace"
    assert why == "    test_it.py:11: `x` changed shape from float32[3] to float32[4]"
    assert len(advice) == 1


@pytest.mark.tensorflow
def test_a_stale_trace_fails_with_what_has_changed(suite):
    result = suite(
        """
scale = 1.0

@tf.function
def scaled(x):
    return x * scale

@pytest.mark.no_stale_trace
def test_over():
    global scale
    scaled(tf.ones([3]))
    scale = 2.0
    scaled(tf.ones([3]))
""",
        head=TF,
    )
    assert result.counts() == {"failed": 1}
    head, where, what, *_ = result.failure("test_over").splitlines()
    assert head == "tracedbg: 1 function stale, none allowed by @pytest.mark.no_stale_trace()"
    assert where == "  scaled (test_it.py:10)"
    assert "`scale`" in what
