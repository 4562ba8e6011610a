"""A thread for what takes long and needs no stopped thread: reading the recording, for example.

It must not know any request.
"""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

from tracedbg.dap.service import mark

if TYPE_CHECKING:
    from tracedbg.dap.halted import Job

_THREAD_NAME = "tracedbg-dap-work"
_PATIENCE_S = 2.0


class Worker:
    """Does one job after the other; its thread begins with the first."""

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def ask(self, job: Job) -> None:
        """Have it done. To be called in one thread only."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=_THREAD_NAME, daemon=True)
            mark(self._thread)
            self._thread.start()
        self._work.put(job)

    def stop(self) -> None:
        """End the thread after what has been asked until now."""
        self._work.put(None)
        if self._thread is not None:
            self._thread.join(_PATIENCE_S)

    def abandon(self) -> None:
        """In a forked child, where the thread does not exist."""
        self._work = queue.SimpleQueue()
        self._thread = None

    def _run(self) -> None:
        while (job := self._work.get()) is not None:
            job.run()
