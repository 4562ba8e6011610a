"""What is told of two runs: matched by what a thing is, and judged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from recordings import FILE, RUN, Process, Run, Timeline, function, signature, tensor, value
from tracedbg import events as ev
from tracedbg.explain import summarise
from tracedbg.explain.compare import compare
from tracedbg.explain.comparison import Change, Numbers, Verdict

TORCH = ev.Framework.TORCH_COMPILE


def run(*traces, info=RUN, **more):
    return summarise(Run(Process(list(traces), **more), info=info))


def traced(name="step", line=10, values=(0,), timeline=None, frame=None, **more):
    """Traces of one function, one for each value of `n`."""
    timeline = timeline or Timeline()
    took_ms = more.pop("took_ms", 10)
    of = function(name, line, **more)
    stack = (frame or ev.Frame(of.file, 30),)
    return [
        timeline.trace(of, signature(x=tensor(3), n=value(n)), call_stack=stack, took_ms=took_ms)
        for n in values
    ]


def worse(found):
    return [(reason.kind, reason.function, reason.count) for reason in found.worse]


def told(found):
    return [(f.change.value, f.name, f.file, f.line) for f in found.functions]


def test_a_run_is_the_same_as_itself():
    summary = run(*traced(values=(0, 1, 2)))
    found = compare(summary, summary)
    assert (found.verdict, found.functions, found.graph_breaks, found.worse) == (Verdict.SAME, (), (), ())


def test_more_retraces_for_a_new_cause_are_worse_and_the_other_way_round_better():
    a, b = run(*traced()), run(*traced(values=(0, 1, 2)))
    found = compare(a, b)
    assert (found.verdict, worse(found)) == (Verdict.WORSE, [("retraces", "step", 2), ("cause", "step", 1)])
    ((cause,),) = (function.causes for function in found.functions)
    assert (cause.change, cause.kind, cause.argument) == (Change.NEW, ev.CauseKind.PYTHON_VALUE, "n")
    assert (cause.before, cause.after, cause.message) == (0, 2, "`n` took 3 Python values: 0, 1, 2")
    back = compare(b, a)
    assert (back.verdict, worse(back)) == (Verdict.BETTER, [])


def test_a_new_cause_is_worse_though_there_are_no_more_retraces():
    timeline = Timeline()
    shapes = [timeline.trace(function(), signature(x=tensor(n), n=value(0))) for n in (3, 4)]
    found = compare(run(*traced(values=(0, 1))), run(*shapes))
    assert worse(found) == [("cause", "step", 1)]
    changes = [(cause.change.value, cause.argument) for cause in found.functions[0].causes]
    assert sorted(changes) == [("gone", "n"), ("new", "x")]


def test_more_retraces_for_a_known_cause_are_worse_by_their_number():
    found = compare(run(*traced(values=(0, 1))), run(*traced(values=(0, 1, 2, 3))))
    assert worse(found) == [("retraces", "step", 2)]
    (cause,) = found.functions[0].causes
    assert (cause.change, cause.before, cause.after) == (Change.CHANGED, 1, 3)


def test_a_new_function_that_is_traced_once_is_told_and_not_worse():
    timeline = Timeline()
    a, b = run(*traced()), run(*traced(timeline=timeline), *traced("other", 40, timeline=timeline))
    found = compare(a, b)
    assert (found.verdict, told(found)) == (Verdict.CHANGED, [("new", "other", "train.py", 40)])
    assert (found.functions[0].before, found.functions[0].after) == (None, Numbers(traces=1, seconds=0.01))
    back = compare(b, a)
    assert (back.verdict, told(back)) == (Verdict.CHANGED, [("gone", "other", "train.py", 40)])


def test_a_new_function_that_retraces_is_worse():
    assert worse(compare(run(), run(*traced(values=(0, 1))))) == [
        ("retraces", "step", 1),
        ("cause", "step", 1),
    ]


@pytest.mark.parametrize(
    ("cwd", "argv", "file"),
    [
        ("/ci/build/7", ("train.py",), "/ci/build/7/train.py"),
        ("/tmp", ("/ci/build/7/train.py",), "/ci/build/7/train.py"),
        ("/ci", ("build/7/train.py",), "/ci/train.py"),
    ],
)
def test_two_checkouts_of_a_project_match(cwd, argv, file):
    other = replace(RUN, cwd=cwd, argv=argv)
    frame = ev.Frame(file, 30)
    b = run(*traced(values=(0, 1), file=file, frame=frame), info=other)
    found = compare(run(*traced(values=(0, 1), frame=ev.Frame(FILE, 30))), b)
    assert found.verdict is Verdict.SAME


def test_libraries_match_wherever_they_are_installed():
    files = [
        f"{root}/lib/python3.1{n}/site-packages/keras/src/trainer.py" for n, root in enumerate(("/a", "/b"))
    ]
    a, b = (run(*traced(file=file)) for file in files)
    assert compare(a, b).verdict is Verdict.SAME


def test_a_function_whose_line_moved_or_whose_name_changed_is_the_same():
    assert compare(run(*traced(line=10)), run(*traced(line=14))).verdict is Verdict.SAME
    assert compare(run(*traced("old")), run(*traced("new"))).verdict is Verdict.SAME
    moved_and_renamed = compare(run(*traced("old", 10)), run(*traced("new", 14)))
    assert [change for change, *_ in told(moved_and_renamed)] == ["gone", "new"] or [
        change for change, *_ in told(moved_and_renamed)
    ] == ["new", "gone"]


def test_functions_of_one_name_are_told_apart_by_line_and_then_by_order():
    def lambdas(*lines, retraced=0):
        timeline = Timeline()
        return run(
            *(
                trace
                for line in lines
                for trace in traced(
                    "<lambda>", line, (0, 1) if line == retraced else (0,), timeline, ev.Frame(FILE, 99)
                )
            )
        )

    same_line = compare(lambdas(3, 7), lambdas(7, 9, retraced=7))
    assert [(f.change.value, f.line) for f in same_line.functions] == [("changed", 7)]
    moved = compare(lambdas(3, 7), lambdas(4, 8, retraced=8))
    assert [(f.change.value, f.line) for f in moved.functions] == [("changed", 8)]


def break_at(line, kind="print", of=None):
    of = of or function("f", 50, TORCH)
    return ev.GraphBreak("GB0001", kind, "no", ev.Frame(FILE, line), of)


def test_a_new_graph_break_is_worse_and_one_that_moved_is_none():
    a = run(*traced("f", 50, framework=TORCH), all_breaks=[break_at(52)])
    moved = run(*traced("f", 50, framework=TORCH), all_breaks=[break_at(55)])
    more = run(*traced("f", 50, framework=TORCH), all_breaks=[break_at(52), break_at(55)])
    assert compare(a, moved).verdict is Verdict.SAME
    found = compare(a, more)
    assert worse(found) == [("graph_break", "f", 1)]
    assert [(b.change.value, b.line) for b in found.graph_breaks] == [("new", 55)]
    assert compare(more, a).verdict is Verdict.BETTER


def test_resume_functions_count_as_their_function_wherever_the_break_is():
    def broken(line):
        timeline = Timeline()
        rest = function(f"torch_dynamo_resume_in_f_at_{line}", line, TORCH, owner="f")
        first = traced("f", 50, timeline=timeline, framework=TORCH)
        return run(*first, timeline.trace(rest, role=ev.Role.RESUME), all_breaks=[break_at(line)])

    assert compare(broken(52), broken(55)).verdict is Verdict.SAME
    assert compare(broken(52), broken(55)).after == Numbers(traces=2, graph_breaks=1, seconds=0.02)


def test_a_function_that_is_newly_eager_in_silence_is_worse():
    fallback = ev.Fallback(function("f", 50, TORCH), "skipped", "no operation was traced", 0)
    a = run(*traced("f", 50, framework=TORCH))
    b = run(*traced("f", 50, framework=TORCH), all_fallbacks=[fallback])
    found = compare(a, b)
    assert worse(found) == [("silent_eager", "f", 1)]
    assert found.functions[0].silent_eager.reason == "no operation was traced"
    assert compare(b, a).verdict is Verdict.BETTER
    assert compare(b, b).verdict is Verdict.SAME


def test_a_trace_that_is_newly_stale_is_worse():
    stale = ev.Stale(function(), "global", "scale", ev.Frame(FILE, 12), "1.0", "2.0", 0)
    a, b = run(*traced()), run(*traced(), all_stale=[stale])
    assert worse(compare(a, b)) == [("stale", "step", 1)]
    assert compare(b, a).verdict is Verdict.BETTER


def test_more_traces_that_fail_are_worse():
    failed = Timeline().trace(outcome=ev.Outcome.FAILED)
    assert worse(compare(run(*traced()), run(*traced(), failed)))[0] == ("failed", "step", 1)


@pytest.mark.parametrize(
    ("before_ms", "after_ms", "expected"),
    [(1000, 1240, False), (1000, 1260, True), (1000, 500, False), (10, 100, False), (10, 120, True)],
)
def test_tracing_is_slower_beyond_a_share_and_a_tenth_of_a_second(before_ms, after_ms, expected):
    a, b = (run(*traced(took_ms=took)) for took in (before_ms, after_ms))
    found = compare(a, b)
    assert (found.is_slower, bool(found.functions)) == (expected, expected)
    assert found.verdict is Verdict.SAME, "times alone are not worse"
    kinds = [reason.kind for reason in compare(a, b, fail_on_cost=True).worse]
    assert kinds == (["cost", "cost"] if expected else []), "of the function, and of the run"


def test_a_greater_tolerance_takes_more():
    a, b = (run(*traced(took_ms=took)) for took in (1000, 1900))
    assert not compare(a, b, tolerance=1.0).is_slower
    assert compare(a, b, tolerance=0.8).is_slower
