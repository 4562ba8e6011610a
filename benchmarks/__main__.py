"""Run the benchmarks: `python -m benchmarks [--pairs N] [NAME...]`.

Each program runs plain and observed in turn, A B A B ..., so that a machine whose speed drifts does
not decide; the ratio is the median of the ratios pair by pair.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

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
    "debug_torch_net": ("torch_mobile_loop", "torch.compile train step, likewise", 1.02),
    "debug_tf": ("tf_loop", "tf.function loop, likewise", 1.02),
    "debug_tf_net": ("tf_mobile_loop", "tf.function train step, likewise", 1.02),
}
"""Recorded, and under a debugger that waits for a retrace, against a plain run."""
ARMED = {
    "debug_armed_torch": ("a breakpoint that does not hold, torch.compile", 4.0),
    "debug_armed_tf": ("a breakpoint that does not hold, tf.function", 4.0),
    "debug_armed_python": ("a breakpoint elsewhere, a loop of Python calls", 10.0),
}
"""The program takes the ratio itself: to the same function run eager, or with nothing armed."""
SUITES = {
    "pytest_torch": ("pytest_whole.py", "torch", "200 tests that compile, pytest --tracedbg", 1.05),
    "pytest_tf": ("pytest_whole.py", "tf", "200 tests that trace, pytest --tracedbg", 1.05),
    "pytest_torch_tests": ("pytest_suite.py", "torch", "the same, without imports, start and end", 1.15),
    "pytest_tf_tests": ("pytest_suite.py", "tf", "the same, without imports, start and end", 1.15),
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

NAMES = [*RATIOS, *DEBUGGED, *ARMED, *SUITES, *MILLISECONDS]
FEW_MS = 10.0
"""Figures with a limit below are shown with their fractions."""


@dataclass(frozen=True)
class Row:
    """One figure beside its limit."""

    name: str
    what: str
    unit: str
    value: float
    limit: float
    low: float
    high: float

    @property
    def is_within(self) -> bool:
        return self.value <= self.limit


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(NAMES)}; all by default")
    parser.add_argument("--pairs", type=int, default=7, help="alternating pairs of each (default 7)")
    parser.add_argument("--json", metavar="FILE", help="write the figures there as well")
    options = parser.parse_args()
    unknown = set(options.names) - set(NAMES)
    if unknown:
        parser.error(f"no benchmark named {', '.join(sorted(unknown))}")
    print(f"{machine()}; medians of {options.pairs} alternating pairs (lowest to highest)")
    rows = []
    for name in options.names or NAMES:
        row = measure(name, options.pairs)
        rows.append(row)
        digits = 3 if row.unit == "x" or row.limit < FEW_MS else 0
        spread = f"({row.low:.{digits}f} to {row.high:.{digits}f})"
        verdict = "ok" if row.is_within else "OVER"
        print(
            f"{row.what:48} {row.value:7.{digits}f} {row.unit:2} {spread:20} limit {row.limit:5g} {verdict}",
            flush=True,
        )
    if options.json:
        Path(options.json).write_text(json.dumps([asdict(row) for row in rows], indent=1))
    return 0 if all(row.is_within for row in rows) else 1


def machine() -> str:
    versions = [f"Python {platform.python_version()}"]
    for package in ("torch", "tensorflow_cpu", "tensorflow"):
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return f"{platform.machine()}, {', '.join(versions)}"


def measure(name: str, pairs: int) -> Row:
    if name in MILLISECONDS:
        return measure_ms(name, pairs)
    if name in RATIOS:
        what, limit = RATIOS[name]
        ratios = [observed_figure(name) / plain_figure(name) for _ in range(pairs)]
    elif name in DEBUGGED:
        program, what, limit = DEBUGGED[name]
        ratios = [
            observed_figure(program, "--break", "retrace") / observed_figure(program) for _ in range(pairs)
        ]
    elif name in SUITES:
        program, framework, what, limit = SUITES[name]
        ratios = [suite_ratio(program, framework) for _ in range(pairs)]
    else:
        what, limit = ARMED[name]
        ratios = [plain_figure(name) for _ in range(pairs)]
    return Row(name, what, "x", median(ratios), limit, min(ratios), max(ratios))


def plain_figure(name: str) -> float:
    return float(run(sys.executable, str(PROGRAMS / f"{name}.py")).split()[-1])


def observed_figure(name: str, *options: str) -> float:
    return float(run_observed(f"{name}.py", *options).split()[-1])


def measure_ms(name: str, pairs: int) -> Row:
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
    return Row(name, what, "ms", median(figures), limit, min(figures), max(figures))


def import_ms() -> float:
    code = "import time; s = time.perf_counter(); import tracedbg; print((time.perf_counter() - s) * 1e3)"
    return float(run(sys.executable, "-c", code))


def help_ms() -> float:
    return wall_ms(lambda: run(sys.executable, "-m", "tracedbg", "--help"))


def startup_ms() -> float:
    plain = wall_ms(lambda: run(sys.executable, str(PROGRAMS / "nothing.py")))
    return wall_ms(lambda: run_observed("nothing.py")) - plain


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


def run_observed(program: str, *options: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "run")
        tool = [sys.executable, "-m", "tracedbg", "run", "--no-tui", "--quiet", "--out", out]
        return run(*tool, *options, str(PROGRAMS / program))


def run(*command: str, cwd: str | None = None) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=cwd).stdout


if __name__ == "__main__":
    sys.exit(main())
