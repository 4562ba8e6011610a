"""A recorded run as what formats are made of: kernels, traces with their phases, and stops, on one clock.

Starts are nanoseconds since the epoch: profilers and recordings agree on them to a fraction of a millisecond.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.explain.kernels import Explained
from tracedbg.explain.kernels.attribute import Attribution
from tracedbg.kernels import CallFrame, Kind, Timeline
from tracedbg.report.kernel_export.slices import Slice, Track, line_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracedbg.events import Frame, Stopped, Traceable
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


def stops_of(run: Run) -> list[Track]:
    """A track of each thread that the debugger has stopped."""
    found: dict[tuple[int, int], Track] = {}
    for process in run.processes:
        name, began_ns = f"process {process.info.pid}", process.info.started_wall_ns
        for stop in process.stops():
            new = Track(name, f"{name}, stops of thread {stop.thread_id}")
            track = found.setdefault((process.info.pid, stop.thread_id), new)
            track.slices.append(_stop_slice(stop, began_ns))
    return list(found.values())


def _stop_slice(stop: Stopped, began_ns: int) -> Slice:
    line, stack = _called(stop.frame), tuple(map(_called, stop.stack))
    arguments = {
        "line": line_text(line),
        "op": stop.op,
        "graph": stop.graph or "none: eager code",
        "pass": "backward" if stop.is_backward else "",
        "found": stop.text,
        "stack": " < ".join(map(line_text, stack)),
    }
    filled = {name: text for name, text in arguments.items() if text}
    duration_ns = stop.end_ns - stop.start_ns
    return Slice(f"stop: {stop.reason}", began_ns + stop.start_ns, duration_ns, "stop", filled, line, stack)


def _called(frame: Frame) -> CallFrame:
    return CallFrame(frame.file, frame.line, frame.function, is_exact=True)


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
            _defined(started.traceable),
        )
        for span in trace.phases:
            line = _defined(started.traceable)
            where = {"line": line_text(line)}
            yield Slice(span.name, began_ns + span.start_ns, span.duration_ns, "phase", where, line)


def _defined(of: Traceable) -> CallFrame:
    return CallFrame(of.file, of.line, of.name)


def _arguments(trace: TraceRecord) -> dict[str, str]:
    started, ended = trace.started, trace.ended
    called = started.call_stack[0] if started.call_stack else None
    filled = {
        "line": line_text(_defined(started.traceable)),
        "called at": line_text(_called(called)) if called else "",
        "framework": started.traceable.framework.value,
        "label": started.label,
        "role": started.role.value,
        "outcome": ended.outcome.value if ended else "under way",
        "ops": str(ended.op_count) if ended and ended.op_count is not None else "",
        "error": ended.error if ended else "",
    }
    return {name: text for name, text in filled.items() if text}
