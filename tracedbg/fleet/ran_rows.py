"""The rows of a dataset, from the recording of one process: ops, steps, samples and kernels.

It must not know Parquet. Each function gives the rows of one table, in the order of its columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.explain.kernels.attribute import Attribution
from tracedbg.fleet.rows import frame, function_of, stack
from tracedbg.kernels import Timeline

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tracedbg.events import Frame
    from tracedbg.explain.kernels import View
    from tracedbg.explain.ledger import Ledger
    from tracedbg.fleet.rows import FrameRow, Row
    from tracedbg.kernels import CallFrame
    from tracedbg.ran import OpsSeen, SamplesSeen, StepGraph, StepsSeen
    from tracedbg.store.reader import ProcessRecording

_NOWHERE = (None, None, None)


def op_total_rows(seen: Iterable[OpsSeen]) -> Iterator[Row]:
    """See the table `op_total`."""
    for one in seen:
        for total in one.totals:
            kind = total.kind
            yield (
                kind.framework,
                kind.name,
                kind.inputs,
                *_innermost(kind.stack),
                stack(kind.stack),
                kind.is_backward,
                kind.is_traced,
                kind.is_outer,
                kind.sync or None,
                total.thread_id,
                total.count,
                total.duration_ns,
                total.self_ns,
                total.longest_ns,
            )


def op_rows(process: ProcessRecording, began_ns: int) -> Iterator[Row]:
    """See the table `op`: there may be a million of them."""
    for rows in process.ran.op_rows():
        kinds = [
            (kind.framework, kind.name, kind.inputs, *_innermost(kind.stack), kind.is_backward)
            for kind in rows.kinds
        ]
        for number, thread, start_ns, duration_ns in zip(
            rows.kind, rows.thread_id, rows.start_ns, rows.duration_ns, strict=True
        ):
            yield (*kinds[number], thread, began_ns + start_ns, duration_ns)


def step_rows(seen: Iterable[StepsSeen], graphs: Iterable[StepGraph]) -> Iterator[Row]:
    """See the table `step`."""
    kept = [(one.function, one.kind) for one in graphs]
    for one in seen:
        changes = sum(change.count for change in one.changes)
        same = kept.count((one.function, one.kind))
        yield (*function_of(one.function), one.kind, one.steps, one.looked_at, changes, same)


def step_change_rows(seen: Iterable[StepsSeen]) -> Iterator[Row]:
    """See the table `step_change`."""
    for one in seen:
        for change in one.changes:
            what = (change.before, change.after, change.count, change.step)
            yield (*function_of(one.function), one.kind, *what)


def step_line_rows(seen: Iterable[StepsSeen]) -> Iterator[Row]:
    """See the table `step_line`."""
    for one in seen:
        for line in one.lines:
            yield (*frame(line.frame), line.nodes, line.backward_ns, line.saved_bytes)


def sample_rows(seen: Iterable[SamplesSeen]) -> Iterator[Row]:
    """See the table `sample`."""
    for one in seen:
        for total in one.totals:
            yield (
                *_innermost(total.stack),
                stack(total.stack),
                total.activity,
                total.phase or None,
                total.thread_id,
                total.is_main,
                total.count,
                total.wall_ns,
                total.cpu_ns,
            )


def stay_rows(process: ProcessRecording, began_ns: int) -> Iterator[Row]:
    """See the table `stay`."""
    for one in process.ran.stays():
        yield (
            *_innermost(one.stack),
            stack(one.stack),
            one.activity,
            one.phase or None,
            began_ns + one.start_ns,
            one.end_ns - one.start_ns,
            one.cpu_ns,
        )


def ledger_rows(ledger: Ledger | None) -> Iterator[Row]:
    """See the table `ledger`."""
    for share in ledger.shares if ledger else ():
        yield (share.activity, round(share.seconds * 1e9))


def kernel_rows(process: ProcessRecording, view: View) -> Iterator[Row]:
    """See the table `kernel`: a window at a time."""
    for seen in process.kernel_windows():
        attribution = Attribution(Timeline("", seen.profiler, kernels=list(seen.kernels)), view)
        for kernel in seen.kernels:
            found = attribution.of(kernel)
            yield (
                seen.profiler,
                kernel.device,
                kernel.stream,
                kernel.start_ns,
                found.duration_ns,
                kernel.name,
                kernel.kind.value,
                found.op or None,
                *(_called(found.lines[0]) if found.lines else _NOWHERE),
                [_called(line) for line in found.lines],
                [_called(one) for one in found.frames if one.file],
                found.whose.value,
                found.rule.value,
                found.is_backward,
                found.is_inferred,
            )


def _innermost(frames: tuple[Frame, ...]) -> FrameRow | tuple[None, None, None]:
    return frame(frames[0]) if frames else _NOWHERE


def _called(one: CallFrame) -> FrameRow:
    return (one.file, one.line, one.function)
