"""Runs operations of torch that nobody notices: no mode, no graph, no compiler, no profiler."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from tracedbg.adapters.torch_common._compat import NO_MODES, NO_SUBCLASSES, NO_TRANSFORMS, TRANSFORMS

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def quietly() -> Iterator[None]:
    """Nothing in the block is recorded by autograd, or seen by a mode or a subclass of anybody's."""
    import torch

    with ExitStack() as stack:
        stack.enter_context(NO_SUBCLASSES.get()())
        stack.enter_context(NO_MODES.get()())
        if TRANSFORMS.get()() is not None:
            stack.enter_context(NO_TRANSFORMS.get()())
        stack.enter_context(torch.no_grad())
        yield
