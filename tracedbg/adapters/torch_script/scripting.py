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
from tracedbg.adapters.torch_script.functions import closure_id, identity
from tracedbg.events import Signature

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from tracedbg.adapters.torch_script.compiles import Compile, Compiles

_OPTIONS = (("mode", "script"),)
_UNCACHED = "__disable_jit_function_caching__"


class _Kind(Protocol):
    """What a scope compiles."""

    def subject(self, frame: FrameType) -> tuple[Any, str] | None:
        """What is being read in `frame`, and its `closure_id`; None if nothing of it will be compiled."""

    def result(self, function: Any) -> tuple[bool, Callable[[], Any]]:
        """Whether it was compiled, and what gives its graph."""


@dataclass(eq=False)
class _Scope:
    """One call of one of torch's functions."""

    kind: _Kind
    compiles: list[tuple[Compile, Any]] = field(default_factory=list)


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
        scope, (function, closure) = scopes[-1], subject
        compiles = self._compiles
        started = compiles.begin(function, closure, frame, _OPTIONS, Signature())
        is_first = not scope.compiles
        scope.compiles.append((started, function))
        if is_first:
            compiles.enter(started)

        def read() -> None:
            compiles.phase(started, "parse", started.start_ns)
            if not is_first:
                started.end_ns = compiles.sink.now_ns()

        return read

    def _open(self, kind: _Kind) -> Callable[[], object]:
        scope = _Scope(kind)
        scopes = self._compiles.thread.scopes
        scopes.append(scope)

        def close() -> None:
            scopes.remove(scope)
            for started, function in scope.compiles:
                compiled, graph = kind.result(function)
                self._compiles.end(started, compiled=compiled, graph=graph)

        return close


class _Functions:
    """A function: the compiler keeps what it made of it, by the function itself."""

    def subject(self, frame: FrameType) -> tuple[Any, str] | None:
        function = frame.f_locals.get("obj")
        if function is None or getattr(function, _UNCACHED, False) is True:
            return None  # whether that was compiled cannot be told afterwards
        return function, closure_id(function)

    def result(self, function: Any) -> tuple[bool, Callable[[], Any]]:
        compiled = _compat.CACHED_FUNCTION.get()(function)
        return compiled is not None, lambda: compiled.graph


class _Methods:
    """Methods of one type of module; two modules of one class may have two types."""

    def __init__(self, concrete_type: Any) -> None:
        self._type = concrete_type
        self._is_known = concrete_type is not None and concrete_type in _compat.COMPILED_TYPES.get()

    def subject(self, frame: FrameType) -> tuple[Any, str] | None:
        if self._type is None and frame.f_back is not None:
            self._type = frame.f_back.f_locals["concrete_type"]
        method = frame.f_locals.get("func")
        if self._is_known or method is None:
            return None
        return method, f"type {self._type.jit_type.qualified_name()}"

    def result(self, method: Any) -> tuple[bool, Callable[[], Any]]:
        jit_type = self._type.jit_type
        name = method.__name__

        def graph() -> Any:
            found = _compat.PYTHON_UNIT.get().find_function(f"{jit_type.qualified_name()}.{name}")
            return None if found is None else found.graph

        return name in jit_type.method_names(), graph


class _Classes:
    """A class, with all its methods in one."""

    def subject(self, frame: FrameType) -> tuple[Any, str] | None:
        kind = frame.f_locals.get("obj")
        return (kind, identity(kind)) if isinstance(kind, type) else None

    def result(self, kind: type) -> tuple[bool, Callable[[], Any]]:
        return _compat.SCRIPT_CLASSES.get()(kind) is not None, lambda: None
