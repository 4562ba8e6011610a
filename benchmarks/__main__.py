"""Run the benchmarks: `python -m benchmarks [--pairs N] [NAME...]`.

Each program runs plain and observed in turn, A B A B ..., so that a machine whose speed drifts does
not decide: loops stretch by stretch (see `benchmarks.turns`). The ratio is the median of those of the pairs.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import live_kernels, rows, turns

PROGRAMS = Path(__file__).parent / "programs"
RATIOS = {
    "tf_loop": ("steady tf.function loop", 1.02),
    "torch_compile_loop": ("steady torch.compile loop", 1.02),
    "torch_eager_conv": ("eager convolution net", 1.02),
    "tf_trace": ("tracing by tf.function", 1.05),
    "torch_trace": ("compiling by torch.compile", 1.05),
}
DEBUGGED = {
    "debug_torch": ("torch_compile_loop", "torch.compile loop, debugged, nothing armed", 1.02),
    "debug_torch_net": ("torch_mobile_loop", "torch.compile train step, debugged, nothing armed", 1.02),
    "debug_tf": ("tf_loop", "tf.function loop, debugged, nothing armed", 1.02),
    "debug_tf_net": ("tf_mobile_loop", "tf.function train step, debugged, nothing armed", 1.02),
}
"""Recorded, and under a debugger that waits for a retrace, against recorded alone."""
ARMED = {
    "debug_armed_torch": ("a breakpoint that does not hold, torch.compile", 4.0),
    "debug_armed_tf": ("a breakpoint that does not hold, tf.function", 4.0),
    "debug_armed_python": ("a breakpoint elsewhere, a loop of Python calls", 10.0),
}
"""The program takes the ratio itself: to the same function run eager, or with nothing armed."""
SAMPLED = {
    "sampled_torch": ("torch_eager", "cpu", "eager torch train step, sampled: CPU time", 1.01),
    "sampled_torch_wall": ("torch_eager", "wall", "eager torch train step, sampled: wall time", 1.01),
    "sampled_compile": ("torch_compile", "cpu", "torch.compile loop, sampled: CPU time", 1.01),
    "sampled_compile_wall": ("torch_compile", "wall", "torch.compile loop, sampled: wall time", 1.01),
    "sampled_tf": ("tf_function", "cpu", "tf.function loop, sampled: CPU time", 1.01),
    "sampled_tf_wall": ("tf_function", "wall", "tf.function loop, sampled: wall time", 1.01),
}
"""Recorded with samples, against recorded without; the program takes the ratio, stretch by stretch."""
SUITES = {
    "pytest_torch": ("pytest_whole.py", "torch", "200 tests that compile, pytest --tracedbg", 1.05),
    "pytest_tf": ("pytest_whole.py", "tf", "200 tests that trace, pytest --tracedbg", 1.05),
    "pytest_torch_tests": ("pytest_suite.py", "torch", "those that compile, without imports and start", 1.15),
    "pytest_tf_tests": ("pytest_suite.py", "tf", "those that trace, without imports and start", 1.15),
}
"""A suite of tests, observed by the pytest plugin, against the same without; the programs take the ratio."""
MILLISECONDS = {
    "pytest_start": ("start of pytest, the plugin installed and off", 3.0),
    "import": ("import tracedbg", 30.0),
    "help": ("tracedbg --help", 150.0),
    "startup": ("start-up of a program, beyond plain", 60.0),
    "explain_tf": ("explaining a retrace of tf.function", 1.0),
    "explain_torch": ("explaining a recompile of torch.compile", 2.0),
    "dap_torch": ("a stop over the debug adapter, and on to the next", 5.0),
}

NAMES = [*RATIOS, *DEBUGGED, *ARMED, *SAMPLED, *SUITES, *MILLISECONDS, *live_kernels.ROWS]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(NAMES)}; all by default")
    parser.add_argument("--pairs", type=int, default=7, help="alternating pairs of each (default 7)")
    rows.add_option(parser)
    options = parser.parse_args()
    unknown = set(options.names) - set(NAMES)
    if unknown:
        parser.error(f"no benchmark named {', '.join(sorted(unknown))}")
    print(f"{machine()}; medians of {options.pairs} alternating pairs (lowest to highest)")
    results = rows.Results(options.json)
    for name in options.names or NAMES:
        results.add(measure(name, options.pairs))
    return results.end()


def machine() -> str:
    versions = [f"Python {platform.python_version()}"]
    for package in ("torch", "tensorflow_cpu", "tensorflow"):
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return f"{platform.machine()}, {', '.join(versions)}"


def measure(name: str, pairs: int) -> rows.Row:
    if name in MILLISECONDS:
        return measure_ms(name, pairs)
    if name in live_kernels.ROWS:
        program, figure, what, unit, limit = live_kernels.ROWS[name]
        found = live_kernels.figures(program, pairs)[figure]
        return rows.measured(name, what, unit, found, limit)
    if name in RATIOS:
        what, limit = RATIOS[name]
        ratios = [ratio_of(name) for _ in range(pairs)]
    elif name in DEBUGGED:
        program, what, limit = DEBUGGED[name]
        ratios = [debugged_ratio(program) for _ in range(pairs)]
    elif name in SAMPLED:
        loop, clock, what, limit = SAMPLED[name]
        program = str(PROGRAMS / "sampled.py")
        ratios = [
            float(run(sys.executable, program, loop, clock).split()[-1]) for _ in range(max(pairs // 3, 1))
        ]
    elif name in SUITES:
        program, framework, what, limit = SUITES[name]
        ratios = [suite_ratio(program, framework) for _ in range(pairs)]
    else:
        what, limit = ARMED[name]
        ratios = [program_figure(name) for _ in range(pairs)]
    return rows.measured(name, what, "x", ratios, limit)


def ratio_of(program: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        return turns.ratio(plain(program), recorded(program, f"{folder}/run"))


def debugged_ratio(program: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        debugged = recorded(program, f"{folder}/debugged", "--break", "retrace")
        return turns.ratio(recorded(program, f"{folder}/recorded"), debugged)


def program_figure(name: str) -> float:
    return float(run(*plain(name)).split()[-1])


def plain(program: str) -> list[str]:
    return [sys.executable, str(PROGRAMS / f"{program}.py")]


def recorded(program: str, out: str, *options: str) -> list[str]:
    tool = [sys.executable, "-m", "tracedbg", "run", "--no-tui", "--quiet", "--out", out]
    return [*tool, *options, str(PROGRAMS / f"{program}.py")]


def measure_ms(name: str, pairs: int) -> rows.Row:
    what, limit = MILLISECONDS[name]
    if name.startswith(("explain_", "dap_")):
        figures = [explain_figure(name) for _ in range(pairs)]
    else:
        measure = {
            "import": import_ms,
            "help": help_ms,
            "startup": startup_ms,
            "pytest_start": pytest_start_ms,
        }[name]
        figures = [measure() for _ in range(pairs * 3)]
    return rows.measured(name, what, "ms", figures, limit)


def import_ms() -> float:
    code = "import time; s = time.perf_counter(); import tracedbg; print((time.perf_counter() - s) * 1e3)"
    return float(run(sys.executable, "-c", code))


def help_ms() -> float:
    return wall_ms(lambda: run(sys.executable, "-m", "tracedbg", "--help"))


def startup_ms() -> float:
    with tempfile.TemporaryDirectory() as folder:
        plain_ms = wall_ms(lambda: run(*plain("nothing")))
        return wall_ms(lambda: run(*recorded("nothing", f"{folder}/run"))) - plain_ms


def suite_ratio(program: str, framework: str) -> float:
    """The program takes the ratio itself."""
    return float(run(sys.executable, str(PROGRAMS / program), framework).split()[-1])


def pytest_start_ms() -> float:
    """The program takes the difference itself, in one process: starts of pytest vary by more than it."""
    return float(run(sys.executable, str(PROGRAMS / "pytest_start.py")).split()[-1])


def explain_figure(name: str) -> float:
    """The program takes the time itself: the median over its retraces."""
    with tempfile.TemporaryDirectory() as folder:
        return float(run(sys.executable, str(PROGRAMS / f"{name}.py"), cwd=folder).split()[-1])


def wall_ms(action) -> float:
    start = time.perf_counter()
    action()
    return (time.perf_counter() - start) * 1e3


def run(*command: str, cwd: str | None = None) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=cwd).stdout


if __name__ == "__main__":
    sys.exit(main())
