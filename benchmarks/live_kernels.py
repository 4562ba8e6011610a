"""What `tracedbg run --kernels` costs the program: in the window, outside of it, as a whole, and in memory.

Each program runs plain and timed in turn. Which of its steps were in the window is read from the recording.
Times are CPU seconds of all threads, so that another load on the machine does not decide.
"""

from __future__ import annotations

import functools
import json
import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tracedbg.store.reader import Run

PROGRAMS = Path(__file__).parent / "programs"
WARM_UP = 20
"""Steps that are left out: compiling, caches."""
_PROGRAMS = {
    "kernels_eager": "eager torch",
    "kernels_compiled": "Inductor",
    "kernels_tf": "tf.function",
}
_FIGURES = {
    "inside": ("a step in the window", "x", 1.5),
    "outside": ("a step after it", "x", 1.05),
    "process": ("the process of 150 steps", "x", 1.5),
    "memory": ("peak of memory, beyond plain", "MB", 150.0),
}
ROWS = {
    f"{program}_{figure}": (program, figure, f"{of}, --kernels: {what}", unit, limit)
    for program, of in _PROGRAMS.items()
    for figure, (what, unit, limit) in _FIGURES.items()
}
"""Name -> program, figure, what it is, its unit and its limit. One run of a program gives all its figures."""


@dataclass(frozen=True)
class Ran:
    """A program that has run."""

    cpu_s: float
    peak_mb: float
    inside_ns: float
    outside_ns: float


@functools.cache
def figures(program: str, pairs: int) -> dict[str, list[float]]:
    """Each figure, of each pair."""
    found: dict[str, list[float]] = {figure: [] for figure in _FIGURES}
    timed(program)  # what is cached on disk is there from now on
    for _ in range(pairs):
        plain, observed = plain_run(program), timed(program)
        found["inside"].append(observed.inside_ns / plain.outside_ns)
        found["outside"].append(observed.outside_ns / plain.outside_ns)
        found["process"].append(observed.cpu_s / plain.cpu_s)
        found["memory"].append(observed.peak_mb - plain.peak_mb)
    return found


def plain_run(program: str) -> Ran:
    cpu_s, told = _run(sys.executable, str(PROGRAMS / f"{program}.py"))
    return Ran(cpu_s, told["peak_mb"], 0, median(told["cpu_ns"][WARM_UP:]))


def timed(program: str) -> Ran:
    """Under `tracedbg run --kernels`; its steps apart by whether they were in the window."""
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "run")
        tool = [sys.executable, "-m", "tracedbg", "run", "--no-tui", "--quiet", "--kernels", "--out", out]
        cpu_s, told = _run(*tool, str(PROGRAMS / f"{program}.py"))
        with Run.open(out) as run:
            ((began_ns, window),) = [
                (process.info.started_wall_ns, window)
                for process in run.processes
                for window in process.kernel_windows()
                if window.kernels
            ]
    inside, outside = [], []
    for start_ns, end_ns, cpu_ns in zip(told["starts"], told["ends"], told["cpu_ns"], strict=True):
        if window.start_ns <= start_ns - began_ns and end_ns - began_ns <= window.end_ns:
            inside.append(cpu_ns)
        elif start_ns - began_ns > window.end_ns:
            outside.append(cpu_ns)
    return Ran(cpu_s, told["peak_mb"], median(inside), median(outside))


def _run(*command: str) -> tuple[float, dict]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return cpu_s, json.loads(done.stdout.splitlines()[-1])
