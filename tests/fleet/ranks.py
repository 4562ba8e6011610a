"""A run of twenty ranks, made from two recordings as the benchmark makes one of a thousand."""

from __future__ import annotations

import dataclasses

from benchmarks.fleet import make_run

from recordings import CALL, Timeline, function, signature, tensor, value
from tracedbg import events as ev
from tracedbg import ran
from tui.recorded import TORCH, Written, events_of

RANKS, ODD_EVERY = 20, 7
ODD = (6, 13)
"""Ranks that have traced `step` once more."""
STEP, EVALUATE = function("step", 10, TORCH), function("evaluate", 50, TORCH)
RESUME = function("torch_dynamo_resume_in_evaluate_at_52", 52, TORCH, owner="evaluate")


def write_base(folder, *, is_odd):
    """A recording of one rank; its database."""
    written = Written(folder)
    writer = written.process(rank=0)
    timeline = Timeline()
    calls = [(STEP, {"n": value(1)}), (STEP, {"n": value(2)}), (EVALUATE, {}), (RESUME, {})]
    calls += [(STEP, {"n": value(2), "x": tensor(3)})] if is_odd else []
    for number, (of, arguments) in enumerate(calls):
        role = ev.Role.RESUME if of.owner else ev.Role.FORWARD
        trace = timeline.trace(
            of, signature(**{"x": tensor(8), **arguments}), role=role, took_ms=10 * (number + 1)
        )
        phase = ev.PhaseSpan(trace.started.id, "dynamo", trace.started.start_ns, 5_000_000)
        writer.write(list(events_of(dataclasses.replace(trace, phases=(phase,)))))
    failed = timeline.trace(EVALUATE, signature(), outcome=ev.Outcome.FAILED)
    writer.write(list(events_of(failed)))
    op = ran.OpKind("torch", "aten::mm", "float32[2]", (CALL,))
    totals = (
        ran.SampleTotal((CALL,), "python", "", 1, True, 30, 3_000_000_000, 0),
        ran.SampleTotal((CALL,), "eager_ops", "", 1, True, 10, 1_000_000_000, 0),
    )
    writer.write(
        [
            ev.FrameworkSeen("torch", "2.13.0"),
            ev.GraphBreak("GB0170", "branching", "an if", ev.Frame(STEP.file, 52), EVALUATE),
            ev.Fallback(STEP, "recompile_limit", "limit", 0),
            ran.OpsSeen("RecordFunction", (ran.OpTotal(op, 1, 3, 300, 300, 100),)),
            ran.SamplesSeen(100, 0, 4_000_000_000, 10, totals),
        ]
        + ([ev.Fault("torch_compile.guards", "KeyError: 'x'", 5)] if is_odd else [])
    )
    written.finish()
    return writer.path


def write_fleet(folder):
    """The run of twenty ranks; its folder."""
    usual, odd = (write_base(folder / name, is_odd=name == "odd") for name in ("usual", "odd"))
    make_run(folder / "run", usual, odd, RANKS, odd_every=ODD_EVERY)
    return folder / "run"
