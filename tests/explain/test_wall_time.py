"""The ledger of a process: it adds up, and what was recorded exactly wins over samples."""

from __future__ import annotations

from dataclasses import replace

import pytest
import shown

from recordings import CALL, PROCESS, RUN, Process, Ran, Run, Timeline
from tracedbg import events as ev
from tracedbg import ran
from tracedbg.explain import summarise

MS = 1_000_000


def seen(*totals, start_ms=0, **more):
    wall_ns = sum(total.wall_ns for total in totals if total.is_main)
    return ran.SamplesSeen(100, start_ms * MS, start_ms * MS + wall_ns, 0, totals, **more)


def ledger(*stretches, traces=(), info=PROCESS, run=RUN, ops=()):
    process = Process(list(traces), info, ran=Ran(list(ops), all_samples=list(stretches)))
    (found,) = summarise(Run(process, info=run)).ledgers
    return found


def shares(one):
    return {share.activity: round(share.seconds * 1e3) for share in one.shares}


def parts(one, activity):
    (share,) = [share for share in one.shares if share.activity == activity]
    return {part.name: round(part.seconds * 1e3) for part in share.parts}


def at_line(found, number):
    return next(line for line in found.lines if line.line == number)


def test_a_run_that_was_not_sampled_has_none():
    assert summarise(Run(Process())).ledgers == ()


def test_it_adds_up_to_the_wall_time_of_the_run():
    main, worker = summarise(shown.with_ledger()).ledgers
    assert main.seconds == RUN.wall_ns / 1e9
    assert sum(share.seconds for share in main.shares) == pytest.approx(main.seconds, abs=1e-9)
    assert (main.is_main, worker.is_main) == (True, False)
    assert worker.seconds == 1.0


def test_what_is_before_and_after_the_samples_is_start_and_end_and_our_own_work():
    found = ledger(
        seen(shown.sampled((12,), "python", 1000)),
        info=replace(PROCESS, started_wall_ns=PROCESS.started_wall_ns + 500 * MS, stopped_ns=1010 * MS),
    )
    assert shares(found) == {"startup": 500 + 4000 - 1510, "python": 1000, "overhead": 10}


def test_the_end_of_a_killed_process_is_unknown():
    found = ledger(seen(shown.sampled((12,), "python", 1000)))
    assert shares(found) == {"python": 1000, "unknown": 3000}
    assert found.shares[-1].activity == "unknown"
    assert found.unknown_share == 0.75


def test_a_gap_between_stretches_is_unknown():
    first = seen(shown.sampled((12,), "python", 1000))
    found = ledger(
        first, seen(shown.sampled((12,), "python", 500), start_ms=1200), run=replace(RUN, exit_code=None)
    )
    assert shares(found) == {"python": 1500, "unknown": 200}


def test_of_a_block_only_what_was_sampled_counts():
    found = ledger(seen(shown.sampled((12,), "python", 1000)), run=replace(RUN, exit_code=None))
    assert found.seconds == 1.0


def test_tracing_takes_what_was_recorded_from_what_was_sampled_at_its_line():
    found = ledger(
        seen(
            shown.sampled((CALL.line,), "tracing", 150, "tf.function"),
            shown.sampled((12, CALL.line), "python", 500),
            shown.sampled((13,), "python", 500),
        ),
        traces=[Timeline().trace(took_ms=250)],
        run=replace(RUN, exit_code=None),
    )
    assert shares(found) == {"python": 900, "tracing": 250}
    assert shares(at_line(found, 12)) == {"python": 400, "tracing": 100}
    assert shares(at_line(found, 13)) == {"python": 500}


def test_samples_of_tracing_beyond_what_was_recorded_are_python():
    found = ledger(
        seen(shown.sampled((CALL.line,), "tracing", 300, "tf.function")),
        traces=[Timeline().trace(took_ms=250)],
        run=replace(RUN, exit_code=None),
    )
    assert shares(found) == {"tracing": 250, "python": 50}


def test_recorded_phases_are_the_parts():
    trace = Timeline().trace(took_ms=1000)
    spans = (
        ev.PhaseSpan(1, "dynamo", 100 * MS, 1000 * MS),
        ev.PhaseSpan(1, "aot", 200 * MS, 800 * MS),
        ev.PhaseSpan(1, "backend", 300 * MS, 600 * MS),
    )
    found = ledger(
        seen(
            shown.sampled((CALL.line,), "tracing", 300, "Dynamo"),
            shown.sampled((CALL.line,), "compiling", 700, "Inductor"),
            shown.sampled((CALL.line,), "imports", 500),
        ),
        traces=[replace(trace, phases=spans)],
        run=replace(RUN, exit_code=None),
    )
    assert shares(found) == {"compiling": 800, "imports": 500, "tracing": 200}
    assert parts(found, "tracing") == {"dynamo": 200}
    assert parts(found, "compiling") == {"backend": 600, "aot": 200}


def test_traces_of_other_threads_change_nothing():
    trace = Timeline().trace(took_ms=250)
    other = replace(trace, started=replace(trace.started, thread_id=99))
    found = ledger(
        seen(shown.sampled((CALL.line,), "python", 300)), traces=[other], run=replace(RUN, exit_code=None)
    )
    assert shares(found) == {"python": 300}


def test_more_recorded_than_sampled_takes_no_time_from_elsewhere():
    found = ledger(
        seen(shown.sampled((CALL.line,), "python", 100), shown.sampled((13,), "python", 100)),
        traces=[Timeline().trace(took_ms=250)],
        run=replace(RUN, exit_code=None),
    )
    assert shares(found) == {"tracing": 100, "python": 100}


def test_recorded_ops_tell_a_lines_ops_from_its_python():
    total = shown.total(shown.op("aten::mm", "", 12), 10, 300_000)
    inner = shown.total(shown.op("aten::add", "", 12, is_outer=False), 10, 300_000)
    found = ledger(
        seen(shown.sampled((12,), "eager_ops", 450), shown.sampled((12,), "python", 50)),
        ops=[ran.OpsSeen("RecordFunction", (total, inner))],
        run=replace(RUN, exit_code=None),
    )
    assert shares(found) == {"eager_ops": 300, "python": 200}


def test_ops_take_no_more_than_their_line_has():
    total = shown.total(shown.op("aten::mm", "", 12), 10, 900_000)
    found = ledger(
        seen(shown.sampled((12,), "python", 200), shown.sampled((12,), "waiting", 200)),
        ops=[ran.OpsSeen("RecordFunction", (total,))],
        run=replace(RUN, exit_code=None),
    )
    assert shares(found) == {"eager_ops": 200, "waiting": 200}


def test_an_activity_of_a_later_version_is_unknown():
    found = ledger(seen(shown.sampled((12,), "dreaming", 200)), run=replace(RUN, exit_code=None))
    assert shares(found) == {"unknown": 200}


def test_the_first_rank_is_the_main_process_and_the_launcher_is_not():
    def of(pid, ppid, rank):
        info = replace(PROCESS, pid=pid, ppid=ppid, rank=rank)
        return Process(info=info, ran=Ran(all_samples=[seen(shown.sampled((12,), "python", 100 * pid))]))

    found = summarise(Run(of(1, 0, None), of(2, 1, 1), of(3, 1, 0))).ledgers
    assert [(one.pid, one.rank, one.is_main) for one in found] == [
        (3, 0, True),
        (1, None, False),
        (2, 1, False),
    ]
    assert found[0].seconds == pytest.approx(0.3)
