"""A trace of a `tf.function`, from TensorFlow's decision to the finished graph.

TensorFlow enters a span of its profiler around each trace. That span is ours while we are attached, so
we run before and after, and no frame of ours is on the stack in between: none shows up in an op's
traceback, an exception's, or AutoGraph's error messages.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_common import _compat, running
from tracedbg.adapters.tf_common.stack import caller
from tracedbg.adapters.tf_function.graphs import sites
from tracedbg.adapters.tf_function.stale import StaleTraces
from tracedbg.adapters.tf_function.subjects import is_dataset
from tracedbg.events import GraphMade, Outcome, PhaseSpan, Role, TraceEnded, TraceStarted

if TYPE_CHECKING:
    from types import FrameType, TracebackType

    from tracedbg.adapters.tf_common.stack import UserStack
    from tracedbg.adapters.tf_function.first_run import FirstRuns
    from tracedbg.adapters.tf_function.signature import SignatureReader
    from tracedbg.adapters.tf_function.subjects import Subject, Subjects
    from tracedbg.events import Signature
    from tracedbg.hooks import Hooks

_SPAN = "tf.function-graph_building"
_XLA = "_XlaMustCompile"
MAX_ERROR = 2000
_FOLLOWED = (Role.FORWARD, Role.VARIABLE_CREATION)


class Tracer:
    """Reports traces."""

    def __init__(
        self,
        hooks: Hooks,
        subjects: Subjects,
        stack: UserStack,
        reader: SignatureReader | None,
        first_runs: FirstRuns,
    ) -> None:
        self._hooks = hooks
        self._sink = hooks.sink
        self._subjects = subjects
        self._stack = stack
        self._reader = reader
        self._first_runs = first_runs
        self._stale = StaleTraces(hooks)

    def install(self) -> None:
        """Install the hook."""
        _compat.substitute(self._hooks, _compat.TRACE_SPAN, _Profiler(_compat.TRACE_SPAN.get(), self))

    def start(self) -> _Traced | None:
        """TensorFlow is about to trace, in `_maybe_define_function`."""
        return self._hooks.safely("traces", self._start)

    def end(self, traced: _Traced, error: BaseException | None) -> None:
        """It is done with what `start` gave."""
        running.pop(traced.open)
        self._hooks.safely("traces", self._end, traced, error)

    def _start(self) -> _Traced:
        frame = caller()
        found = _locals(frame)
        options = found["tracing_options"]
        subject = self._subjects.of(options)
        traceable = subject.traceable
        assert traceable is not None  # noqa: S101  `of` fills it in
        scope = options.scope_type.name
        role = subject.role(scope, is_dataset=is_dataset(options), is_internal=_is_initializer(options))
        signature = self._signature(found, "lookup_func_type", options, subject)
        parent = running.innermost(frame)
        cache = options.function_cache
        call_stack = self._hooks.safely("call_stack", self._stack.frames, frame, default=())
        trace = running.OpenTrace(
            self._sink.new_id(),
            self._sink.now_ns(),
            options.name,
            call_line=call_stack[0] if call_stack else None,
        )
        self._sink.emit(
            TraceStarted(
                trace.id,
                traceable,
                trace.start_ns,
                threading.get_ident(),
                role,
                None if parent is None else parent.id,
                options.name,
                signature,
                cached_count=0 if cache is None else len(cache),
                call_stack=call_stack,
                options=_options(options),
            )
        )
        self._sink.flush()
        if role in _FOLLOWED and not _is_initializer(options):
            self._hooks.safely("stale", self._stale.begin, trace, options, found)
        running.push(trace)
        return _Traced(trace, subject, options, signature)

    def _signature(
        self, found: dict[str, Any], which: str, options: Any, subject: Subject
    ) -> Signature | None:
        reader = self._reader
        if reader is None:
            return None

        def read() -> Signature:
            context = found["current_func_context"]
            return reader.read(found[which], context, options.polymorphic_type, subject.leaves)

        return self._hooks.safely("signature", read)

    def _end(self, traced: _Traced, error: BaseException | None) -> None:
        trace, sink = traced.open, self._sink
        end_ns = sink.now_ns()
        for say in trace.before_end:
            say()
        sink.emit(PhaseSpan(trace.id, "trace", trace.start_ns, end_ns - trace.start_ns))
        for start_ns, duration_ns in trace.conversions:
            sink.emit(PhaseSpan(trace.id, "autograph", start_ns, duration_ns))
        if error is not None:
            message = f"{type(error).__name__}: {error}"[:MAX_ERROR]
            sink.emit(TraceEnded(trace.id, end_ns, Outcome.FAILED, message))
            return
        found = _locals(caller())
        concrete = found["concrete_function"]
        graph = concrete.graph
        self._first_runs.expect(concrete._inference_function, trace.id)
        options, subject = traced.options, traced.subject
        subject.compiled(options.scope_type.name)
        assert subject.traceable is not None  # noqa: S101  filled in at the start
        self._subjects.keep_graph(graph, subject.traceable)
        ops = graph.get_operations()
        made = self._hooks.safely("graphs", sites, graph, trace.op_lines)
        if made is not None:
            sink.emit(GraphMade(trace.id, "func_graph", made))
        self._hooks.safely("stale", self._stale.end, trace, subject.traceable, options, concrete)
        general = None
        if options.reduce_retracing:
            general = self._signature(found, "target_func_type", options, subject)
        sink.emit(
            TraceEnded(
                trace.id,
                end_ns,
                Outcome.COMPILED,
                op_count=len(ops),
                label=_text(concrete.name),
                traced_signature=None if general == traced.signature else general,
            )
        )


class _Traced:
    """What `Tracer` has to know at the end of a trace."""

    __slots__ = ("open", "options", "signature", "subject")

    def __init__(
        self, trace: running.OpenTrace, subject: Subject, options: Any, signature: Signature | None
    ) -> None:
        self.open = trace
        self.subject = subject
        self.options = options
        self.signature = signature


class _Profiler:
    """Stands in for the module `tensorflow.python.profiler.trace` in `tracing_compilation`."""

    def __init__(self, original: Any, tracer: Tracer) -> None:
        self._original = original
        self._tracer = tracer
        self.__tracedbg__ = "tf_function"

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)

    def Trace(self, name: str, **kwargs: Any) -> Any:  # noqa: N802  TensorFlow's name
        span = self._original.Trace(name, **kwargs)
        return _Span(span, self._tracer) if name == _SPAN else span


class _Span:
    """TensorFlow's span around one trace, and ours around that."""

    __slots__ = ("_span", "_traced", "_tracer")

    def __init__(self, span: Any, tracer: Tracer) -> None:
        self._span = span
        self._tracer = tracer
        self._traced: _Traced | None = None

    def __enter__(self) -> Any:
        entered = self._span.__enter__()
        self._traced = self._tracer.start()
        return entered

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> Any:
        if self._traced is not None:
            self._tracer.end(self._traced, error)
        return self._span.__exit__(kind, error, traceback)


def _locals(frame: FrameType | None) -> dict[str, Any]:
    return {} if frame is None else frame.f_locals


def _options(options: Any) -> tuple[tuple[str, str], ...]:
    """What the user asked for."""
    attributes = options.attributes or {}
    asked = {
        "autograph": options.autograph,
        "reduce_retracing": options.reduce_retracing,
        "jit_compile": attributes.get(_XLA),
        "input_signature": options.input_signature is not None,
    }
    return tuple((name, str(value)) for name, value in asked.items())


def _is_initializer(options: Any) -> bool:
    """Whether TensorFlow made the function to initialise variables that another one created."""
    return options.function_cache is None and options.name in {"initialize_variables", "fn_with_cond"}


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name
