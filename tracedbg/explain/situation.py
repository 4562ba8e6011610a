"""A difference with all that is known where it came up: what a message and an advice are made of.

It must not know how either is worded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracedbg.events import CauseKind

if TYPE_CHECKING:
    from tracedbg.events import Frame, Framework, Signature, TraceStarted
    from tracedbg.explain.difference import Difference

_IN_THE_BODY = (CauseKind.SYMBOLIC_CONDITION, CauseKind.ATTRIBUTE_VALUE, CauseKind.GLOBAL_VALUE)
"""Kinds whose line is in the traced function; for the others it is where the call was made."""


@dataclass(frozen=True)
class Situation:
    """One reason of one trace; of several traces with the same reason the last one."""

    difference: Difference
    trace: TraceStarted
    settled: bool = False
    """Whether no other value of the same argument can cause another retrace."""
    common: Signature | None = None
    """The most special signature that all calls so far would have fitted; None where there is none."""
    version: tuple[int, ...] = ()
    """The framework's: (2, 13); empty where it is not known."""
    values: tuple[str, ...] = ()
    """What the argument was so far, in words."""
    count: int = 1
    """How many retraces had this reason."""

    @property
    def kind(self) -> CauseKind:
        """The same as the difference's."""
        return self.difference.kind

    @property
    def framework(self) -> Framework:
        """Whose trace it is."""
        return self.trace.traceable.framework

    @property
    def argument(self) -> str:
        """As the user wrote it; a word for it where it has no name."""
        return self.difference.argument or "it"

    def asked(self, option: str) -> str:
        """What the user asked the framework for; empty where nothing."""
        return dict(self.trace.options).get(option, "")

    @property
    def place(self) -> tuple[str, int]:
        """File and line where the value came in, or whose condition decided."""
        found, trace = self.difference.frame, self.trace
        call = trace.call_stack[0] if trace.call_stack else None
        frame: Frame | None = call or found
        if self.kind in _IN_THE_BODY or self.kind is CauseKind.NEW_FUNCTION_OBJECT:
            frame = found or call
        return (frame.file, frame.line) if frame else (trace.traceable.file, trace.traceable.line)
