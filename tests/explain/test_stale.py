"""What is said about a stale trace, and what to do about it."""

from __future__ import annotations

import pytest

from recordings import FILE, Process, Run, function
from tracedbg import events as ev
from tracedbg.explain import summarise

TF, TORCH = ev.Framework.TF_FUNCTION, ev.Framework.TORCH_COMPILE


def stale(kind="global", name="scale", then="1.0", now="5.0", framework=TF, line=14, file=FILE):
    of = function(framework=framework)
    return ev.Stale(of, kind, name, ev.Frame(file, line, "step"), then, now, 0, 1)


def groups(*found):
    (summary,) = summarise(Run(Process(all_stale=list(found)))).functions
    return summary.stale


@pytest.mark.parametrize(
    ("found", "message", "advice"),
    [
        (
            stale(),
            "the global `scale` was 1.0 while tracing and is 5.0 now: calls go on with 1.0",
            "pass `scale` as an argument, or make it a tf.Variable and assign to that",
        ),
        (
            stale("closure", "mode", "'a'", "'b'"),
            "the outer variable `mode` was 'a' while tracing and is 'b' now: calls go on with 'a'",
            "pass `mode` as an argument",
        ),
        (
            stale("attribute", "cfg.lr", "-0.1", "0.2", TORCH),
            "`cfg.lr` was -0.1 while tracing and is 0.2 now: calls go on with -0.1",
            "pass `cfg.lr` as an argument",
        ),
        (
            stale("side_effect", "seen.append(x)", "length 0 to 1", "length 1"),
            "`seen.append(x)` ran while tracing (length 0 to 1), and not in the calls that used the trace",
            "return the value and store it outside, or use tf.TensorArray or tf.py_function",
        ),
        (
            stale("side_effect", "count += 1", "0 to 1", "1"),
            "`count += 1` ran while tracing (0 to 1), and not in the calls that used the trace",
            "return the value, or keep it in a tf.Variable: assign, assign_add",
        ),
        (
            stale("side_effect", "print('x', x)", "ran while tracing", "did not run"),
            "`print('x', x)` ran while tracing, and not in the calls that used the trace",
            "tf.print('x', x) prints in every call",
        ),
        (
            stale("random", "known.rand()", "drawn while tracing", "the same"),
            "`known.rand()` was evaluated while tracing: all calls that use the trace have the same value",
            "use tf.random, or pass the value as an argument",
        ),
        (
            stale("random", "time.time()", "drawn while tracing", "the same"),
            "`time.time()` was evaluated while tracing: all calls that use the trace have the same value",
            "use tf.timestamp(), or pass the value as an argument",
        ),
    ],
    ids=lambda value: f"{value.kind}-{value.name}" if isinstance(value, ev.Stale) else "",
)
def test_each_kind_in_words(found, message, advice):
    (group,) = groups(found)
    assert (group.message, group.advice) == (message, advice)
    assert (group.kind, group.name, group.file, group.line) == (found.kind, found.name, FILE, 14)


def test_what_was_seen_in_several_processes_is_one_with_the_first_and_the_last_value():
    (group,) = groups(stale(now="2.0"), stale(now="3.0"))
    assert (group.then, group.now) == ("1.0", "3.0")


def test_they_are_sorted_by_line():
    assert [group.line for group in groups(stale(line=20), stale(line=3), stale(line=9))] == [3, 9, 20]


def test_long_values_are_cut():
    (group,) = groups(stale(then="[" + "1, " * 100 + "]"))
    assert len(group.then) <= 60
