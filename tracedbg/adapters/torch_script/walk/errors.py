"""What torch's interpreter makes of an error: its type, and a text with the lines of the script.

Source: torch/csrc/jit/runtime/interpreter.cpp, `handleError`, of 2.13.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.adapters.torch_script.walk.views import Running

_HEAD = (
    "The following operation failed in the TorchScript interpreter.\n"
    "Traceback of TorchScript (most recent call last):\n"
)
_LINE = re.compile(r'^(  File ".*", line \d+)$', re.MULTILINE)


class ScriptError(Exception):
    """An error on its way out of a walk."""

    def __init__(self, cause: BaseException, title: str = "RuntimeError", *, is_raised: bool = False) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self._title = title
        self._is_raised = is_raised
        self._lines: list[str] = []

    def at(self, running: Running) -> ScriptError:
        """It passes through a call."""
        if running.step is not None and (text := running.step.range):
            if _LINE.search(text):
                text = _LINE.sub(rf"\1, in {running.routine.name}", text, count=1)
            self._lines.insert(0, text)
        return self

    def as_torch(self) -> BaseException:
        """The error that the user's program gets."""
        import torch

        if not isinstance(self.cause, Exception):
            return self.cause
        text = f"{_HEAD}{''.join(self._lines)}{self._title}: {self.cause}\n"
        if self._is_raised:
            return torch.jit.Error(text)
        kind = NotImplementedError if isinstance(self.cause, NotImplementedError) else RuntimeError
        return kind(text)


def raised(values: Sequence[Any]) -> ScriptError:
    """What `raise` in a script makes, of its text and the name of its class."""
    text, name = values[0], values[1] if len(values) > 1 else None
    return ScriptError(RuntimeError(text), name or "RuntimeError", is_raised=True)
