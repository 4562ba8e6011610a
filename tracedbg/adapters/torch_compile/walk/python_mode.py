"""Python mode: compiled functions run as the Python that they were compiled from, for Python's breakpoints.

It shows all locals, and what Python really does; op mode (a walk) shows the graph that was traced. Nothing is
compiled while it is on, and what has been compiled before is used again afterwards.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_lock = threading.Lock()
_stance: list[Any] = []
"""What puts the stance back that was there before; empty while the mode is off."""


def python_mode(on: bool) -> None:
    """Have the compiled functions of this process run as Python, or not, from the next call on.

    Raises:
        RuntimeError: this thread is in a compiled function, where `torch.compiler.set_stance` is forbidden.
    """
    import torch

    with _lock:
        if on and not _stance:
            _stance.append(torch.compiler.set_stance("force_eager"))
        elif not on and _stance:
            stance = _stance.pop()
            try:
                stance.__exit__(None, None, None)
            except BaseException:
                _stance.append(stance)
                raise


def is_python_mode() -> bool:
    """Whether it is on."""
    return bool(_stance)


@contextmanager
def force_eager() -> Iterator[None]:
    """Python mode in a block; stays on afterwards if it was on before."""
    was_on = is_python_mode()
    python_mode(True)
    try:
        yield
    finally:
        if not was_on:
            python_mode(False)
