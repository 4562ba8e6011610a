"""Pages of the runs that the other reports are tested with, and what they are made of."""

from __future__ import annotations

from dataclasses import replace

import shown

from recordings import FILE, PROCESS, RUN, Process, Run, Timeline, function, signature, tensor, value
from tracedbg import events as ev
from tracedbg.explain import summarise
from tracedbg.explain.detail import detail_of
from tracedbg.report.html.report import to_html

SOURCE = "".join(f"line {number} of the program  # <b>&amp;\n" for number in range(1, 80))
GENERATED = """\
def outer_factory():
    def inner_factory(ag__):
        def tf__step(x):
            with ag__.FunctionScope('step', 'fscope') as fscope:
                do_return = False
                if x > 0 and '</code></pre><script>':
                    y = 1
                return y
        return tf__step
    return inner_factory
"""
CONVERSION = ev.Conversion(
    "step", FILE, 10, 2_000_000, "@tf.function\ndef step(x):\n    if x > 0:\n        y = 1\n    return y\n",
    GENERATED, ((11, 3), (11, 4), (12, 6), (13, 7), (14, 8)),
)  # fmt: skip
RUNS = {
    "example": shown.example, "healthy": shown.healthy, "nothing": shown.nothing, "broken": shown.broken,
    "timed": shown.timed, "stepped": shown.stepped, "with_ops": shown.with_ops, "with_ledger": shown.with_ledger,
    "with_ranks": shown.with_ranks,
}  # fmt: skip


def detail(run):
    return detail_of(run, summarise(run))


def page(run):
    return to_html(detail(run))


def converted():
    """A function of AutoGraph's with its text."""
    return Run(
        Process(
            [Timeline().trace()],
            all_conversions=[CONVERSION],
            all_constructs=[ev.Construct(FILE, 12, "if", "cond", "step")],
        )
    )


def every():
    """Every section that a page may have, in one run."""
    process = shown.example().processes[0]
    others = (shown.timed(), shown.stepped(), shown.with_ops(), shown.with_ledger())
    process.all_conversions.append(CONVERSION)
    for other in others:
        more = other.processes[0]
        process.all_kernel_windows += more.all_kernel_windows
        process.ran.all_ops += more.ran.all_ops
        process.ran.all_steps += more.ran.all_steps
        process.ran.all_step_graphs += more.ran.all_step_graphs
        process.ran.all_samples += more.ran.all_samples
    process.all_faults.append(ev.Fault("tf_function.traces", "KeyError: 'x'", 0))
    return Run(process, *shown.with_ranks().processes)


def huge(number=20_000):
    """A run of so many functions, each with a cause, a break and a stale trace, and as many stacks and lines."""
    traces, breaks, stale, totals, ops = [], [], [], [], []
    timeline = Timeline()
    for at in range(number):
        of = function(f"function_{at}", at + 1, ev.Framework.TORCH_COMPILE)
        frame = ev.Frame(FILE, at + 1, of.name)
        failure = ev.GuardFailure("0/0", "L['n'] == 1", "L['n']", "1", str(at))
        traces.append(timeline.trace(of, signature(x=tensor(3), n=value(0))))
        traces.append(
            timeline.trace(of, signature(x=tensor(3), n=value(at)), guard_failures=(failure,), cached_count=1)
        )
        breaks.append(ev.GraphBreak("GB1", "a kind", "why " * 100, frame, of))
        stale.append(ev.Stale(of, "global", "scale", frame, "1", "2" * 100, 0, at))
        totals.append(shown.sampled((at + 1, 30), "python", 10))
        ops.append(shown.total(shown.op(f"aten::op{at}", "float32[3]", at + 1), 20, 1000 + at))
    process = Process(traces, all_breaks=breaks, all_stale=stale)
    process.ran.all_samples.append(shown.ran.SamplesSeen(100, 0, 10_000_000 * number, 0, tuple(totals)))
    process.ran.all_ops.append(shown.ran.OpsSeen("RecordFunction", tuple(ops)))
    return Run(process)


def with_source(run, folder):
    """The run with its program in a folder, written before it began."""
    path = folder / "train.py"
    path.write_text(SOURCE)
    return moved(run, str(path))


def moved(run, path):
    """The run with the events of `train.py` in another file."""
    for process in run.processes:
        process.all_traces = [
            replace(
                record,
                started=replace(
                    record.started,
                    traceable=replace(record.started.traceable, file=path),
                    call_stack=tuple(replace(frame, file=path) for frame in record.started.call_stack),
                ),
            )
            for record in process.all_traces
        ]
    return run


__all__ = ["PROCESS", "RUN"]
