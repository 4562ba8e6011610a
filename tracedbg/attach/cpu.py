"""How much of each moment the threads of a process could run, by Linux' scheduler.

A stack of Python does not tell whether its thread runs or waits. Who takes the stacks holds the process
meanwhile: that time is neither. It must not know stacks.
"""

from __future__ import annotations

import os
from bisect import bisect_left, bisect_right
from contextlib import suppress

from tracedbg.attach.process import PROC

_AROUND_S = 0.5
_HELD = b"t"
"""The state of a thread that another process has stopped by ptrace (proc(5))."""


class CpuMeter:
    """Reads how long threads have run, again and again; all times in seconds of the caller's clock."""

    def __init__(self, pids: list[int]) -> None:
        self._pids = pids
        self._at_s: dict[int, list[float]] = {}
        self._able_s: dict[int, list[float]] = {}
        self._queued_s: dict[int, tuple[float, float]] = {}
        self._looked_s: list[float] = []
        self._held: list[int] = [0]
        """How often it was found to be held, up to each look."""

    def read(self, now_s: float) -> None:
        """Note how long each thread has run until now."""
        for pid in self._pids:
            folder = f"{PROC}/{pid}/task"
            try:
                threads = os.listdir(folder)
            except OSError:
                continue
            for name in threads:
                with suppress(OSError, ValueError):
                    with open(f"{folder}/{name}/schedstat", encoding="ascii") as file:
                        ran_s, queued_s = (int(number) / 1e9 for number in file.read().split()[:2])
                    thread = int(name)
                    self._at_s.setdefault(thread, []).append(now_s)
                    self._able_s.setdefault(thread, []).append(ran_s + queued_s)
                    self._queued_s[thread] = self._queued_s.get(thread, (queued_s, 0))[0], queued_s

    def look(self, now_s: float) -> None:
        """Note whether the process is being held now."""
        try:
            with open(f"{PROC}/{self._pids[0]}/stat", "rb") as file:
                state = file.read().rpartition(b")")[2].split()[0]
        except (OSError, IndexError):
            return
        self._looked_s.append(now_s)
        self._held.append(self._held[-1] + (state == _HELD))

    def held(self, at_s: float | None = None) -> float:
        """How much of the time around `at_s`, or of all, the process was held."""
        first, last = 0, len(self._looked_s)
        if at_s is not None:
            first = bisect_left(self._looked_s, at_s - _AROUND_S)
            last = bisect_right(self._looked_s, at_s + _AROUND_S)
        return (self._held[last] - self._held[first]) / (last - first) if last > first else 0.0

    def span(self, thread: int) -> tuple[float, float] | None:
        """From when to when that thread was there."""
        at_s = self._at_s.get(thread)
        return (at_s[0], at_s[-1]) if at_s else None

    def queued_s(self, thread: int) -> float:
        """How long that thread had to wait for a core since the first reading."""
        first_s, last_s = self._queued_s.get(thread, (0.0, 0.0))
        return last_s - first_s

    def share(self, thread: int, at_s: float) -> float | None:
        """How much of the moment at `at_s`, but for being held, it ran or lacked only a core.

        None where that is not known.
        """
        moments = self._at_s.get(thread, [])
        if len(moments) < 2:  # noqa: PLR2004  a difference needs two
            return None
        after = min(max(bisect_right(moments, at_s), 1), len(moments) - 1)
        long_s = moments[after] - moments[after - 1]
        able_s = self._able_s[thread]
        free_s = long_s * (1.0 - self.held(at_s))
        return min(max((able_s[after] - able_s[after - 1]) / free_s, 0.0), 1.0) if free_s > 0 else None
