"""TensorFlow's own profiler, for one window."""

from __future__ import annotations

import glob
import os
import shutil
import sys
import tempfile
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_kernels import _compat
from tracedbg.adapters.tf_kernels.calls import Calls
from tracedbg.adapters.tf_kernels.logs import quiet
from tracedbg.adapters.tf_kernels.nodes import Nodes
from tracedbg.adapters.tf_kernels.xspace import kernels_of
from tracedbg.heap import Growth
from tracedbg.kernels import KernelsSeen
from tracedbg.window import IMPORTING

if TYPE_CHECKING:
    from types import FrameType

    from tracedbg.hooks import Hooks

MOST_BYTES = 250_000_000
"""Of what the profiler has noted down: 0.7 KB of an op, which become 1.2 KB more when it ends."""
_TRACING = "tracing_compilation.py"
"""The file of TensorFlow that is on the stack while a function is traced."""


class TfRecording:
    """See `tracedbg.window.Recording`."""

    profiler = "tensorflow"

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self._session: Any = None
        self._growth: Growth | None = None
        self._folder = ""
        self._calls: Calls | None = None
        hooks.on_remove(self._forget)

    def is_good_moment(self) -> bool:
        """See `Recording`; the same for the methods below."""
        if not _compat.HAS_RUNTIME.get()()._initialized:
            return False  # nothing has been run yet: TensorFlow may be there for another's sake
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if frame.f_code.co_filename.endswith((_TRACING, *IMPORTING)):
                return False
            frame = frame.f_back
        return True

    def start(self) -> bool:  # noqa: D102
        import tensorflow as tf

        session = _compat.SESSION.get()()
        self._folder = tempfile.mkdtemp(prefix="tracedbg-")
        try:
            with quiet():
                session.start(self._folder, {})  # the defaults: each op of a graph, and no calls of Python
        except tf.errors.AlreadyExistsError:
            self._remove_folder()
            return False
        self._session = session
        self._growth = Growth(MOST_BYTES)
        self._calls = Calls(self._hooks)
        self._calls.install()
        return True

    def is_full(self) -> bool:  # noqa: D102
        return self._session is not None and self._growth is not None and self._growth.is_over()

    def before_trace(self) -> None:
        """Nodes know themselves where they come from."""

    def cancel(self) -> None:  # noqa: D102
        self._forget()
        with quiet():
            self._session = self._calls = None
        self._remove_folder()

    def stop(self) -> KernelsSeen | None:  # noqa: D102
        session, calls = self._session, self._calls
        self._forget()
        if session is None or calls is None:
            return None
        self._session = self._calls = None
        try:
            with quiet():
                session.export_to_tb()
            space = _compat.XSPACE.get()()
            for file in glob.glob(os.path.join(self._folder, "**", "*.xplane.pb"), recursive=True):
                with open(file, "rb") as opened:
                    space.MergeFromString(opened.read())
        finally:
            self._remove_folder()
        kernels, dropped = kernels_of(space, Nodes(), calls)
        return KernelsSeen(self.profiler, kernels, dropped=dropped)

    def _forget(self) -> None:
        if self._calls is not None:
            self._calls.remove()

    def _remove_folder(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
