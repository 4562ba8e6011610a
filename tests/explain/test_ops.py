"""Totals of ops come to rows: nothing is counted twice, and nothing is lost."""

from __future__ import annotations

import shown

from recordings import Process, Ran, Run, Timeline
from tracedbg.explain import OpLevel, summarise
from tracedbg.explain.op_hints import small_ops
from tracedbg.explain.op_totals import OpTotals
from tracedbg.ran import SYNCS, OpsSeen


def seen(*totals, observer="RecordFunction", **more):
    return OpsSeen(observer, totals, **more)


def totals_of(*events):
    totals = OpTotals()
    totals.add(events)
    return totals


def test_self_times_add_up_to_the_whole_at_every_level():
    summary = summarise(shown.with_ops()).ops
    totals = totals_of(*shown.with_ops().processes[0].ran.ops())
    for level in OpLevel:
        rows = totals.rows(level)
        assert round(sum(row.seconds for row in rows), 9) == round(summary.seconds, 9) == 0.092
        assert sum(row.count for row in rows) == summary.count == 12_006_008
        assert sum(row.calls for row in rows) == summary.calls == 12_002_008
    assert (summary.threads, summary.kinds) == (2, 8)


def test_a_line_has_its_forward_and_its_backward_together():
    first = summarise(shown.with_ops()).ops.lines[0]
    assert (first.line, first.function, first.count, first.calls) == (12, "step", 4000, 1000)
    assert (first.seconds, first.backward_seconds) == (0.06, 0.02)
    assert [(part.op, part.count) for part in first.ops] == [
        ("aten::addmm", 1000),
        ("aten::mm", 2000),
        ("aten::linear", 1000),
    ]


def test_one_op_with_other_shapes_is_another_row():
    kinds = (shown.op("aten::mm", "float32[2]", 3), shown.op("aten::mm", "float32[4]", 3))
    totals = totals_of(seen(*(shown.total(kind, 1, 10) for kind in (*kinds, kinds[0]))))
    assert [(row.inputs, row.count) for row in totals.rows(OpLevel.OP)] == [
        ("float32[2]", 2),
        ("float32[4]", 1),
    ]
    assert [row.count for row in totals.rows(OpLevel.LINE)] == [3]


def test_functions_and_files_put_lines_together():
    kinds = (
        shown.op("a", line=3),
        shown.op("a", line=4),
        shown.op("a", line=9, function="other"),
        shown.op("a", line=1, file="/home/me/model.py"),
    )
    totals = totals_of(seen(*(shown.total(kind, 1, 10 + at) for at, kind in enumerate(kinds))))
    assert [(row.file, row.function, row.count) for row in totals.rows(OpLevel.FUNCTION)] == [
        ("/home/me/train.py", "step", 2),
        ("/home/me/model.py", "step", 1),
        ("/home/me/train.py", "other", 1),
    ]
    assert [(row.file, row.count) for row in totals.rows(OpLevel.MODULE)] == [
        ("/home/me/train.py", 3),
        ("/home/me/model.py", 1),
    ]


def test_processes_and_observers_are_put_together():
    one = Process(ran=Ran([seen(shown.total(shown.op("a"), 1, 10), left_out=2), seen(observer="fast path")]))
    two = Process(ran=Ran([seen(shown.total(shown.op("a"), 1, 10), left_out=3, note="no compiler")]))
    ops = summarise(Run(one, two)).ops
    assert [(each.observer, each.left_out, each.note) for each in ops.observers] == [
        ("RecordFunction", 5, "no compiler"),
        ("fast path", 0, ""),
    ]
    assert (ops.count, ops.threads) == (2, 2)


def test_a_run_whose_ops_were_not_recorded_has_none():
    summary = summarise(Run(Process([Timeline().trace()])))
    assert (summary.ops, summary.syncs) == (None, ())


def test_what_ran_can_be_left_out():
    summary = summarise(shown.with_ops(), traces_alone=True)
    assert (summary.ops, summary.syncs, summary.traces) == (None, (), 1)


# --- small ops --------------------------------------------------------------------------------


def test_small_ops_are_told_where_they_take_most_of_the_time():
    totals = [
        shown.total(shown.op("aten::add"), 50_000, 150_000),
        shown.total(shown.op("aten::mm"), 10, 9_000),
    ]
    assert small_ops(totals, 10**9) == (
        "94% of the time in eager ops is in 50000 small ones, 3.0 us each: that is mostly the cost of calling"
        " them; torch.compile makes one of many, and larger batches need fewer"
    )


def test_small_ops_of_tensorflow_have_their_own_advice():
    totals = [shown.total(shown.op("AddV2", framework="tensorflow"), 50_000, 150_000)]
    assert small_ops(totals, None).endswith(
        "; tf.function runs many as one graph, and jit_compile=True makes one of many"
    )


def test_small_ops_that_are_few_short_compiled_inner_or_beside_large_ones_are_not_told():
    small = shown.total(shown.op("aten::add"), 50_000, 150_000)
    large = shown.total(shown.op("aten::mm"), 100, 200_000)
    assert small_ops([small, large], 10**9) == ""
    assert small_ops([small], 10**10) == ""
    assert small_ops([shown.total(shown.op("aten::add"), 500, 4_999)], 10**6) == ""
    for more in ({"is_traced": True}, {"is_outer": False}, {"sync": "item"}):
        assert small_ops([shown.total(shown.op("aten::add", **more), 50_000, 150_000)], 10**9) == ""


# --- host syncs -------------------------------------------------------------------------------


def test_a_wait_that_another_op_called_is_not_told_twice():
    assert [(one.line, one.kind, one.count, one.ops) for one in summarise(shown.with_ops()).syncs] == [
        (14, "bool", 1000, ("aten::is_nonzero",)),
        (15, "item", 1, ("aten::item",)),
    ]


def test_a_copy_inside_of_an_op_that_does_not_wait_itself_is_told():
    inner = shown.op("aten::_to_copy", line=3, is_outer=False, sync="cpu")
    ops = seen(shown.total(shown.op("aten::to", line=3), 5, 50, 5), shown.total(inner, 5, 45))
    (one,) = summarise(Run(Process(ran=Ran([ops])))).syncs
    assert (one.kind, one.count, one.seconds, one.message) == ("cpu", 5, 4.5e-05, "a copy to the host")


def test_every_kind_of_sync_has_a_message_and_advice_for_both_frameworks():
    for framework in ("torch", "tensorflow"):
        ops = [
            shown.total(shown.op("op", line=at, sync=kind, framework=framework), 1, 1)
            for at, kind in enumerate(SYNCS, 1)
        ]
        found = summarise(Run(Process(ran=Ran([seen(*ops)])))).syncs
        assert {one.kind for one in found if one.message and one.advice} == set(SYNCS)
