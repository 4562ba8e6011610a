"""`torch.jit.script`: the functions, methods and classes that its compiler compiles, helpers included.

Each begins where torch reads its source, in the scope of one of torch's functions, and ends with that
scope. What torch has compiled before has no trace: the scope then reads no source, or torch knows the
type of the module. The methods of a module are compiled in one step: its time is the first method's, and
that of the others is the reading of their source.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from tracedbg.adapters.torch_script import _compat
from tracedbg.adapters.torch_script.compiles import SCRIPTED
from tracedbg.adapters.torch_script.functions import closure_id, identity
from tracedbg.events import Signature

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from tracedbg.adapters.torch_script.compiles import Compile, Compiles

_UNCACHED = "__disable_jit_function_caching__"


@dataclass(frozen=True)
class _Subject:
    """What is compiled."""

    function: Any
    closure_id: str
    name: str = ""
    """Of a method in its module: `forward = _forward` has another one than its code."""


class _Kind(Protocol):
    """What a scope compiles."""

    def subject(self, frame: FrameType) -> _Subject | None:
        """What is being read in `frame`; None if nothing of it will be compiled, or that cannot be told."""

    def result(self, subject: _Subject) -> tuple[bool, Callable[[], Any]]:
        """Whether it was compiled, and what gives its graph."""


@dataclass(eq=False)
class _Scope:
    """One call of one of torch's functions."""

    kind: _Kind
    compiles: list[tuple[Compile, _Subject]] = field(default_factory=list)


class Scripting:
    """Reports what is scripted."""

    def __init__(self, compiles: Compiles) -> None:
        self._compiles = compiles

    def functions(self, frame: FrameType) -> Callable[[], object]:  # noqa: ARG002  a hook's signature
        """`torch.jit.script` is called."""
        return self._open(_Functions())

    def modules(self, frame: FrameType) -> Callable[[], object]:
        """A module is scripted."""
        found = frame.f_locals
        inner = "sub_concrete_type" in found
        return self._open(_Methods(found["sub_concrete_type" if inner else "concrete_type"]))

    def methods(self, frame: FrameType) -> Callable[[], object]:  # noqa: ARG002  a hook's signature
        """The compiler asks for a method that another one calls."""
        return self._open(_Methods(None))

    def classes(self, frame: FrameType) -> Callable[[], object]:  # noqa: ARG002  a hook's signature
        """A class is scripted."""
        return self._open(_Classes())

    def reading(self, frame: FrameType) -> Callable[[], object] | None:
        """Torch reads the source of something, in `frame`."""
        scopes = self._compiles.thread.scopes
        subject = scopes[-1].kind.subject(frame) if scopes else None
        if subject is None:
            return None
        scope, compiles = scopes[-1], self._compiles
        started = compiles.begin(subject.function, subject.closure_id, frame, (SCRIPTED,), Signature())
        is_first = not scope.compiles
        scope.compiles.append((started, subject))
        if is_first:
            compiles.enter(started)

        def read() -> None:
            compiles.phase(started, "parse", started.start_ns)
            if not is_first:
                started.end_ns = compiles.sink.now_ns()

        return read

    def _open(self, kind: _Kind) -> Callable[[], object]:
        scope, compiles = _Scope(kind), self._compiles
        scopes = compiles.thread.scopes
        scopes.append(scope)

        def close() -> None:
            scopes.remove(scope)
            for started, _ in scope.compiles:
                compiles.leave(started)
            for started, subject in scope.compiles:
                compiled, graph = kind.result(subject)
                compiles.end(started, compiled=compiled, graph=graph)

        return close


class _Functions:
    """A function: the compiler keeps what it made of it, by the function itself."""

    def subject(self, frame: FrameType) -> _Subject | None:
        function = frame.f_locals.get("obj")
        if function is None or getattr(function, _UNCACHED, False) is True:
            return None
        return _Subject(function, closure_id(function))

    def result(self, subject: _Subject) -> tuple[bool, Callable[[], Any]]:
        compiled = _compat.CACHED_FUNCTION.get()(subject.function)
        return compiled is not None, lambda: compiled.graph


class _Methods:
    """Methods of one type of module; two modules of one class may have two types."""

    def __init__(self, concrete_type: Any) -> None:
        self._type = concrete_type
        self._is_known = concrete_type is not None and concrete_type in _compat.COMPILED_TYPES.get()

    def subject(self, frame: FrameType) -> _Subject | None:
        if self._type is None and frame.f_back is not None:
            self._type = frame.f_back.f_locals["concrete_type"]
        found = frame.f_locals
        if self._is_known or "func" not in found:
            return None
        return _Subject(found["func"], f"type {self._type.jit_type.qualified_name()}", found["name"])

    def result(self, subject: _Subject) -> tuple[bool, Callable[[], Any]]:
        name = f"{self._type.jit_type.qualified_name()}.{subject.name}"
        function = _compat.PYTHON_UNIT.get().find_function(name)
        # What could not be compiled is still there, as the beginning of a graph, without its `return`.
        compiled = function is not None and any(True for _ in function.graph.outputs())
        return compiled, lambda: function.graph


class _Classes:
    """A class, with all its methods in one."""

    def subject(self, frame: FrameType) -> _Subject | None:
        kind = frame.f_locals.get("obj")
        return _Subject(kind, identity(kind)) if isinstance(kind, type) else None

    def result(self, subject: _Subject) -> tuple[bool, Callable[[], Any]]:
        return _compat.SCRIPT_CLASSES.get()(subject.function) is not None, lambda: None
