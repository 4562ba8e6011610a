"""A recorded run as what formats are made of: its kernels, and its traces with their phases, on one clock.

Starts are nanoseconds since the epoch: profilers and recordings agree on them to a fraction of a millisecond.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.explain.kernels import Explained
from tracedbg.explain.kernels.attribute import Attribution
from tracedbg.kernels import Kind, Timeline
from tracedbg.report.kernel_export.slices import Slice, Track

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracedbg.explain.kernels import View
    from tracedbg.store.reader import ProcessRecording, Run
    from tracedbg.store.records import TraceRecord


def kernels_of(run: Run, view: View) -> list[Explained]:
    """The kernels of each window that a profiler has seen, with their lines."""
    found = []
    for process in run.processes:
        for seen in process.kernel_windows():
            if not seen.kernels:
                continue
            timeline = Timeline(f"process {process.info.pid}", seen.profiler, kernels=list(seen.kernels))
            attribution = Attribution(timeline, view)
            kernels = [attribution.of(kernel) for kernel in seen.kernels]
            is_host_time = all(kernel.kind is Kind.HOST_OP for kernel in seen.kernels)
            found.append(Explained(timeline, kernels, attribution, is_host_time=is_host_time))
    return found


def traces_of(run: Run) -> list[Track]:
    """A track of each process that has traced something."""
    found = []
    for process in run.processes:
        slices = list(_slices(process))
        if slices:
            name = f"process {process.info.pid}"
            found.append(Track(name, f"{name}, tracing and compiling", slices))
    return found


def _slices(process: ProcessRecording) -> Iterator[Slice]:
    began_ns = process.info.started_wall_ns
    for trace in process.traces():
        started = trace.started
        yield Slice(
            f"trace {started.traceable.name}",
            began_ns + started.start_ns,
            trace.duration_ns,
            "trace",
            _arguments(trace),
        )
        for span in trace.phases:
            where = {"line": f"{started.traceable.file}:{started.traceable.line} {started.traceable.name}"}
            yield Slice(span.name, began_ns + span.start_ns, span.duration_ns, "phase", where)


def _arguments(trace: TraceRecord) -> dict[str, str]:
    started, ended = trace.started, trace.ended
    of = started.traceable
    called = started.call_stack[0] if started.call_stack else None
    filled = {
        "line": f"{of.file}:{of.line} {of.name}",
        "called at": f"{called.file}:{called.line} {called.function}" if called else "",
        "framework": of.framework.value,
        "label": started.label,
        "role": started.role.value,
        "outcome": ended.outcome.value if ended else "under way",
        "ops": str(ended.op_count) if ended and ended.op_count is not None else "",
        "error": ended.error if ended else "",
    }
    return {name: text for name, text in filled.items() if text}
