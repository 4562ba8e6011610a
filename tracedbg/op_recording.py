"""Has ops recorded in this process, where a recording asks for it.

It must not know frameworks, nor what becomes of what was seen.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tracedbg import plugins
from tracedbg.attachments import Attachments
from tracedbg.ticker import TELL_S, Ticker

if TYPE_CHECKING:
    from types import ModuleType

    from tracedbg.hooks import Hooks, Hub
    from tracedbg.op_window import OpRecorder, OpWindow


class OpRecording:
    """The ops of one recording; see `options.Extra`."""

    def __init__(self, hub: Hub, window: OpWindow) -> None:
        self._hub = hub
        self._window = window
        self._recorders = Attachments(hub, self._attach)
        self._ticker = Ticker(self._tick, TELL_S)
        self._knows_workers = False

    def start(self) -> None:
        """Attach to the frameworks that the program has imported, and to others when it imports them."""
        self._recorders.start(plugins.op_recorder_names(), plugins.load_op_recorder)

    def _attach(self, recorder: OpRecorder, hooks: Hooks, module: ModuleType) -> None:
        recorder.attach(module, hooks, self._window)
        self._ticker.start()
        self._watch_workers()

    def _watch_workers(self) -> None:
        """Have a child of `multiprocessing` tell what it has counted: it ends by `os._exit`."""
        util = sys.modules.get("multiprocessing.util")
        if util is not None and not self._knows_workers:
            self._knows_workers = True
            util.register_after_fork(self, _tell_at_end)

    def tell(self) -> None:
        """Have everything told that was only counted until now."""
        self._recorders.tell()
        self._hub.flush()

    def _tick(self) -> bool:
        self._recorders.tell()  # not with a flush, which would wait for a fork that waits for us
        return True

    def close(self) -> None:
        """See `options.Extra`."""
        self._ticker.stop()
        self._recorders.tell()
        self._recorders.remove()

    def before_fork(self) -> None:
        """What was counted is the parent's; the child counts on from here."""
        self._recorders.tell()

    def after_fork_in_child(self) -> None:
        """Nothing to be done: the ticker begins anew by itself."""


def _tell_at_end(recording: OpRecording) -> None:
    """In a child that `multiprocessing` has forked."""
    sys.modules["multiprocessing.util"].Finalize(None, recording.tell, exitpriority=0)
