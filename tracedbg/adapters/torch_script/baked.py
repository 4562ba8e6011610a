"""What `torch.jit.trace` took for good: a branch, a Python number, a length.

The tracer warns of each through the class `TracerWarning`, which makes an instance before any filter is
asked whether the user sees it: that is where we listen. Filters, registries and what is raised or shown
stay as they are.
"""

from __future__ import annotations

import re
import sys
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_compile.values import describe
from tracedbg.adapters.torch_script import _compat
from tracedbg.adapters.torch_script.conversions import Conversions
from tracedbg.adapters.torch_script.expressions import expression, is_call_of_constants
from tracedbg.events import Frame, Role, Stale
from tracedbg.source import code_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from tracedbg.adapters.torch_script.compiles import Compile, Compiles

_MAX_VALUES = 8
_CONSTRUCTED = "results are registered as constants in the trace"
_RANDOM = "Trace had nondeterministic nodes"
_DIFFERENT = re.compile(r"Output nr (\d+)\. of the traced function does not match")


@dataclass
class _Baked:
    """Something that tracing took for good, and the values that it had."""

    kind: str
    name: str
    frame: Frame
    time_ns: int
    values: list[str] = field(default_factory=list)


class _Thread(threading.local):
    """What is known in one thread."""

    pending: _Baked | None = None
    """What a warning was about, until torch gives its value."""
    random: Compile | None = None
    """A trace that has operations which are to give another result each time, such as dropout."""


class BakedIn:
    """Collects it for the traces under way."""

    def __init__(self, compiles: Compiles) -> None:
        self._compiles = compiles
        self._hooks = compiles.hooks
        self._sink = compiles.sink
        self._thread = _Thread()
        self._found: dict[int, dict[tuple[str, str, int], _Baked]] = {}
        self._conversions = Conversions(self._given)

    def install(self) -> None:
        """Listen to the tracer's warnings."""

        def make(original: Callable[..., None]) -> Callable[..., None]:
            def __init__(warning: Any, *args: Any) -> None:  # noqa: N807  stands in for it
                self._hooks.safely("warnings", self._warned, args, sys._getframe(1))
                original(warning, *args)

            return __init__

        self._hooks.patch(_compat.TRACER_WARNING.get(), "__init__", make)
        self._hooks.on_remove(self._conversions.remove)

    def begin(self, traced: Compile) -> None:
        """A trace begins."""
        self._found[traced.id] = {}
        self._thread.pending = None
        self._conversions.watch(traced)

    def end(self, traced: Compile) -> None:
        """It is over."""
        self._conversions.unwatch(traced)
        for baked in self._found.pop(traced.id).values():
            self._emit(traced, baked)

    def _warned(self, args: tuple[Any, ...], frame: FrameType) -> None:
        import torch

        text = str(args[0]) if args else ""
        traced = self._compiles.innermost
        if traced is not None and torch._C._is_tracing():
            place = _place(frame)
            known = self._found.get(traced.id)  # None for what is scripted inside a trace
            if place is not None and known is not None and traced.role is not Role.CHECK:
                found = self._baked(traced, text, place)
                if _CONSTRUCTED in text and is_call_of_constants(found.name):
                    return  # the same in each call
                key = (found.name, found.frame.file, found.frame.line)
                self._thread.pending = known.setdefault(key, found)
        elif checked := self._compiles.thread.checked:
            self._checked(checked, text)

    def _checked(self, checked: Compile, text: str) -> None:
        """Torch compares what it traced with the function and a second trace."""
        if text.startswith(_RANDOM):
            self._thread.random = checked
        elif (found := _DIFFERENT.match(text)) and self._thread.random is not checked:
            name = f"output {found[1]}"
            self._emit(checked, _Baked("mismatch", name, _definition(checked), self._sink.now_ns()))

    def _given(self, value: Any) -> None:
        baked, self._thread.pending = self._thread.pending, None
        if baked is not None and len(baked.values) <= _MAX_VALUES:
            is_last = len(baked.values) == _MAX_VALUES
            baked.values.append("..." if is_last else describe(value))

    def _baked(self, traced: Compile, text: str, place: FrameType) -> _Baked:
        if _module(place).startswith("torch."):  # about all that is returned, say
            name, frame = text.partition(" might ")[0], _definition(traced)
        else:
            name = expression(place)
            frame = Frame(place.f_code.co_filename, place.f_lineno, code_name(place.f_code))
        return _Baked("baked_branch", name, frame, self._sink.now_ns())

    def _emit(self, traced: Compile, baked: _Baked) -> None:
        then = ", ".join(baked.values)
        self._sink.emit(
            Stale(traced.traceable, baked.kind, baked.name, baked.frame, then, "", baked.time_ns, traced.id)
        )


def _place(frame: FrameType) -> FrameType | None:
    """The frame that a warning is about; None where torch's own filter keeps it from being shown."""
    at: FrameType | None = frame
    while at is not None and _module(at) == _compat.TENSOR_MODULE:
        at = at.f_back
    if at is None or (_module(at).startswith("torch.") and not _module(at).startswith("torch.jit")):
        return None
    return at


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def _definition(traced: Compile) -> Frame:
    subject = traced.traceable
    return Frame(subject.file, subject.line, subject.name)
