"""Torch's own profiler, for one window."""

from __future__ import annotations

import os
import sys
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_kernels import _compat
from tracedbg.adapters.torch_kernels.caches import keep_caches_apart
from tracedbg.adapters.torch_kernels.device import device_kernels
from tracedbg.adapters.torch_kernels.files import Files
from tracedbg.adapters.torch_kernels.tree import TreeWalker, kernels_of
from tracedbg.heap import Growth
from tracedbg.kernels import KernelsSeen
from tracedbg.window import IMPORTING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from tracedbg.adapters.torch_kernels.generated import Generated
    from tracedbg.adapters.torch_kernels.tree import Walked
    from tracedbg.hooks import Hooks

_INSIDE = (os.path.join("torch", "_dynamo", ""), os.path.join("torch", "_inductor", ""))
_PLAIN = ("eval_frame.py", "external_utils.py", "output_code.py")
"""Files of Dynamo and Inductor that are on the stack while compiled code runs."""

MOST_BYTES = 24_000_000
"""Of what the profiler has noted down. A call of Python is 24 bytes, and becomes 1.5 KB and 5 us of work when
the profiler ends; an op is 260 bytes, and becomes 3 KB. So that is a million calls, and 1.5 GB."""


class TorchRecording:
    """See `tracedbg.window.Recording`."""

    profiler = "torch"
    has_shapes = False
    """Whether the profiler is to look at the inputs of ops, which costs time."""

    def __init__(self, hooks: Hooks, generated: Generated) -> None:
        self._hooks = hooks
        self._generated = generated
        self._profile: Any = None
        self._growth: Growth | None = None
        self.is_ours_starting = False
        """Whether the profiler that is being prepared just now is ours."""

    def is_good_moment(self) -> bool:
        """See `Recording`; the same for the methods below."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            file = frame.f_code.co_filename
            if any(part in file for part in _INSIDE) and not file.endswith(_PLAIN):
                return False
            if file.endswith(IMPORTING):
                return False
            frame = frame.f_back
        return True

    def start(self) -> bool:  # noqa: D102
        import torch

        if _compat.IS_RUNNING.get()():
            return False
        profile = torch.autograd.profiler.profile(
            use_device=_device(),
            with_stack=True,
            record_shapes=self.has_shapes,
            use_kineto=True,
            acc_events=False,
        )
        self.is_ours_starting = True
        try:
            with _quiet_kineto():
                profile.__enter__()
        finally:
            self.is_ours_starting = False
        self._profile = profile
        self._growth = Growth(MOST_BYTES)
        return True

    def is_full(self) -> bool:  # noqa: D102
        return self._profile is not None and self._growth is not None and self._growth.is_over()

    def before_trace(self) -> None:  # noqa: D102
        keep_caches_apart(self._hooks)

    def cancel(self) -> None:  # noqa: D102
        profile, self._profile = self._profile, None
        if profile is not None:
            _end(profile)

    def stop(self) -> KernelsSeen | None:  # noqa: D102
        profile, self._profile = self._profile, None
        if profile is None:
            return None
        _end(profile)
        results = profile.kineto_results
        roots = getattr(results, _compat.TREE)()
        walker = TreeWalker(self._generated, Files(), _forward_threads(results, roots))
        return self._seen(results, walker.walk(roots))

    def _seen(self, results: Any, walked: Walked) -> KernelsSeen | None:
        kernels = device_kernels(results, walked) or kernels_of(walked)
        return KernelsSeen(self.profiler, kernels, dropped=walked.dropped)


def _end(profile: Any) -> None:
    """Stop it; that an op is under way, as in the middle of a backward, is nothing to warn the program of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        profile.__exit__(None, None, None)


def _device() -> str | None:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    xpu = getattr(torch, "xpu", None)
    return "xpu" if xpu is not None and xpu.is_available() else None


def _forward_threads(results: Any, roots: list[Any]) -> dict[int, int]:
    """Correlation id of a backward's op -> thread of its forward, where there are several threads."""
    if len({root.start_tid for root in roots}) < 2:  # noqa: PLR2004  one thread has one forward
        return {}
    return {
        event.correlation_id(): event.fwd_thread_id()
        for event in results.events()
        if event.fwd_thread_id() and event.sequence_nr() >= 0
    }


@contextmanager
def _quiet_kineto() -> Iterator[None]:
    before = os.environ.get(_compat.LOG_VARIABLE)
    if before is not None:
        yield
        return
    os.environ[_compat.LOG_VARIABLE] = _compat.LOG_LEVEL
    try:
        yield
    finally:
        del os.environ[_compat.LOG_VARIABLE]
