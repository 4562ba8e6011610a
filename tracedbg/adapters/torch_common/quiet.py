"""Runs operations of torch that nobody notices: no mode, no graph, no compiler, no profiler."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, TypeVar

from tracedbg.adapters.torch_common._compat import NO_MODES, NO_SUBCLASSES, NO_TRANSFORMS, TRANSFORMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    T = TypeVar("T")


@contextmanager
def quietly() -> Iterator[None]:
    """Nothing in the block is recorded by autograd, or seen by a mode or a subclass of anybody's.

    For a stop. Where the program runs on, `call_quietly` is for it: Ctrl+C between the lines of this leaves
    gradients off for as long as somebody holds what it raises.
    """
    import torch

    with NO_SUBCLASSES.get()(), NO_MODES.get()(), _no_transforms(), torch.no_grad():
        yield


def call_quietly(function: Callable[..., T], *arguments: Any) -> T:
    """`function(*arguments)` likewise; Ctrl+C at any moment leaves the program's gradients as they were.

    Python calls a signal's handler where a function begins, and after a call: what turns something on or off
    is one call of C code, and nothing is called between that and its `try`.
    """
    import torch

    turn, is_on = torch._C._set_grad_enabled, torch.is_grad_enabled()
    with NO_SUBCLASSES.get()(), NO_MODES.get()(), _no_transforms():
        try:
            turn(False)
            return function(*arguments)
        finally:
            turn(is_on)


def _no_transforms() -> AbstractContextManager[Any]:
    left: AbstractContextManager[Any] = nullcontext() if TRANSFORMS.get()() is None else NO_TRANSFORMS.get()()
    return left
