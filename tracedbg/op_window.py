"""Which executions of ops are kept one by one, and what records ops in a running program.

It must not know any framework, nor what becomes of what was seen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

from tracedbg.errors import UsageError

if TYPE_CHECKING:
    from types import ModuleType

    from tracedbg.hooks import Hooks

MAX_ROWS = 1_000_000
"""Executions of one process that are kept one by one, whatever the window."""
_FORM = re.compile(
    r"(?:(?P<function>[^\W\d][\w.]*)@)?(?P<begin>\d+(?:\.\d+)?)(?P<begin_unit>s?):"
    r"(?P<end>\d+(?:\.\d+)?)(?P<end_unit>s?)"
)


@dataclass(frozen=True)
class OpWindow:
    """A stretch of the run: by calls of a function, by steps, or by time. An empty one holds nothing."""

    begin: float = 0
    """The first call or step, from 1; or seconds after the framework was imported."""
    end: float = 0
    """The first one that is outside again."""
    is_seconds: bool = False
    function: str = ""
    """The function of the user's whose calls are counted: its qualified name, or the end of it; empty:
    steps are counted (backward passes; where there are none, calls of compiled functions)."""

    @classmethod
    def parse(cls, text: str, option: str = "--ops-steps") -> OpWindow:
        """`10:20`: steps; `train_step@10:20`: calls of a function; `2s:5s`: seconds; empty: nothing.

        Raises:
            UsageError: it is none of these.
        """
        if not text:
            return cls()
        found = _FORM.fullmatch(text)
        is_seconds = found is not None and bool(found["begin_unit"] or found["end_unit"])
        if (
            found is None
            or (is_seconds and (found["function"] or not found["end_unit"]))
            or (not is_seconds and "." in found["begin"] + found["end"])
        ):
            raise UsageError(
                f"{option}={text}: name steps, such as {option}=10:20, calls of a function, such as"
                f" {option}=train_step@10:20, or seconds, such as {option}=2s:5s"
            )
        window = cls(float(found["begin"]), float(found["end"]), is_seconds, found["function"] or "")
        if window.begin >= window.end:
            raise UsageError(
                f"{option}={text}: it ends where it begins, or before; put the lower number first"
            )
        return window

    @property
    def is_empty(self) -> bool:
        """Whether there are totals alone."""
        return self.begin >= self.end


class OpRecorder(Protocol):
    """What sees the ops of one framework. Loaded only where ops are recorded.

    It emits `ran.OpsSeen` from a teller (`Hooks.on_tell`), so that a totals' event comes now and then.
    """

    name: ClassVar[str]
    modules: tuple[str, ...]
    """Attach when the first of these has been imported."""

    def attach(self, module: ModuleType, hooks: Hooks, window: OpWindow) -> None:
        """Install what sees ops; `hooks` removes it again.

        It goes on by itself in a forked child, with what it has seen there.
        """


@runtime_checkable
class Examined(Protocol):
    """A recorder that may have to do with less: `tracedbg doctor` asks it.

    It imports no framework for that.
    """

    def examine(self) -> tuple[bool, str]:
        """Whether it works as it should where its framework is installed, and a line that says more."""
