"""What it costs to record torch's ops, beside other tools: `python -m benchmarks.ops [--pairs N] [NAME...]`.

`steps_*`: train steps of three nets in one process, in alternating blocks (programs/op_cost.py), beside
torch.profiler, cProfile and, where it is installed, viztracer. `whole`: all of a process and its report,
beside scalene, py-spy, viztracer and cProfile. `many`: ten million ops.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks import rows
from benchmarks.__main__ import PROGRAMS, machine

NETS = {"steps_mlp": ("mlp", None), "steps_transformer": ("transformer", 1.10), "steps_conv": ("conv", 1.03)}
"""Name -> net, and what recording may cost; None: as long as it is less than torch.profiler's."""
NAMES = [*NETS, "whole", "many"]
MANY = 10_000_000
PATIENCE_S, PATIENCE = 120, 20
"""Seconds, or so many times what the program takes alone: then a tool is given up."""
PEER = "torch.profiler with_stack"
ALONE = "tracedbg"
TOOLS = {ALONE: "tracedbg, ops alone", "tracedbg, graphs too": rows.OURS}
"""As the program calls it -> as it is told: by itself, it is what `--ops` does."""


class Ended(NamedTuple):
    """A process and its children."""

    cpu_s: float
    wall_s: float
    peak_mb: float


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ops", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(NAMES)}; all by default")
    parser.add_argument("--pairs", type=int, default=7, help="alternating pairs of each (default 7)")
    rows.add_option(parser)
    options = parser.parse_args()
    unknown = set(options.names) - set(NAMES)
    if unknown:
        parser.error(f"no benchmark named {', '.join(sorted(unknown))}")
    print(f"{machine()}; medians of {options.pairs} alternating pairs (lowest to highest)", flush=True)
    results = rows.Results(options.json)
    for name in options.names or NAMES:
        if name in NETS:
            steps(results, name, options.pairs)
        elif name == "whole":
            whole(results, options.pairs)
        else:
            many(results)
    return results.end()


def steps(results: rows.Results, name: str, pairs: int) -> None:
    net, limit = NETS[name]
    program = [sys.executable, str(PROGRAMS / "op_cost.py"), net, str(pairs)]
    with tempfile.TemporaryDirectory() as folder:
        told = subprocess.run(program, check=True, capture_output=True, text=True, cwd=folder)
    ratios = json.loads(told.stdout.splitlines()[-1])
    peer = median(ratios[PEER])
    what = f"train step of the {net}, ops recorded: CPU time"
    for recorder, values in ratios.items():
        bound = min(peer, limit or peer) if recorder == ALONE else None
        results.add(rows.measured(name, what, "x", values, bound, tool=TOOLS.get(recorder, recorder)))
    if "viztracer" not in ratios:
        results.add(rows.missing(name, what, "x", "viztracer"))


def whole(results: rows.Results, pairs: int) -> None:
    """The program, its recording, and the report of it; against the program alone."""
    program = str(PROGRAMS / "op_compiled_loop.py")
    ratios, extra, sizes = defaultdict(list), defaultdict(list), []
    failed = {name: "not installed" for name in WHOLE if not is_installed(name)}
    for number in range(pairs):
        for name, command in WHOLE.items():
            if name in failed or (name != rows.OURS and number):
                continue  # once is enough to see how far off the others are
            plain = ended([sys.executable, program])
            with tempfile.TemporaryDirectory() as folder:
                out = str(Path(folder) / "run")
                try:
                    observed = ended([*command(out), program], plain)
                except subprocess.CalledProcessError:
                    if name == rows.OURS:
                        raise
                    failed[name] = "failed, or did not end"
                    continue
                if name == rows.OURS:
                    sizes.append(size_mb(Path(out)))
            ratios[name].append(observed.cpu_s / plain.cpu_s)
            extra[name].append(observed.peak_mb - plain.peak_mb)
    for what, found, unit, most in (
        ("compiled loop, CPU time of all of it", ratios, "x", 1.3),
        ("compiled loop, peak of memory beyond plain", extra, "MB", 150.0),
    ):
        for name in WHOLE:
            if name in failed:
                results.add(rows.missing("whole", what, unit, name, failed[name]))
            else:
                limit = most if name == rows.OURS else None
                results.add(rows.measured("whole", what, unit, found[name], limit, tool=name))
    results.add(rows.measured("whole", "compiled loop, the recording", "MB", sizes, 64.0))


def many(results: rows.Results) -> None:
    program = [str(PROGRAMS / "op_many.py"), str(MANY)]
    plain = ended([sys.executable, *program])
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "run")
        observed = ended([*TRACEDBG, "--quiet", "--out", out, *program])
        size = size_mb(Path(out))
        report = ended([sys.executable, "-m", "tracedbg", "report", out])
    for what, value, unit, limit in (
        ("peak of memory beyond plain", observed.peak_mb - plain.peak_mb, "MB", 100.0),
        ("the recording", size, "MB", 64.0),
        ("the report", report.wall_s, "s", 10.0),
        ("CPU time", observed.cpu_s / plain.cpu_s, "x", None),
    ):
        results.add(rows.measured("many", f"ten million ops, {what}", unit, [value], limit))


TRACEDBG = [sys.executable, "-m", "tracedbg", "run", "--no-tui", "--ops"]
DEFAULT = "tracedbg without --ops"
WHOLE = {
    rows.OURS: lambda out: [*TRACEDBG, "--out", out],
    DEFAULT: lambda out: [*TRACEDBG[:-1], "--out", out],
    "scalene": lambda out: [sys.executable, "-m", "scalene", "run", "--cpu-only", "-o", f"{out}.json"],
    "py-spy": lambda out: ["py-spy", "record", "--rate", "100", "-o", f"{out}.svg", "--", sys.executable],
    "viztracer": lambda out: [sys.executable, "-m", "viztracer", "--quiet", "-o", f"{out}.json"],
    "cProfile": lambda out: [sys.executable, "-m", "cProfile", "-o", out],
}
"""What looks at all of a process -> its command, to be followed by the program."""


def is_installed(name: str) -> bool:
    return name in (rows.OURS, DEFAULT, "cProfile") or bool(
        shutil.which(name) or importlib.util.find_spec(name)
    )


def ended(command: list[str], plain: Ended | None = None) -> Ended:
    """Run it, and see what it took; without end it is killed."""
    start = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    patience_s = max(PATIENCE_S, PATIENCE * plain.wall_s) if plain else threading.TIMEOUT_MAX
    patience = threading.Timer(patience_s, running.kill)
    patience.daemon = True
    patience.start()
    _, status, usage = os.wait4(running.pid, 0)
    patience.cancel()
    running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode != 0:
        raise subprocess.CalledProcessError(running.returncode, command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Ended(cpu_s, time.perf_counter() - start, usage.ru_maxrss / 1024)


def size_mb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


if __name__ == "__main__":
    sys.exit(main())
