"""Measure what recording TensorFlow's ops costs, beside other profilers: `python -m benchmarks.tf_ops`.

Each program runs plain and under each tool in turn, again and again; ratios are the medians of the ratios
pair by pair, of CPU seconds: of the loop, as the program itself measures it, and of all processes together,
with the start, the end and the report. Memory is the peak of the largest process, beyond plain. What is not
installed is left out, and said. Linux only.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks import rows

PROGRAMS = Path(__file__).parent / "programs"
CASES = {
    "small": ("tf_eager_loop.py", ["64"], "eager TensorFlow training, 64 units"),
    "large": ("tf_eager_loop.py", ["512"], "eager TensorFlow training, 512 units"),
    "function": ("tf_loop.py", [], "steady tf.function loop"),
}
NAMES = [*CASES]
MOST_MB, MOST_MEMORY_MB, MOST_WHOLE = 64, 150, 1.3
"""What the recording may take on disk, in memory, and in time of the whole."""
_PROFILED = """
import runpy, sys
import tensorflow as tf
options = tf.profiler.experimental.ProfilerOptions(host_tracer_level=2, python_tracer_level=1)
folder, sys.argv = sys.argv[1], sys.argv[2:]
tf.profiler.experimental.start(folder, options=options)
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    tf.profiler.experimental.stop()
"""
TOOLS = {
    rows.OURS: ["-m", "tracedbg", "run", "--no-tui", "--ops", "--out", "{out}/run"],
    "cProfile": ["-m", "cProfile", "-o", "{out}/profile"],
    "viztracer": ["-m", "viztracer", "--quiet", "-o", "{out}/trace.json"],
    "scalene": ["-m", "scalene", "run", "--cpu-only", "-o", "{out}/profile.json"],
    "tf.profiler": ["-c", _PROFILED, "{out}"],
}
PLAIN = "plain"
PACKAGES = ("viztracer", "scalene")
"""Tools that may not be installed."""


@dataclass(frozen=True)
class Run:
    """One run of a program."""

    loop_s: float
    whole_s: float
    mb: float
    disk_mb: float


@dataclass
class Figures:
    """The runs of a program under one tool."""

    runs: list[Run] = field(default_factory=list)
    error: str = ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tf_ops", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(CASES)}; all by default")
    parser.add_argument("--pairs", type=int, default=5, help="rounds of each (default 5)")
    rows.add_option(parser)
    options = parser.parse_args()
    unknown = set(options.names) - set(CASES)
    if unknown:
        parser.error(f"no benchmark named {', '.join(sorted(unknown))}")
    results = rows.Results(options.json)
    for name in options.names or CASES:
        tell(results, name, measure(name, options.pairs))
    return results.end()


def measure(name: str, rounds: int) -> dict[str, Figures]:
    figures = {tool: Figures() for tool in (PLAIN, *TOOLS)}
    for _ in range(rounds):
        for tool, one in figures.items():
            if one.error:
                continue
            if tool in PACKAGES and importlib.util.find_spec(tool) is None:
                one.error = "not installed"
                continue
            try:
                one.runs.append(run(name, TOOLS.get(tool, [])))
            except (subprocess.CalledProcessError, ValueError, IndexError) as error:
                one.error = f"failed: {error}"[:200]
    return figures


def run(name: str, tool: list[str]) -> Run:
    program, arguments, _ = CASES[name]
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, *(part.replace("{out}", out) for part in tool)]
        process = subprocess.Popen(
            [*command, str(PROGRAMS / program), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=out,
        )
        printed = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command[:4])
        loop_s = next(float(line) for line in printed.splitlines() if line.replace(".", "", 1).isdigit())
        disk = sum(file.stat().st_size for file in Path(out).rglob("*") if file.is_file())
        return Run(loop_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, disk / 1e6)


def tell(results: rows.Results, name: str, figures: dict[str, Figures]) -> None:
    """A row for each tool of each figure; the loop may take no longer than under any other tool."""
    plain = figures.pop(PLAIN).runs
    of = CASES[name][2]
    loops = {
        tool: [ours.loop_s / alone.loop_s for ours, alone in zip(one.runs, plain, strict=True)]
        for tool, one in figures.items()
        if not one.error
    }
    least = min((median(ratios) for tool, ratios in loops.items() if tool != rows.OURS), default=None)
    for what, unit, limit, of_pair in (
        ("ops recorded: CPU time of the loop", "x", least, lambda ours, alone: ours.loop_s / alone.loop_s),
        ("CPU time of all of it", "x", MOST_WHOLE, lambda ours, alone: ours.whole_s / alone.whole_s),
        ("peak of memory beyond plain", "MB", MOST_MEMORY_MB, lambda ours, alone: ours.mb - alone.mb),
        ("on disk", "MB", MOST_MB, lambda ours, _: ours.disk_mb),
    ):
        for tool, one in figures.items():
            if one.error:
                results.add(rows.missing(name, f"{of}, {what}", unit, tool, one.error))
                continue
            values = [of_pair(ours, alone) for ours, alone in zip(one.runs, plain, strict=True)]
            most = limit if tool == rows.OURS else None
            results.add(rows.measured(name, f"{of}, {what}", unit, values, most, tool=tool))


if __name__ == "__main__":
    sys.exit(main())
