"""What a graph has switched on and not off again: switched off where a walk ends by an error.

Such as autocast: the graph has an op for its beginning, and another one for its end.
"""

from __future__ import annotations

import sys
from typing import Any

_CLOSED_BY = {
    "_enter_autocast": "_exit_autocast",
    "_enter_inference_mode": "_exit_inference_mode",
    "_vmap_increment_nesting": "_vmap_decrement_nesting",
    "_grad_increment_nesting": "_grad_decrement_nesting",
    "_jvp_increment_nesting": "_jvp_decrement_nesting",
    "_enter_dual_level": "_exit_dual_level",
}
_TAKES_WHAT_WAS_MADE = frozenset({"_exit_autocast", "_exit_inference_mode"})
_CLOSERS = frozenset(_CLOSED_BY.values())


class Opened:
    """Of one walk."""

    def __init__(self) -> None:
        import torch

        self._grad = torch.is_grad_enabled()
        self._open: list[tuple[Any, Any]] = []

    def passed(self, function: Any, made: Any) -> None:
        """A function has been run."""
        name = getattr(function, "__name__", "")
        if name in _CLOSED_BY:
            self._open.append((function, made))
        elif name in _CLOSERS and self._open:
            self._open.pop()

    def close(self) -> None:
        """Switch off what is on, the last one first, and put the grad mode back."""
        import torch

        while self._open:
            function, made = self._open.pop()
            name = _CLOSED_BY[function.__name__]
            close = _beside(function, name)
            if close is not None:
                close(made) if name in _TAKES_WHAT_WAS_MADE else close()
        torch._C._set_grad_enabled(self._grad)


def _beside(function: Any, name: str) -> Any:
    """The function called `name` of the module that `function` is of."""
    import torch

    module = sys.modules.get(getattr(function, "__module__", None) or "")
    return getattr(module, name, None) or getattr(torch._C._functorch, name, None)
