"""Ranks laid beside each other: which traces are told, with which input, and who waited."""

import dataclasses

import pytest

from recordings import CALL, FILE, PROCESS, RUN, Process, Run, Timeline, function, signature, tensor, value
from tracedbg import events as ev
from tracedbg.explain import summarise
from tracedbg.explain.ranks.compare import compare_ranks
from tracedbg.ran import SamplesSeen, Stayed

MS = 1_000_000
WAIT = ev.Frame(FILE, 31, "main")
SHORT, LONG = signature(x=tensor(4, 16), n=value(2)), signature(x=tensor(4, 17), n=value(2))
OTHER = signature(x=tensor(4, 16), n=value(3))


def rank(
    number, *signatures, world_size=2, generation=0, stopped_ms=5000, sampled=True, timeline=None, **traces
):
    """A rank that has traced `step` for each of `signatures`, 100 ms apart."""
    timeline = timeline or Timeline()
    made = [timeline.trace(signature=one, **traces) for one in signatures]
    info = dataclasses.replace(
        PROCESS,
        pid=100 + number,
        rank=number,
        world_size=world_size,
        generation=generation,
        stopped_ns=None if stopped_ms is None else stopped_ms * MS,
    )
    process = Process(made, info)
    if sampled:
        process.ran.all_samples.append(SamplesSeen(100, 0, 4000 * MS, 0))
    return process


def waits(process, *spans, phase="collective", cpu_ms=0):
    process.ran.all_stays += [
        Stayed((WAIT, CALL), "eager_ops", phase, start * MS, end * MS, cpu_ms * MS) for start, end in spans
    ]
    return process


def compared(*processes):
    (generation,) = compare_ranks(RUN, processes).generations
    return generation


def the_odd(*processes):
    (odd,) = compared(*processes).odd
    return odd


def test_ranks_that_trace_alike_are_told_in_numbers_alone():
    found = compared(rank(0, SHORT, LONG), rank(1, SHORT, LONG))
    assert found.is_alike
    assert (found.ranks, found.shared_functions, found.shared_traces) == ((0, 1), 1, 2)


def test_a_trace_of_one_rank_is_told_with_the_input_and_what_the_others_traced_for():
    odd = the_odd(waits(rank(0, SHORT), (150, 400)), rank(1, SHORT, LONG))
    assert (odd.kind, odd.ranks, odd.others, odd.number) == ("alone", (1,), (0,), 2)
    assert (odd.file, odd.line, odd.caller) == (FILE, 30, "main")
    assert (odd.started_s, odd.seconds) == (0.2, 0.01)
    (found,) = odd.causes
    assert (found.cause.kind, found.cause.argument) == (ev.CauseKind.SHAPE, "x")
    assert (found.cause.before, found.cause.after) == ("float32[4, 16]", "float32[4, 17]")
    assert [(one.ranks, one.values) for one in found.others] == [((0,), ("float32[4, 16]",))]


def test_the_time_that_others_waited_is_that_within_the_trace():
    odd = the_odd(waits(rank(0, SHORT), (150, 205), (207, 600)), rank(1, SHORT, LONG))
    assert odd.waited_s == (0.008, 0.008)
    assert odd.waits == (), "8 ms is less than the samples are apart"
    odd = the_odd(waits(rank(0, SHORT), (150, 900)), rank(1, SHORT, LONG, took_ms=90))
    (wait,) = odd.waits
    assert (wait.ranks, wait.file, wait.line, wait.phase, wait.seconds) == (
        (0,),
        FILE,
        31,
        "collective",
        0.09,
    )


@pytest.mark.parametrize(
    ("phase", "cpu_ms", "seconds"),
    [("collective", 80, 0.09), ("autograd", 10, 0.09), ("autograd", 700, None)],
)
def test_a_stay_is_a_wait_in_a_collective_or_without_the_processor(phase, cpu_ms, seconds):
    waiting = waits(rank(0, SHORT), (150, 900), phase=phase, cpu_ms=cpu_ms)
    odd = the_odd(waiting, rank(1, SHORT, LONG, took_ms=90))
    assert [wait.seconds for wait in odd.waits] == ([] if seconds is None else [seconds])


def test_ranks_that_were_not_sampled_are_no_ranks_that_did_not_wait():
    assert the_odd(rank(0, SHORT, sampled=False), rank(1, SHORT, LONG)).waited_s is None
    assert the_odd(rank(0, SHORT), rank(1, SHORT, LONG)).waited_s == (0.0, 0.0)


def test_clocks_are_aligned_by_the_start_of_each_process():
    late = dataclasses.replace(rank(0).info, started_wall_ns=PROCESS.started_wall_ns + 100 * MS)
    waiting = dataclasses.replace(waits(rank(0, SHORT), (50, 800)), info=late)
    assert the_odd(waiting, rank(1, SHORT, LONG, took_ms=90)).waited_s == (0.09, 0.09)


def test_a_rank_that_was_killed_in_a_trace_is_told_with_its_input():
    timeline = Timeline()
    killed = rank(1, SHORT, timeline=timeline, stopped_ms=None)
    killed.all_traces.append(timeline.trace(signature=LONG, ended=False))
    killed.ran.all_samples[:] = [SamplesSeen(100, 0, 700 * MS, 0)]
    found = compared(waits(rank(0, SHORT, stopped_ms=None), (210, 900)), killed)
    (odd,) = found.odd
    assert found.ended == (0, 1)
    assert (odd.under_way, odd.seconds, odd.waited_s) == ((1,), 0.5, (0.49, 0.49))
    assert odd.causes[0].cause.after == "float32[4, 17]"


def test_a_rank_that_had_ended_is_not_compared_with_what_came_later():
    gone = rank(0, SHORT, stopped_ms=150)
    gone.ran.all_samples[:] = [SamplesSeen(100, 0, 150 * MS, 0)]
    assert compared(gone, rank(1, SHORT, LONG)).odd == ()


def test_of_a_killed_rank_the_last_second_may_be_missing():
    def killed(sampled_until_ms):
        process = rank(0, SHORT, stopped_ms=None)
        process.ran.all_samples[:] = [SamplesSeen(100, 0, sampled_until_ms * MS, 0)]
        return process

    late = Timeline().trace(signature=LONG, start_ms=1500)
    for sampled_until_ms, others in ((600, [(0,)]), (400, [])):
        other = rank(1, SHORT)
        other.all_traces.append(late)
        found = compared(killed(sampled_until_ms), other)
        assert [odd.others for odd in found.odd] == others


@pytest.mark.parametrize(("sampled_until_ms", "is_cut"), [(250, True), (900, False)])
def test_waits_are_cut_where_a_rank_was_killed_while_it_waited(sampled_until_ms, is_cut):
    killed = waits(rank(0, SHORT, stopped_ms=None), (150, sampled_until_ms))
    killed.ran.all_samples[:] = [SamplesSeen(100, 0, sampled_until_ms * MS, 0)]
    odd = the_odd(killed, rank(1, SHORT, LONG, took_ms=90))
    assert (odd.is_cut, odd.waited_s) == (is_cut, (0.05, 0.05) if is_cut else (0.09, 0.09))


def test_the_report_counts_what_a_killed_rank_has_traced_as_well():
    (differs,) = summarise(Run(rank(0, SHORT, stopped_ms=None), rank(1, SHORT, LONG), Process())).ranks
    assert [(row.ranks, row.traces) for row in differs.counts] == [((0,), 1), ((1,), 2)]


def test_what_all_but_one_rank_traced_is_told_of_the_ranks_that_traced_it():
    odd = the_odd(*(rank(n, SHORT, LONG, world_size=4) for n in (0, 2, 3)), rank(1, SHORT, world_size=4))
    assert (odd.ranks, odd.others) == ((0, 2, 3), (1,))


def test_of_other_values_in_the_same_argument_one_trace_is_the_others():
    longer = signature(x=tensor(4, 30), n=value(2))
    assert compared(rank(0, SHORT, LONG), rank(1, SHORT, longer)).is_alike


def test_another_argument_makes_another_trace():
    found = compared(rank(0, SHORT, LONG), rank(1, SHORT, OTHER))
    assert [(odd.ranks, odd.causes[0].cause.argument) for odd in found.odd] == [((0,), "x"), ((1,), "n")]


def test_a_function_that_one_rank_alone_calls_is_told_without_an_argument():
    odd = the_odd(rank(0), rank(1, SHORT))
    assert (odd.ranks, odd.others, odd.inputs) == ((1,), (0,), ())
    assert odd.causes[0].cause.kind is ev.CauseKind.FIRST_CALL


def test_a_first_trace_after_the_cache_was_emptied_says_which_inputs_are_other_ones():
    of = function(framework=ev.Framework.TORCH_COMPILE)
    inputs = (("L['x']", "float32[4, 16]"), ("L['n']", "2"))
    again = (("L['x']", "float32[7, 16]"), ("L['n']", "2"))
    timeline = Timeline()
    odd_rank = rank(1, timeline=timeline)
    odd_rank.all_traces[:] = [timeline.trace(of, inputs=inputs), timeline.trace(of, inputs=again)]
    other = rank(0)
    other.all_traces[:] = [Timeline().trace(of, inputs=inputs)]
    odd = the_odd(other, odd_rank)
    assert odd.is_again
    (found,) = odd.inputs
    assert (found.argument, found.value) == ("x", "float32[7, 16]")
    assert [(one.ranks, one.values) for one in found.others] == [((0,), ("float32[4, 16]",))]


def test_a_second_argument_that_the_guards_do_not_name_is_told_as_well():
    of = function(framework=ev.Framework.TORCH_COMPILE)
    guard = "tensor 'L['x']' size mismatch at index 0. expected 4, actual 7"
    failed = ev.GuardFailure("0/0", guard, "L['x']", "float32[4]", "float32[7]")
    inputs = (("L['x']", "float32[4]"), ("L['y']", "int64[4]"), ("L['n']", "2"))
    others = (("L['x']", "float32[7]"), ("L['y']", "int64[7]"), ("L['n']", "2"))
    one, two, timeline = rank(0), rank(1), Timeline()
    one.all_traces[:] = [Timeline().trace(of, inputs=inputs)]
    two.all_traces[:] = [
        timeline.trace(of, inputs=inputs),
        timeline.trace(of, inputs=others, guard_failures=(failed,), cached_count=1),
    ]
    odd = the_odd(one, two)
    assert [found.cause.argument for found in odd.causes] == ["x"]
    assert [(found.argument, found.value) for found in odd.inputs] == [("y", "int64[7]")]


def test_a_trace_inside_an_odd_one_is_no_odd_one_of_its_own():
    timeline = Timeline()
    odd_rank = rank(1, SHORT, LONG, timeline=timeline)
    inner = timeline.trace(function("inner", 50), signature=LONG, parent_id=odd_rank.all_traces[1].started.id)
    odd_rank.all_traces.append(inner)
    odd = the_odd(rank(0, SHORT), odd_rank)
    assert (odd.function.name, odd.inside) == ("step", 1)


def test_the_same_trace_at_another_time_is_told_where_others_waited():
    early, late = Timeline(), Timeline()
    first = rank(0, timeline=early)
    first.all_traces[:] = [early.trace(signature=SHORT), early.trace(signature=LONG, took_ms=90)]
    second = rank(1, timeline=late)
    second.all_traces[:] = [late.trace(signature=SHORT), late.trace(signature=LONG, start_ms=900, took_ms=90)]
    assert compared(first, second).is_alike, "nobody waited"
    found = compared(waits(first, (880, 1000)), waits(second, (190, 300)))
    assert [(odd.kind, odd.ranks, odd.others) for odd in found.odd] == [
        ("apart", (0,), (1,)),
        ("apart", (1,), (0,)),
    ]
    assert [odd.waited_s for odd in found.odd] == [(0.09, 0.09), (0.09, 0.09)]


def test_a_trace_that_takes_much_longer_is_told_with_what_the_caches_said():
    def with_cache(number, took_ms, hit):
        process = rank(number, SHORT, took_ms=took_ms)
        (trace,) = process.all_traces
        ended = dataclasses.replace(trace.ended, cache_hits=((hit, 1),))
        process.all_traces[:] = [dataclasses.replace(trace, ended=ended)]
        return process

    slow = with_cache(1, 3000, "fx_graph_miss")
    odd = the_odd(waits(with_cache(0, 200, "fx_graph_hit"), (310, 3000)), slow)
    assert (odd.kind, odd.ranks, odd.others) == ("slow", (1,), (0,))
    assert (odd.seconds, odd.others_seconds) == (3.0, 0.2)
    assert (odd.caches, odd.others_caches) == (("fx_graph_miss",), ("fx_graph_hit",))
    assert odd.waited_s == (2.69, 2.69)
    assert "compiler cache" in odd.advice


def test_a_trace_that_ends_otherwise_is_told():
    odd = the_odd(rank(0, SHORT), rank(1, SHORT, outcome=ev.Outcome.EAGER))
    assert (odd.kind, odd.outcome, odd.others_outcome) == ("outcome", "eager", "compiled")


def test_a_trace_without_a_reason_is_that_of_the_rank_that_has_one():
    """Where guards are a collective, a rank traces because another one has to."""
    of = function(framework=ev.Framework.TORCH_COMPILE)
    failed = ev.GuardFailure("0/0", "L['n'] == 3", "L['n']", "3", "4")
    held = ev.GuardFailure("0/0", "every guard holds")
    one, two = rank(0), rank(1)
    for process, failure in ((one, held), (two, failed)):
        timeline = Timeline()
        process.all_traces[:] = [
            timeline.trace(of),
            timeline.trace(of, guard_failures=(failure,), cached_count=1),
        ]
    assert compared(one, two).is_alike


def test_graphs_that_differ_are_told_with_the_line_and_sizes_do_not_count():
    def graph(*ops):
        sites = [
            ev.OpSite(f"n{at}", op, (f"n{at - 1}",) if at else (), f"float32[{size}]", FILE, 11 + at)
            for at, (op, size) in enumerate(ops)
        ]
        return ev.GraphMade(1, "func_graph", tuple(sites))

    usual, sized, other = (
        graph(("Mul", 4), ("Sum", 1)),
        graph(("Mul", 5), ("Sum", 1)),
        graph(("Mul", 4), ("Exp", 4), ("Sum", 1)),
    )
    ranks = [rank(number, SHORT, world_size=4) for number in range(4)]
    for process, made in zip(ranks, (usual, sized, other, usual), strict=True):
        process.all_graphs.append(made)
    found = compared(*ranks)
    (differs,) = found.graphs
    assert (differs.ranks, differs.others, differs.kind, differs.node) == ((2,), (0, 3), "other", 1)
    assert (differs.file, differs.line) == (FILE, 12)
    assert differs.message == "diverges at node 1: Sum (train.py:12) -> Exp (train.py:12)"
    assert found.odd == ()


def test_the_first_line_that_uses_an_input_is_no_difference_of_graphs():
    def graph(line):
        sites = (
            ev.OpSite("x", "placeholder", file=FILE, line=line),
            ev.OpSite("y", "Mul", ("x",), "", FILE, 12),
        )
        return ev.GraphMade(1, "dynamo", sites)

    ranks = [rank(number, SHORT) for number in range(2)]
    for process, line in zip(ranks, (12, 13), strict=True):
        process.all_graphs.append(graph(line))
    assert compared(*ranks).is_alike


def test_a_child_of_a_rank_and_a_process_without_a_rank_are_no_ranks():
    child = rank(1, SHORT, LONG)
    child.info = dataclasses.replace(child.info, rank_pid=101, pid=900)
    assert compared(rank(0, SHORT), rank(1, SHORT), child, Process()).is_alike
    assert compare_ranks(RUN, [Process(Timeline().trace() and [])]).generations == ()


def test_generations_are_compared_each_for_itself():
    report = compare_ranks(
        RUN,
        [
            rank(0, SHORT),
            rank(1, SHORT, LONG),
            rank(0, SHORT, generation=1),
            rank(1, SHORT, generation=1, world_size=2),
        ],
    )
    assert [(one.number, one.is_alike) for one in report.generations] == [(0, False), (1, True)]


def test_ranks_that_nothing_is_recorded_of_are_named():
    found = compared(rank(0, SHORT, world_size=4), rank(3, SHORT, world_size=4))
    assert found.missing == (1, 2)


def test_a_process_that_replaced_itself_is_one_rank():
    first, second = rank(1, SHORT), rank(1, timeline=Timeline())
    second.all_traces[:] = [Timeline().trace(function("other", 70), signature=SHORT, start_ms=300)]
    odd = the_odd(rank(0, SHORT), first, second)
    assert (odd.function.name, odd.ranks) == ("other", (1,))


def test_a_thousand_ranks_come_to_a_few_groups():
    odd_ones = {512, 700}
    found = compared(
        *(rank(n, SHORT, *([LONG] if n in odd_ones else []), world_size=1024) for n in range(1024))
    )
    (row, other) = found.functions[0].counts
    assert (row.traces, len(row.ranks), other.traces, other.ranks) == (1, 1022, 2, (512, 700))
    (odd,) = found.odd
    assert (odd.ranks, len(odd.others)) == ((512, 700), 1022)
    assert [len(one.ranks) for one in odd.causes[0].others] == [1022]
