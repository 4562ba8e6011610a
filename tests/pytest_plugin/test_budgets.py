"""Each marker, kept and broken; the failure in full; wrong use told at collection."""

from __future__ import annotations

import re

import pytest

pytestmark = pytest.mark.torch
ADVICE = "call torch._dynamo.mark_dynamic(x, 0) before the first call, or torch.compile(..., dynamic=True)"


def test_a_retrace_over_the_budget_fails_with_cause_and_advice(suite):
    result = suite("""
@pytest.mark.max_retraces(0)
def test_over():
    double(torch.ones(3))
    double(torch.ones(3, dtype=torch.int64))  # line 16

@pytest.mark.max_retraces(1)
def test_kept():
    double(torch.ones(3))
    double(torch.ones(3, dtype=torch.int32))
""")
    assert result.counts() == {"passed": 1, "failed": 1}
    assert result.failure("test_over") == (
        "tracedbg: 1 retrace, 0 allowed by @pytest.mark.max_retraces(0)\n"
        "  double (test_it.py:5): 1 retrace\n"
        "    test_it.py:16: `x` changed dtype from float32[3] to int64[3]\n"
        "      bring `x` to one dtype before the call: x.to(torch.float32)"
    )


def test_the_first_traces_of_a_function_can_be_free(suite):
    result = suite("""
@pytest.mark.max_retraces(0, after_warmup=2)
def test_kept():
    double(torch.ones(3))
    double(torch.ones(4))

@pytest.mark.max_retraces(0, after_warmup=2)
def test_over():
    for dtype in (torch.float64, torch.int8, torch.int16):
        double(torch.ones(3, dtype=dtype))
""")
    assert result.counts() == {"passed": 1, "failed": 1}
    assert "tracedbg: 1 retrace, 0 allowed by" in result.failure("test_over")


def test_a_budget_can_be_for_one_function_alone(suite):
    result = suite("""
@pytest.mark.max_traces(0, function="doub*")
@pytest.mark.max_traces(1, function="shout")
def test_named():
    double(torch.ones(3))
""")
    assert result.counts() == {"failed": 1}
    assert result.failure("test_named") == (
        "tracedbg: 1 trace, 0 allowed by @pytest.mark.max_traces(0, function='doub*')\n"
        "  double (test_it.py:5): 1 trace"
    )


def test_graph_breaks_are_told_with_their_line_and_reason(suite):
    result = suite("""
@pytest.mark.max_graph_breaks(0)
def test_over():
    shout(torch.ones(3))

@pytest.mark.max_graph_breaks(0)
def test_kept():
    double(torch.ones(3))
""")
    assert result.counts() == {"passed": 1, "failed": 1}
    head, where, what = result.failure("test_over").splitlines()
    assert head == "tracedbg: 1 graph break, 0 allowed by @pytest.mark.max_graph_breaks(0)"
    assert where == "  shout (test_it.py:9): 1 graph break"
    assert what.startswith("    test_it.py:10: Dynamo does not know how to trace builtin operator `print`")


def test_silent_eager_calls_fail_with_what_to_do(suite):
    result = suite("""
@pytest.mark.no_silent_eager
def test_over():
    with torch._dynamo.config.patch(recompile_limit=1):
        for dtype in (torch.float32, torch.int8, torch.int16):
            double(torch.ones(3, dtype=dtype))

@pytest.mark.no_silent_eager()
def test_kept():  # what the other test has done to `double` is not this one's
    double(torch.ones(3, dtype=torch.float64))
""")
    assert result.counts() == {"passed": 1, "failed": 1}
    assert result.failure("test_over").split("\n----")[0] == (
        "tracedbg: 1 function eager in silence, none allowed by @pytest.mark.no_silent_eager()\n"
        "  double (test_it.py:5): recompile limit reached with 1 graph cached: "
        "`x` changed dtype from float32[3] to int8[3]\n"
        "      remove the causes of its retraces; a higher torch._dynamo.config.recompile_limit has room for more"
    )


def test_a_function_that_is_never_compiled_fails_every_test_that_calls_it(suite):
    result = suite("""
@torch.compile(backend="eager")
def nothing(x):
    return 3

@pytest.mark.no_silent_eager(function="nothing")
@pytest.mark.parametrize("n", [3, 4])
def test_over(n):
    nothing(torch.ones(n))
""")
    assert result.counts() == {"failed": 2}
    assert result.failure("test_over[3]") == result.failure("test_over[4]")
    assert result.failure("test_over[3]").endswith(
        "make the first call one that computes with tensors: a function is judged by that"
    )


def test_a_budget_for_a_function_that_is_not_there_is_told(suite):
    result = suite("""
@pytest.mark.max_retraces(0, function="duoble")
def test_typo():
    double(torch.ones(3))

@pytest.mark.max_retraces(0, function="double")
def test_cached():
    double(torch.ones(3))
""")
    assert result.counts() == {"passed": 2}
    told = [line for line in result.text.splitlines() if line.startswith("no traced function")]
    assert told == [
        "no traced function has a name that fits: "
        "@pytest.mark.max_retraces(0, function='duoble') in test_it.py::test_typo"
    ]


def test_seconds_of_compiling_have_a_limit(suite):
    result = suite("""
@pytest.mark.max_compile_seconds(0)
def test_over():
    double(torch.ones(3))

@pytest.mark.max_compile_seconds(100)
def test_kept():
    double(torch.ones(3))
""")
    assert result.counts() == {"passed": 1, "failed": 1}
    head, line = result.failure("test_over").splitlines()
    seconds = re.fullmatch(
        r"tracedbg: (\d\.\d+ s) of tracing and compiling, 0 s allowed by @pytest\.mark\.max_compile_seconds\(0\)",
        head,
    )
    assert line == f"  double (test_it.py:5): {seconds[1]}"


def test_markers_count_on_classes_and_modules_and_the_closest_wins(suite):
    result = suite("""
pytestmark = pytest.mark.max_traces(0)

class TestAll:
    def test_over(self):
        double(torch.ones(3))

    @pytest.mark.max_traces(5)
    @pytest.mark.parametrize("n", [3, 4])
    def test_kept(self, n):
        double(torch.ones(n, dtype=torch.int8))
""")
    assert result.counts() == {"passed": 2, "failed": 1}


def test_a_test_that_fails_by_itself_keeps_its_own_failure(suite):
    result = suite("""
@pytest.mark.max_traces(0)
def test_over():
    double(torch.ones(3))
    assert 1 == 2
""")
    assert result.counts() == {"failed": 1}
    assert "E       assert 1 == 2" in result.text
    assert "allowed by" not in result.text


def test_the_ini_file_sets_budgets_for_all_tests(suite, tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\ntracedbg = true\ntracedbg_max_retraces = 0\n")
    result = suite("""
def test_over():
    double(torch.ones(3))
    double(torch.ones(3, dtype=torch.int64))

@pytest.mark.max_retraces(1)
def test_kept():
    double(torch.ones(3, dtype=torch.int8))
    double(torch.ones(3, dtype=torch.int16))
""")
    assert result.counts() == {"passed": 1, "failed": 1}
    head = result.failure("test_over").splitlines()[0]
    assert head == "tracedbg: 1 retrace, 0 allowed by tracedbg_max_retraces = 0 in the ini file"


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ("max_retraces(-1)", "n is -1; it must be a number, 0 or more"),
        ("max_retraces('2')", "n is '2'; it must be a whole number, 0 or more"),
        ("max_retraces()", "missing a required argument: 'n'"),
        ("max_retraces(0, functon='f')", "got an unexpected keyword argument 'functon'"),
        ("max_retraces(0, after_warmup=0)", "after_warmup is 0; it must be 1 or more"),
        ("max_traces(0, function=3)", "function is 3; it must be a name or a pattern such as 'train_*'"),
        ("max_compile_seconds(-0.5)", "s is -0.5; it must be a number, 0 or more"),
        ("no_silent_eager(0)", "function is 0; it must be a name or a pattern such as 'train_*'"),
    ],
)
def test_a_marker_that_makes_no_sense_is_told_at_collection(suite, marker, message):
    result = suite(f"""
@pytest.mark.{marker}
def test_it():
    raise SystemExit("never run")
""")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert f"ERROR: test_it.py::test_it: @pytest.mark.{marker}: {message}" in result.text


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "tracedbg_max_traces = many",
            "tracedbg_max_traces = many in the ini file: it must be a number, 0 or more",
        ),
        (
            "tracedbg_max_traces = -1",
            "tracedbg_max_traces = -1 in the ini file: it must be a number, 0 or more",
        ),
        (
            "tracedbg_no_stale_trace = maybe",
            "tracedbg_no_stale_trace = maybe in the ini file: it must be true or false",
        ),
    ],
)
def test_an_ini_line_that_makes_no_sense_is_told_at_collection(suite, tmp_path, line, message):
    (tmp_path / "pytest.ini").write_text(f"[pytest]\ntracedbg = true\n{line}\n")
    result = suite("def test_it():\n    raise SystemExit('never run')\n")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert f"ERROR: {message}" in result.text
