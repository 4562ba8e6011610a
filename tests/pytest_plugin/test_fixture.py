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
