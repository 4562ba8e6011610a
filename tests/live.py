"""Programs that run while a test looks into them; every wait is for something that happens."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE_S = 120
TRACEDBG = os.path.join(os.path.dirname(sys.executable), "tracedbg")
WAITING = """\
import sys
import threading


def wait():
    print("ready", flush=True)
    sys.stdin.read()  # @wait


def turn():
    while True:
        sum(range(1000))  # @turn


if "busy" in sys.argv:
    threading.Thread(target=turn, name="busy \\x1b[31m", daemon=True).start()
wait()  # @call
"""


def until(happened: Callable[[], bool]) -> None:
    """Give up the core until it has happened."""
    began_s = time.monotonic()
    while not happened():
        assert time.monotonic() - began_s < PATIENCE_S, "it has not happened"
        os.sched_yield()


def line_of(text: str, marker: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if line.endswith(f"# @{marker}"))


@contextmanager
def running(*command: str, cwd: Path | None = None, **options) -> Iterator[subprocess.Popen]:
    """A program that has said `ready`, and is ended with the block."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=cwd, **options
    ) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


@contextmanager
def waiting(folder: Path, *words: str) -> Iterator[subprocess.Popen]:
    """A Python that waits in the line `@wait`, and perhaps (`busy`) has a thread that does not."""
    (folder / "waiting.py").write_text(WAITING)
    with running(sys.executable, "waiting.py", *words, cwd=folder) as process:
        until(lambda: state_of(process.pid) == "S")
        yield process


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def children_of(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def until_sampled(tracedbg: int) -> None:
    """Wait until the py-spy of a `tracedbg attach` has said that it samples."""
    until(lambda: any(_has_spoken(child) for child in children_of(tracedbg)))


def _has_spoken(py_spy: int) -> bool:
    try:
        return "py-spy" in os.readlink(f"/proc/{py_spy}/exe") and os.stat(f"/proc/{py_spy}/fd/1").st_size > 0
    except OSError:
        return False
