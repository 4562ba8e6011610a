"""Follows the Python stack of a thread that traces a function, at little cost for each further op.

Between two ops only the innermost frames change. Those that are still there keep what was read off them;
only the user's frame that has gone on is read anew. It must not know ops, nor how values are looked up.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import replace
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_function.walk import _compat
from tracedbg.adapters.tf_function.walk.levels import NOWHERE, Chain, Level, Origin
from tracedbg.frames import real_path
from tracedbg.source import code_name, is_ours, is_user_file, line_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import CodeType, FrameType

    from tracedbg.adapters.tf_function.walk.refs import Ref, RefMaker, Symbol

    _Map = dict[tuple[str, int], tuple[str, int, str]]

_SUSPENDS = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
_GENERATED = "__autograph_generated_file"
_HIDDEN = re.compile(
    r"(ag__|__class__|fscope|retval_|do_return|break_|continue_|itr|vars_|_"
    r"|get_state|set_state|if_body|else_body|loop_body|loop_test|extra_test)(_\d+)?"
)


class Kind(Enum):
    """What a frame means for the ops that are made below it."""

    LIBRARY = auto()
    USER = auto()
    GENERATED = auto()
    """A user's function as AutoGraph has rewritten it, or a branch or loop body of one."""
    GRAPH = auto()
    """A graph is traced below."""
    GRADIENT = auto()
    """The gradient of one op is made below."""
    BACKWARD = auto()
    """Gradients are made below."""


class Kinds:
    """Tells the kinds of code objects.

    Args:
        is_wanted: whether a library's file (real path) has breakpoints: it is then seen as the user's.
    """

    def __init__(self, is_wanted: Callable[[str], bool]) -> None:
        self._is_wanted = is_wanted
        self.forget()

    def forget(self) -> None:
        """Tell them anew: other files are wanted."""
        self.known: dict[int, Kind] = {}
        """By id of a code object, which is kept: to hash one takes far longer."""
        self._kept: list[CodeType] = []
        for name, kind in (
            (_compat.GRAPH_TRACED, Kind.GRAPH),
            (_compat.GRADIENT_BUILT, Kind.BACKWARD),
            (_compat.TAPE, Kind.BACKWARD),
            (_compat.GRAPH_GRADIENT, Kind.GRADIENT),
            (_compat.TAPE_GRADIENT, Kind.GRADIENT),
        ):
            self._keep(name.get(), kind)

    def learn(self, code: CodeType) -> Kind:
        """The kind of a frame with a code object that is new."""
        file = code.co_filename
        if _GENERATED in file:
            return self._keep(code, Kind.GENERATED)
        return self._keep(code, Kind.USER if self.is_seen(file) else Kind.LIBRARY)

    def is_seen(self, file: str) -> bool:
        """Whether frames of a file are kept: the user's, and those of a library that may stop."""
        return not is_ours(file) and (is_user_file(file) or self._is_wanted(real_path(file)))

    def _keep(self, code: CodeType, kind: Kind) -> Kind:
        self._kept.append(code)
        self.known[id(code)] = kind
        return kind


class _Entry:
    """One frame of the shadow, with what holds for the ops made below it."""

    def __init__(self, frame: FrameType, kind: Kind, number: int) -> None:
        self.frame = frame
        self.kind = kind
        self.number = number
        self.child: FrameType | None = None
        self.lasti = -1
        self.visit = 0
        self.chain: Chain | None = None
        self.is_backward = False
        self.is_traced = False
        """Whether a graph is traced by it, or around it."""
        self.graph = 0
        self.raw: dict[str, Any] = {}
        self.refs: dict[str, Ref] = {}
        self.mapped: _Map = {}
        """AutoGraph's map, where the frame runs generated code."""


class Shadow:
    """The stack of one thread.

    Args:
        kinds: tells what frames are.
        refs: makes refs of locals.
        forward: where the op comes from whose gradient a frame of TensorFlow's makes, by its locals.
        number: the number of a graph.
        mapped: AutoGraph's map of the current thread, from generated places to the user's.
    """

    def __init__(
        self,
        kinds: Kinds,
        refs: RefMaker,
        forward: Callable[[Mapping[str, Any]], Origin],
        number: Callable[[Any], int | None],
        mapped: Callable[[], _Map],
    ) -> None:
        self._kinds = kinds
        self._refs = refs
        self._forward = forward
        self._number = number
        self._mapped = mapped
        self._entries: list[_Entry] = []
        self._known: dict[FrameType, int] = {}
        self._count = 0
        self._last = NOWHERE
        self._passed: dict[int, list[Chain]] = {}
        """By number of a graph: where functions have returned since its last op."""

    def clear(self) -> None:
        """Let go of the frames: the trace is over."""
        self._entries.clear()
        self._known.clear()
        self._passed.clear()
        self._last = NOWHERE

    def origin(self, frame: FrameType, graph: int) -> Origin:
        """Where an op comes from.

        Args:
            frame: makes the op.
            graph: number of the graph that the op is made in.
        """
        known, kinds = self._known, self._kinds.known
        library = Kind.LIBRARY
        new: list[tuple[FrameType, Kind, FrameType | None]] = []
        at: FrameType | None = frame
        child: FrameType | None = None
        while at is not None:
            code = at.f_code
            kind = kinds.get(id(code)) or self._kinds.learn(code)
            if kind is not library:
                if at in known:
                    break
                new.append((at, kind, child))
            child = at
            at = at.f_back
        kept = 0 if at is None else known[at] + 1
        entries = self._entries
        for entry in reversed(entries[kept:]):
            self._leave(entry)
            del known[entry.frame]
        del entries[kept:]
        if kept and ((top := entries[-1]).child is not child or child is None):
            self._read(top, entries[-2] if kept > 1 else None, child)
        for frame_of, kind, called in reversed(new):
            self._push(frame_of, kind, called)
        if not entries:
            return NOWHERE
        found = self._made(entries[-1], graph)
        passed = self._passed.pop(graph, None)
        return found if passed is None else Origin(found.chain, found.is_backward, tuple(passed))

    def _made(self, entry: _Entry, graph: int) -> Origin:
        if not entry.is_traced or (entry.chain is None and not entry.is_backward):
            return NOWHERE
        if entry.is_backward and entry.graph != graph:
            return NOWHERE  # what the forward has to keep for the gradient: no line of the user's does that
        last = self._last
        if last.chain is not entry.chain or last.is_backward is not entry.is_backward:
            self._last = last = Origin(entry.chain, entry.is_backward)
        return last

    def _leave(self, entry: _Entry) -> None:
        """A frame has ended. It is still there, with its locals: we hold it."""
        chain, code = entry.chain, entry.frame.f_code
        if (
            chain is None
            or entry.is_backward
            or chain.level.frame != entry.number
            or code.co_flags & _SUSPENDS
        ):
            return
        level = chain.level
        is_generated = entry.kind is Kind.GENERATED
        if is_generated:
            if code.co_name.removeprefix("tf__") != level.function:
                return  # a branch or loop body
            line = _last_return(code, entry.mapped)
        else:
            line = entry.frame.f_lineno or 0
        if line in {0, level.line} or not line_text(level.file, line).startswith("return"):
            return  # with an op on it, it has been seen
        variables = self._variables(entry, is_generated=is_generated)
        left = replace(
            level, line=line, visit=level.visit + 1, variables=variables, symbols=_symbols(variables)
        )
        self._passed.setdefault(entry.graph, []).append(Chain(left, chain.outer))

    def _push(self, frame: FrameType, kind: Kind, child: FrameType | None) -> None:
        self._count += 1
        entry = _Entry(frame, kind, self._count)
        outer = self._entries[-1] if self._entries else None
        self._known[frame] = len(self._entries)
        self._entries.append(entry)
        self._read(entry, outer, child)

    def _read(self, entry: _Entry, outer: _Entry | None, child: FrameType | None) -> None:
        """What holds below a frame that is new, or has gone on."""
        entry.child = child
        if outer is not None:
            entry.chain, entry.is_traced = outer.chain, outer.is_traced
            entry.is_backward, entry.graph = outer.is_backward, outer.graph
        kind = entry.kind
        if kind is Kind.GRAPH:
            self._enter_graph(entry)
        elif kind is Kind.GRADIENT:
            self._enter_gradient(entry)
        elif kind is Kind.BACKWARD:
            entry.is_backward = True
            graph = entry.frame.f_locals.get("backwards_graph")
            if graph is not None:
                entry.is_traced, entry.chain, entry.graph = True, None, self._number(graph) or 0
        elif entry.is_traced:
            lasti = entry.frame.f_lasti
            entry.visit += lasti <= entry.lasti
            entry.lasti = lasti
            self._read_level(entry)

    def _enter_graph(self, entry: _Entry) -> None:
        caller = entry.frame.f_back
        graph = entry.frame.f_locals.get("func_graph")
        number = None if graph is None else self._number(graph)
        if number is not None:
            entry.graph = number
        if caller is None or not caller.f_code.co_filename.endswith(_compat.CONTROL_FLOW_FILES):
            entry.is_traced, entry.chain, entry.is_backward = True, None, False

    def _enter_gradient(self, entry: _Entry) -> None:
        forward = self._forward(entry.frame.f_locals)
        entry.is_traced = entry.is_backward = True
        if forward.chain is not None:
            entry.chain = forward.chain

    def _read_level(self, entry: _Entry) -> None:
        frame = entry.frame
        code = frame.f_code
        file, line, function = code.co_filename, frame.f_lineno, code_name(code)
        is_generated = entry.kind is Kind.GENERATED
        outer = entry.chain
        if is_generated:
            entry.mapped = self._mapped()  # it is gone when the frame ends
            origin = entry.mapped.get((file, line))
            if origin is None or not self._kinds.is_seen(origin[0]):
                return
            file, line, function = origin
        variables = self._variables(entry, is_generated=is_generated)
        file = real_path(file)
        if is_generated and outer is not None and code.co_name.removeprefix("tf__") != function:
            around = outer.level
            if around.is_generated and (around.file, around.function) == (file, function):
                variables = {**around.variables, **variables}  # a branch or loop body of the same function
                outer = outer.outer
        level = Level(
            file,
            line,
            function,
            is_user=is_user_file(file),
            graph=entry.graph,
            frame=entry.number,
            visit=entry.visit,
            variables=variables,
            names=frame.f_globals,
            is_generated=is_generated,
            symbols=_symbols(variables),
        )
        entry.chain = Chain(level, outer)

    def _variables(self, entry: _Entry, *, is_generated: bool) -> dict[str, Ref]:
        raw, refs = entry.raw, entry.refs
        found: dict[str, Ref] = {}
        now = dict(entry.frame.f_locals)
        for name, value in now.items():
            if is_generated and _HIDDEN.fullmatch(name):
                continue
            ref = refs.get(name)
            if ref is None or raw.get(name) is not value or isinstance(value, (list, dict, set)):
                ref = self._refs.ref(value)
            if ref is not None:
                found[name] = ref
        entry.raw, entry.refs = now, found
        return found


def _symbols(variables: dict[str, Ref]) -> frozenset[Symbol]:
    return frozenset(symbol for ref in variables.values() for symbol in ref.symbols())


def _last_return(code: CodeType, mapped: _Map) -> int:
    """The user's line of the last `return` of a function, which AutoGraph has rewritten; 0 if it has none."""
    for line in sorted({line for *_, line in code.co_lines() if line}, reverse=True):
        origin = mapped.get((code.co_filename, line))
        if origin is not None and line_text(*origin[:2]).startswith("return"):
            return origin[1]
    return 0
