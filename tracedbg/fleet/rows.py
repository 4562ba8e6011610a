"""The rows of a dataset, from the recording of one process: why traces happened, and what they met.

It must not know Parquet. Each function gives the rows of one table, in the order of its columns.
"""

from __future__ import annotations

import hashlib
import zlib
from collections import defaultdict
from dataclasses import fields
from typing import TYPE_CHECKING, Any, NamedTuple

from tracedbg.errors import DamagedRunError
from tracedbg.events import MappingSpec, ObjectSpec, OpaqueSpec, SequenceSpec, TensorSpec, ValueSpec
from tracedbg.explain.advice import advise
from tracedbg.explain.causes import Explainer, is_retrace
from tracedbg.explain.messages import sentence
from tracedbg.explain.phases import Phases
from tracedbg.explain.signatures import parts
from tracedbg.identity import Identity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tracedbg.events import Frame, GuardFailure, Signature, Spec, Traceable
    from tracedbg.explain.situation import Situation
    from tracedbg.store.reader import ProcessRecording
    from tracedbg.store.records import ProcessInfo, TraceRecord
    from tracedbg.store.run_info import RunInfo

Row = tuple[Any, ...]
FrameRow = tuple[str, int, str]


class Explained(NamedTuple):
    """A trace of the process, with why it happened."""

    record: TraceRecord
    children: Sequence[TraceRecord]
    situations: tuple[Situation, ...]


def explain(process: ProcessRecording, info: ProcessInfo) -> list[Explained]:
    """All traces of a process, in the order of their starts."""
    explainer = Explainer(info.versions)
    traces = process.traces()
    children: defaultdict[int, list[TraceRecord]] = defaultdict(list)
    for trace in traces:
        if trace.started.parent_id is not None:
            children[trace.started.parent_id].append(trace)
    return [Explained(one, children[one.started.id], explainer.next_situations(one)) for one in traces]


def run_row(run: RunInfo) -> Row:
    """See the table `run`."""
    return (
        run.argv,
        run.cwd or None,
        run.started_wall_ns,
        run.wall_ns,
        run.exit_code,
        run.signal,
        run.tracedbg,
    )


def process_row(info: ProcessInfo) -> Row:
    """See the table `process`."""
    identity = Identity(**{field.name: getattr(info, field.name) for field in fields(Identity)})
    return (
        info.pid,
        info.ppid,
        info.host,
        info.argv,
        info.python,
        sorted(info.versions.items()),
        info.started_wall_ns,
        None if info.stopped_ns is None else info.started_wall_ns + info.stopped_ns,
        info.recording_error or None,
        info.is_rank,
        identity.rank_pid,
        identity.local_rank,
        identity.world_size,
        identity.node,
        identity.job or None,
        identity.launcher or None,
        identity.task or None,
        identity.generation,
    )


def function_of(traceable: Traceable) -> Row:
    """The columns that name a function."""
    return (traceable.framework.value, traceable.name, traceable.file, traceable.line)


def traceable_rows(found: Iterable[tuple[int, Traceable]]) -> Iterator[Row]:
    """See the table `traceable`."""
    for number, one in found:
        yield (
            number,
            *function_of(one),
            one.object_id,
            one.owner or None,
            one.is_user,
            None if one.created_at is None else frame(one.created_at),
        )


def trace_rows(traces: Iterable[Explained], began_ns: int) -> Iterator[Row]:
    """See the table `trace`."""
    for record, children, situations in traces:
        started, ended, traceable = record.started, record.ended, record.started.traceable
        nested_ns = sum(child.duration_ns for child in children)
        phases = Phases()
        phases.add(record, children)
        spent: defaultdict[str, int] = defaultdict(int)
        for (name, _), own_ns in phases.spent_ns.items():
            spent[name] += own_ns
        difference = situations[0].difference
        yield (
            started.id,
            started.parent_id,
            *function_of(traceable),
            traceable.owner or None,
            traceable.is_user,
            traceable.object_id,
            started.role.value,
            (ended.label if ended else "") or started.label,
            started.thread_id,
            began_ns + started.start_ns,
            None if ended is None else record.duration_ns,
            None if ended is None else max(record.duration_ns - nested_ns, 0),
            None if ended is None else ended.outcome.value,
            (ended.error if ended else "") or None,
            is_retrace(record, situations),
            all(situation.settled for situation in situations),
            difference.kind.value,
            difference.argument or None,
            difference.before or None,
            difference.after or None,
            sorted(spent.items()),
            sorted(phases.caches.items()),
            ended.op_count if ended else None,
            started.cached_count,
            arguments(started.signature),
            list(started.signature.context) if started.signature else None,
            ended.symbolic if ended else (),
            list(started.options),
            list(started.inputs),
            stack(started.call_stack),
        )


def cause_rows(traces: Iterable[Explained]) -> Iterator[Row]:
    """See the table `cause`."""
    for record, _, situations in traces:
        for position, situation in enumerate(situations):
            difference = situation.difference
            file, line = situation.place
            yield (
                record.started.id,
                position,
                difference.kind.value,
                difference.argument or None,
                difference.before or None,
                difference.after or None,
                file,
                line,
                sentence(difference),
                advise(situation) or None,
                situation.settled,
            )


def guard_rows(traces: Iterable[Explained], process: ProcessRecording) -> Iterator[Row]:
    """See the table `guard_failure`."""
    for record, _, _ in traces:
        for position, failure in enumerate(record.started.guard_failures):
            yield (record.started.id, None, position, *_guard(failure))
    for number, fallback in enumerate(process.fallbacks()):
        for position, failure in enumerate(fallback.guard_failures):
            yield (None, number, position, *_guard(failure))


def _guard(failure: GuardFailure) -> Row:
    return (
        failure.entry,
        failure.guard,
        failure.source or None,
        failure.before or None,
        failure.now or None,
        None if failure.user_frame is None else frame(failure.user_frame),
        failure.fixed,
    )


def phase_rows(traces: Iterable[Explained], began_ns: int) -> Iterator[Row]:
    """See the table `phase`."""
    for record, _, _ in traces:
        for span in record.phases:
            yield (span.trace_id, span.name, began_ns + span.start_ns, span.duration_ns)


def graph_rows(process: ProcessRecording) -> Iterator[Row]:
    """See the table `graph`."""
    for info, graph in zip(process.graph_infos(), process.packed_graphs(), strict=False):
        try:
            nodes = zlib.decompress(graph.sites)
        except zlib.error as error:
            raise DamagedRunError(f"cannot read {process.path}: {error}") from error
        yield (info.trace_id, info.stage, info.op_count, hashlib.sha256(nodes).hexdigest()[:16])


def conversion_rows(process: ProcessRecording) -> Iterator[Row]:
    """See the table `conversion`."""
    for one in process.conversions():
        yield (one.trace_id, one.function, one.file, one.line, one.duration_ns, one.failure or None)


def construct_rows(process: ProcessRecording) -> Iterator[Row]:
    """See the table `construct`."""
    for one in process.constructs():
        yield (one.trace_id, one.function, one.file, one.line, one.kind, one.became)


def break_rows(process: ProcessRecording) -> Iterator[Row]:
    """See the table `graph_break`."""
    for one in process.breaks():
        yield (
            one.trace_id,
            one.function.owner or one.function.name,
            one.code or None,
            one.kind,
            one.reason,
            one.frame.file,
            one.frame.line,
            one.ran_eager or None,
            stack(one.stack),
        )


def fallback_rows(process: ProcessRecording, began_ns: int) -> Iterator[Row]:
    """See the table `fallback`."""
    for position, one in enumerate(process.fallbacks()):
        yield (
            position,
            *function_of(one.function),
            one.function.owner or None,
            one.kind,
            one.reason,
            began_ns + one.time_ns,
            stack(one.call_stack),
        )


def stale_rows(process: ProcessRecording, began_ns: int) -> Iterator[Row]:
    """See the table `stale`."""
    for one in process.stale():
        place = (one.frame.file, one.frame.line, one.then, one.now or None)
        yield (one.trace_id, one.function.name, one.kind, one.name, *place, began_ns + one.time_ns)


def calls_rows(process: ProcessRecording) -> Iterator[Row]:
    """See the table `calls`."""
    for one in process.calls():
        yield (*function_of(one.function), one.compiled, one.eager, one.first_eager_call)


def fault_rows(process: ProcessRecording, began_ns: int) -> Iterator[Row]:
    """See the table `fault`."""
    for one in process.faults():
        yield (one.where, one.message, began_ns + one.time_ns)


def tally_rows(process: ProcessRecording) -> Iterator[Row]:
    """See the table `tally`."""
    for one in process.tallies():
        yield (*one.function_key, one.traces, one.retraces, one.duration_ns, one.graph_breaks)


def stop_rows(process: ProcessRecording, began_ns: int) -> Iterator[Row]:
    """See the table `stop`."""
    for one in process.stops():
        yield (
            one.reason,
            *frame(one.frame),
            stack(one.stack),
            one.op or None,
            one.graph or None,
            one.is_backward,
            one.text or None,
            one.thread_id,
            began_ns + one.start_ns,
            one.end_ns - one.start_ns,
        )


def frame(of: Frame) -> FrameRow:
    """A value of type frame."""
    return (of.file, of.line, of.function)


def stack(frames: Iterable[Frame]) -> list[FrameRow]:
    """A value of type stack."""
    return [frame(one) for one in frames]


def arguments(signature: Signature | None) -> list[Row] | None:
    """A value of type arguments: each part of a signature that has no parts of its own."""
    if signature is None:
        return None
    return [(path, *_leaf(spec)) for path, spec in parts(signature) if not getattr(spec, "items", ())]


def _leaf(spec: Spec) -> Row:
    """Its kind, type, dtype, shape and text."""
    match spec:
        case TensorSpec():
            return ("tensor", spec.type_name, spec.dtype, spec.shape, None)
        case ValueSpec():
            return ("value", spec.type_name, None, None, spec.text)
        case ObjectSpec():
            return ("object", spec.type_name, None, None, spec.text or None)
        case OpaqueSpec():
            return ("opaque", spec.type_name, None, None, spec.text)
        case SequenceSpec() | MappingSpec():
            return ("empty", spec.type_name, None, None, None)
