"""The cost of observing a program: its stretches alternate with those of the same program plain.

Two processes that run one after the other differ by what else the machine does meanwhile, which on a shared
one is more than the tool costs. Stretches of some tens of milliseconds that alternate meet the same machine.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

from benchmarks.programs.stretches import IN_TURN

if TYPE_CHECKING:
    from collections.abc import Sequence

_KEEPS_PAGES = {"MALLOC_MMAP_THRESHOLD_": "1000000000", "MALLOC_TRIM_THRESHOLD_": "1000000000"}
"""Whether glibc gives a tensor's pages back each time is chance: a process can take twice as long for it."""


class _Process:
    """One that waits for its turn; its program uses `programs/stretches.py`."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = [*command, IN_TURN]
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | _KEEPS_PAGES,
        )
        self.count = int(self._answer())

    def stretch_s(self) -> float:
        """What its next stretch takes."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return float(self._answer())

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"this has failed: {shlex.join(self._command)}")
        return line

    def close(self) -> None:
        """Have it run what is left, if anything, and end."""
        self._process.communicate()


def ratio(plain: Sequence[str], observed: Sequence[str]) -> float:
    """The CPU time of all stretches of the second command, to that of the same ones of the first."""
    with closing(_Process(plain)) as one, closing(_Process(observed)) as other:
        sums = {one: 0.0, other: 0.0}
        for number in range(min(one.count, other.count)):
            for process in (one, other) if number % 2 else (other, one):
                sums[process] += process.stretch_s()
    return sums[other] / sums[one]
