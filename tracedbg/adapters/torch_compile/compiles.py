"""One compile after the other: what Dynamo does, told as events.

How to get torch's own numbers (`torch._dynamo.utils.get_compilation_metrics()`, forward records)
from the events: the compile ids without `fail_type` are the labels of the `TraceEnded` with an
empty `error`; the records with `fail_type` are the `TraceEnded` with an `error` (whether `FAILED`,
it raised into the program, or `EAGER`, Dynamo gave up on the frame) and the `Fallback` of the kinds
`recompile_limit` and `accumulated_limit`, which have no trace. A compile inside another one
(`parent_id`) has no record of its own: torch adds it to the outer one's.

`EAGER` without `error` is a frame that Dynamo skips since it found nothing to compile. A code
object that ended `EAGER` is never looked at again: a `Fallback` of kind `skipped` says so. For a
resume function (`Traceable.owner`) it mostly means that nothing was left to do after the break.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_compile import _compat
from tracedbg.adapters.torch_compile.breaks import disabled_function, graph_break, is_within_block
from tracedbg.adapters.torch_compile.calls import add_count, is_kept
from tracedbg.adapters.torch_compile.functions import role, traceable, user_stack
from tracedbg.adapters.torch_compile.graphs import all_sites, count_ops
from tracedbg.adapters.torch_compile.guards import Call, guard_failures
from tracedbg.adapters.torch_compile.inputs import inputs_of
from tracedbg.adapters.torch_compile.naming import Name
from tracedbg.adapters.torch_compile.options import options_of
from tracedbg.adapters.torch_compile.phases import Timeline
from tracedbg.adapters.torch_compile.symbolic import symbolic_sources
from tracedbg.events import Fallback, GraphMade, Outcome, TraceEnded, TraceStarted
from tracedbg.identity import is_one_of_several
from tracedbg.source import current_stack, is_user_file

if TYPE_CHECKING:
    from types import CodeType

    from tracedbg.adapters.torch_compile.calls import CallCounts
    from tracedbg.adapters.torch_compile.counts import Counted
    from tracedbg.events import Frame, GuardFailure, OpSite, Traceable
    from tracedbg.hooks import Hooks

_LIMITS = {"recompile_limit": "recompile_limit", "accumulated_recompile_limit": "accumulated_limit"}
_NO_ID = 0
_DEEP_STACK = 64  # resume functions are taken out of it


@dataclass
class Compile:
    """A call of `_compile` that has not returned."""

    function: Traceable
    label: str
    one_graph: bool
    box: Any
    failures: tuple[GuardFailure, ...]
    call_stack: tuple[Frame, ...]
    timeline: Timeline
    code: CodeType | None
    """None where it may not be changed: it is saved to a file, or looked at."""
    calls: Counted | None
    """Of the code object."""
    counts_calls: bool = False
    """Whether the code that is made of it will."""
    limit: str = ""
    """The limit that stops it from being a compile at all."""
    name: Name | None = None
    """What the user calls the object that the frame is about."""
    sites: tuple[OpSite, ...] | None = None
    """The graph of the last analysis that came to one."""
    aot_graphs: list[tuple[str, tuple[OpSite, ...]]] = field(default_factory=list)
    """What AOTAutograd has made of that one, by stage; several where the backend cuts it in parts."""
    symbolic: tuple[str, ...] = ()
    """What that graph holds for any value of."""
    breaks: set[tuple[str, int, str]] = field(default_factory=set)


class Compiles:
    """Turns calls of Dynamo's functions into events.

    A trace's times are kept for as long as the hooks: a backward may be compiled at any time.
    """

    def __init__(self, hooks: Hooks, counts: CallCounts) -> None:
        self._hooks = hooks
        self._counts = counts
        self._sink = hooks.sink
        self._local = threading.local()
        self._timelines: dict[object, Timeline] = {}
        self._disabled: set[Traceable] = set()

    @property
    def _active(self) -> list[Compile]:
        """The compiles of this thread, the innermost last."""
        if not hasattr(self._local, "active"):
            self._local.active = []
        active: list[Compile] = self._local.active
        return active

    def begin(self, arguments: dict[str, Any]) -> Compile:
        """Dynamo starts to compile: the event is on disk before it goes on.

        Args:
            arguments: those of `_compile`, by name.
        """
        start_ns = self._sink.now_ns()
        code, compile_id = arguments["code"], arguments["compile_id"]
        entries = _compat.cache_entries(arguments)
        call = Call(arguments["locals"], arguments["globals"], code, arguments["compiler_fn"])
        limit = self._hooks.safely("limits", _limit, arguments, default="")
        name = self._hooks.safely("names", Name, code, arguments["locals"])
        failures = self._failures(entries, call)
        function = traceable(code, arguments["locals"])
        current = Compile(
            function=function,
            label=str(compile_id),
            one_graph=arguments["one_graph"],
            box=arguments.get("convert_frame_box"),
            failures=failures if name is None else name.speak_all(failures),
            name=name,
            call_stack=user_stack(current_stack(limit=_DEEP_STACK)),
            timeline=Timeline(_NO_ID if limit else self._sink.new_id(), compile_id, start_ns),
            code=None if self._hooks.safely("calls", is_kept, arguments, default=True) else code,
            calls=self._hooks.safely(
                "calls", self._counts.begin, code, arguments["locals"], entries, function
            ),
            limit=limit,
        )
        if not limit:
            self._start(current, arguments, len(entries))
        self._active.append(current)
        return current

    def _failures(self, entries: list[Any], call: Call) -> tuple[GuardFailure, ...]:
        """Tried at each compile: one guard that we cannot read must not cost us the others."""
        try:
            return guard_failures(entries, call)
        except Exception as error:
            self._hooks.fault("guards", error)
            return ()

    def _start(self, current: Compile, arguments: dict[str, Any], cached_count: int) -> None:
        timeline = current.timeline
        self._timelines[id(timeline.compile_id)] = self._timelines[current.label] = timeline
        parents = [at.timeline.trace_id for at in self._active if not at.limit]
        started = TraceStarted(
            id=timeline.trace_id,
            traceable=current.function,
            start_ns=timeline.start_ns,
            thread_id=threading.get_ident(),
            role=role(arguments["code"]),
            parent_id=parents[-1] if parents else None,
            label=current.label,
            guard_failures=current.failures,
            cached_count=cached_count,
            call_stack=current.call_stack,
            options=options_of(arguments["compiler_fn"], fullgraph=current.one_graph),
            inputs=self._inputs(current, arguments),
        )
        self._sink.emit(started)
        self._sink.flush()

    def _inputs(self, current: Compile, arguments: dict[str, Any]) -> tuple[tuple[str, str], ...]:
        """Only where there is another rank to compare with."""
        if not is_one_of_several(os.environ, os.getpid()):
            return ()
        found: tuple[tuple[str, str], ...] = self._hooks.safely(
            "inputs", inputs_of, arguments["code"], arguments["locals"], current.name, default=()
        )
        return found

    def end(self, current: Compile, result: Any) -> None:
        """It returned: with code, or with the decision to leave the frame alone."""
        self._leave(current)
        if result.guarded_code is not None:
            if current.calls is not None and not current.counts_calls:
                current.calls.is_counted = False
            self._finish(current, Outcome.COMPILED)
            return
        self._finish(current, Outcome.EAGER)
        self._fall_back(current, "skipped", getattr(result, "skip_reason", None) or "no operation was traced")

    def fail(self, current: Compile, error: BaseException) -> None:
        """It raised; what the program sees of that is up to Dynamo."""
        self._leave(current)
        reason = f"{type(error).__qualname__}: {str(error).partition(chr(10))[0]}"
        raises = not _is_suppressed(current, error)
        if current.limit and _is_limit(error):
            self._fall_back(current, current.limit, reason, raises=raises)
            return
        if raises and current.calls is not None:
            current.calls.raised += 1
        if current.limit:
            return
        if raises:
            self._finish(current, Outcome.FAILED, reason)
            return
        self.add_break(error, current)
        self._finish(current, Outcome.EAGER, reason)
        is_within = any(is_within_block(kind) for *_, kind in current.breaks)
        self._fall_back(current, "with_block" if is_within else "unsupported", reason)

    def _leave(self, current: Compile) -> None:
        """Take it from the stack, with whatever a fault of ours has left above it."""
        active = self._active
        if current in active:
            del active[active.index(current) :]

    def _finish(self, current: Compile, outcome: Outcome, error: str = "") -> None:
        timeline, sites = current.timeline, current.sites
        end_ns = self._sink.now_ns()
        if sites is not None:
            self._sink.emit(GraphMade(timeline.trace_id, "dynamo", sites))
            for stage, made in current.aot_graphs:
                self._sink.emit(GraphMade(timeline.trace_id, stage, made))
        op_count = count_ops(sites or ()) if outcome is Outcome.COMPILED else None
        hits = timeline.take_hits()
        self._sink.emit(
            TraceEnded(
                timeline.trace_id,
                end_ns,
                outcome,
                error,
                op_count,
                symbolic=current.symbolic,
                cache_hits=hits,
            )
        )
        timeline.end(end_ns, self._sink)

    def _fall_back(self, current: Compile, kind: str, reason: str, *, raises: bool = False) -> None:
        now_ns, stack = self._sink.now_ns(), current.call_stack
        fallback = Fallback(current.function, kind, reason, now_ns, current.failures, stack)
        if current.calls is not None and raises:
            current.calls.raised += 1
        elif current.calls is not None:
            current.calls.fall_back(fallback, current.calls.current_call)
        self._sink.emit(fallback)
        self._hooks.tell()

    def add_graph(self, graph: Any) -> None:
        """The graph that goes to the backend."""
        if self._active:
            self._active[-1].sites = all_sites(graph)
            self._active[-1].aot_graphs.clear()

    def add_aot_graph(self, stage: str, module: Any) -> None:
        """A graph that AOTAutograd gives the backend."""
        if self._active:
            self._active[-1].aot_graphs.append((stage, all_sites(module.graph)))

    def count_calls(self, code: Any, instructions: list[Any]) -> None:
        """Have what Dynamo has made of `code` count its calls."""
        current = self._active[-1] if self._active else None
        if current is not None and current.code is code and current.calls is not None:
            add_count(instructions, current.calls.compiled)
            current.counts_calls = True

    def add_symbolic(self, output: Any) -> None:
        """What Dynamo has left open in it."""
        if self._active:
            current = self._active[-1]
            speak = str if current.name is None else current.name.speak
            current.symbolic = tuple(map(speak, symbolic_sources(output)))

    def add_break(self, error: BaseException, current: Compile | None = None) -> None:
        """A graph break, told by Dynamo's exception; no more than once for each place and kind."""
        if current is None:
            if not self._active:
                return
            current = self._active[-1]
        found = graph_break(error, current.function, current.call_stack, current.timeline.trace_id)
        key = (found.frame.file, found.frame.line, found.kind)
        if key not in current.breaks:
            current.breaks.add(key)
            self._sink.emit(found)
            self._hooks.safely("disabled", self._note_disabled, error, found.stack)

    def _note_disabled(self, error: BaseException, stack: tuple[Frame, ...]) -> None:
        """A break at a call of a function that the user has excluded: told once for each."""
        excluded = disabled_function(error)
        if excluded is None or not is_user_file(excluded.__code__.co_filename):
            return
        function = traceable(excluded.__code__)
        if function not in self._disabled:
            self._disabled.add(function)
            reason = "torch.compiler.disable: the functions that call it are cut in two there"
            self._sink.emit(Fallback(function, "disabled", reason, self._sink.now_ns(), call_stack=stack))

    def add_phase(self, compile_id: Any, event: str, start_ns: int, end_ns: int) -> None:
        """The end of one of torch's phases, during the compile or long after it."""
        if timeline := self._timeline(compile_id):
            timeline.add(event, start_ns, end_ns, self._sink)

    def add_cache_event(self, compile_id: Any, event: str) -> None:
        """A compiler cache was asked."""
        if timeline := self._timeline(compile_id):
            timeline.add_cache_event(event)

    def _timeline(self, compile_id: Any) -> Timeline | None:
        """By the object, since `torch._dynamo.reset()` begins the ids anew; by the id where it is a copy."""
        return self._timelines.get(id(compile_id)) or self._timelines.get(str(compile_id))


def _limit(arguments: dict[str, Any]) -> str:
    """The name of the recompile limit that this compile would go beyond; empty where none."""
    exceeds = _compat.RECOMPILE_LIMIT.get()
    is_reached, name = exceeds(arguments["cache_size"], arguments["compile_id"])
    return _LIMITS.get(name, name) if is_reached else ""


def _is_limit(error: BaseException) -> bool:
    """`error_on_recompile` raises before the limit is looked at."""
    return type(error).__name__ != "RecompileError"


def _is_suppressed(current: Compile, error: BaseException) -> bool:
    """Whether Dynamo will run the frame eager rather than raise.

    Source: `torch/_dynamo/convert_frame.py`, `ConvertFrame.__call__`.
    """
    if current.one_graph or getattr(current.box, "error_on_graph_break", False):
        return False
    if isinstance(error, (_compat.UNSUPPORTED.get(), _compat.USER_ERROR.get())):
        return type(error).__name__ not in ("UncapturedHigherOrderOpError", "ResumePrologueTracingError")
    import torch._dynamo.config as dynamo_config

    return isinstance(error, Exception) and bool(dynamo_config.suppress_errors)
