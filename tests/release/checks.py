"""What a person does with an installed tracedbg, as checks; each returns what was found, as plain data.

They use the commands of an environment alone, in a folder of their own, and nothing of the working tree but
`docs/examples`. What they return is the same wherever all is well: counts and causes, no times.
"""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
TIME_LIMIT_S = 900
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "OMP_NUM_THREADS": "2", "NO_COLOR": "1"}
NOT_PASSED_ON = ("TRACEDBG_", "PYTEST_", "PYTHONPATH", "VIRTUAL_ENV")

SCRIPTED = """\
import torch

def double(x):
    return x * 2

torch.jit.script(double)
torch.jit.trace(double, torch.ones(2))
print(double(torch.ones(2)).sum().item())
"""

TORCH_STEPS = """\
import torch

weight = torch.ones(64, 64, requires_grad=True)
for _ in range(400):
    product = torch.ones(8, 64) @ weight
    product.relu().sum().backward()
"""

TF_STEPS = """\
import tensorflow as tf

@tf.function
def step(weight, batch):
    product = batch @ weight
    return tf.reduce_sum(tf.nn.relu(product))

for _ in range(2000):
    step(tf.ones((64, 64)), tf.ones((8, 64)))
"""


@dataclass(frozen=True)
class Place:
    """An environment, and where its commands are run."""

    bin: Path
    folder: Path

    def run(
        self, *words: str | Path, typed: str = "", exit_code: int = 0
    ) -> subprocess.CompletedProcess[str]:
        """Run one of its commands.

        Raises:
            AssertionError: it ends otherwise.
        """
        environment = {k: v for k, v in os.environ.items() if not k.startswith(NOT_PASSED_ON)} | QUIET
        environment["PATH"] = os.pathsep.join([str(self.bin), environment["PATH"]])
        command = [str(self.bin / words[0]), *map(str, words[1:])]
        done = subprocess.run(
            command, cwd=self.folder, env=environment, input=typed, capture_output=True, text=True, check=False,
            timeout=TIME_LIMIT_S,
        )  # fmt: skip
        assert done.returncode == exit_code, f"{' '.join(command)}: {done.returncode}\n{done.stderr[-2000:]}"
        return done

    def report(self, run: str) -> dict[str, Any]:
        """The report of a recorded run as JSON."""
        report: dict[str, Any] = json.loads(self.run("tracedbg", "report", run, "--format", "json").stdout)
        return report


@dataclass(frozen=True)
class Check:
    """One of them."""

    name: str
    needs: str
    """torch, tensorflow, or nothing."""
    find: Callable[[Place], Any]

    @property
    def full_name(self) -> str:
        """No other has it."""
        return f"{self.name} {self.needs}".strip()


CHECKS: list[Check] = []


def check(name: str, needs: str = "") -> Callable[[Callable[[Place], Any]], Callable[[Place], Any]]:
    """Add a check."""

    def add(find: Callable[[Place], Any]) -> Callable[[Place], Any]:
        CHECKS.append(Check(name, needs, find))
        return find

    return add


def observed(place: Place, example: str | Path, *options: str, run: str) -> dict[str, Any]:
    """Run an example; what its report says: functions, causes, breaks, and faults of ours."""
    done = place.run("tracedbg", "run", "--no-tui", "--out", run, *options, EXAMPLES / example)
    report = place.report(run)
    return {
        "printed": done.stdout,
        "functions": [
            [one["framework"], one["name"], one["traces"], one["retraces"]] for one in report["functions"]
        ],
        "causes": sorted(
            [cause["kind"], cause["argument"], cause["before"], cause["after"], cause["line"], cause["count"]]
            for one in report["functions"]
            for cause in one["causes"]
        ),
        "breaks": [[one["line"], one["count"]] for one in report["graph_breaks"]],
        "faults": [fault["where"] for fault in report["faults"]],
    }


@check("--help")
def show_help(place: Place) -> Any:
    text = place.run("tracedbg", "--help").stdout
    assert text.startswith("usage: tracedbg COMMAND"), text
    return re.findall(r"^  (\w+) ", text, re.MULTILINE)


@check("doctor")
def examine(place: Place) -> Any:
    text = place.run("tracedbg", "doctor").stdout
    return sorted(line.split()[1] for line in text.splitlines() if line.startswith("BAD"))


IMPORTS = """\
import importlib, pkgutil

for package in ("tracedbg", "tracedbg_kernels", "tracedbg_tui"):
    path = importlib.import_module(package).__path__
    for module in pkgutil.walk_packages(path, f"{package}."):
        if not module.name.endswith(("__main__", "sitecustomize")):
            importlib.import_module(module.name)
"""


@check("import of each module")
def import_all(place: Place) -> Any:
    return place.run("python", "-c", IMPORTS).stdout


@check("run", "torch")
def run_torch(place: Place) -> Any:
    return observed(place, "torch_train.py", run="torch")


@check("run", "tensorflow")
def run_tensorflow(place: Place) -> Any:
    return observed(place, "tf_train.py", run="tf")


@check("run a TorchScript", "torch")
def run_script(place: Place) -> Any:
    file = place.folder / "scripted.py"
    file.write_text(SCRIPTED)
    return observed(place, file, run="scripted")


@check("report", "torch")
def report(place: Place) -> Any:
    text = place.run("tracedbg", "report", "torch").stdout
    return [line for line in text.splitlines() if line and line == line.lstrip() and line[0].isupper()]


def stops(place: Place, example: str) -> list[str]:
    """Where a prompt stopped, and what it said of a variable and the stack, in a compiled function."""
    words = ("tracedbg", "run", "--no-tui", "--quiet", "--break", f"{example}:{line_of(example, 'scaled')}")
    done = place.run(*words, EXAMPLES / example, typed="p y\nw\nc\n" + "c\n" * 9)
    assert done.stdout == "done\n", done.stdout
    said = [
        line
        for line in done.stderr.splitlines()
        if not re.match(r"[A-Z]+\d{4} |WARNING: All log|note: ", line)
    ]
    said = [line.replace(f"{EXAMPLES}{os.sep}", "") for line in said]
    return [re.sub(r"(__inference_\w+?)_\d+", r"\1", line) for line in said]


def line_of(example: str, mark: str) -> int:
    """The line of an example that carries a mark."""
    lines = (EXAMPLES / example).read_text().splitlines()
    return next(number for number, text in enumerate(lines, 1) if text.endswith(f"# @{mark}"))


@check("run --break", "torch")
def stop_torch(place: Place) -> Any:
    return stops(place, "stop_torch.py")


@check("run --break", "tensorflow")
def stop_tensorflow(place: Place) -> Any:
    return stops(place, "stop_tf.py")


@check("compare", "torch")
def compare(place: Place) -> Any:
    place.run("tracedbg", "compare", "--json", "compared.json", EXAMPLES / "stop_torch.py")
    found = json.loads((place.folder / "compared.json").read_text())
    return [one["verdict"] for one in found["comparisons"]]


@check("tracedbg.record()", "torch")
def record(place: Place) -> Any:
    return place.run("python", EXAMPLES / "record_block.py").stdout.splitlines()


@check("pytest", "torch")
def run_pytest(place: Place) -> Any:
    shutil.copytree(EXAMPLES / "budgets", place.folder / "budgets")  # away from the settings of our own tests
    words = ("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "budgets")
    return re.sub(r" in [\d.]+s.*", "", place.run(*words).stdout.splitlines()[-1])


@check("export", "torch")
def export(place: Place) -> Any:
    place.run("tracedbg", "export", "torch", "--format", "speedscope", "--output", "torch.speedscope.json")
    return sorted(json.loads((place.folder / "torch.speedscope.json").read_text()))


@check("view", "torch")
def view(place: Place) -> Any:
    """On a terminal of its own, until the function is on the screen; then `q`."""
    wanted = b"train_step"
    pid, terminal = pty.fork()
    if pid == 0:  # pragma: no cover
        os.chdir(place.folder)
        environment = {**os.environ, "TERM": "xterm-256color", "LINES": "40", "COLUMNS": "120"}
        os.execve(place.bin / "tracedbg", ["tracedbg", "view", "torch"], environment)
    seen, deadline, is_asked = b"", time.monotonic() + TIME_LIMIT_S, False
    try:
        while time.monotonic() < deadline:
            if not select.select([terminal], [], [], 1.0)[0]:
                continue
            try:
                seen += os.read(terminal, 65536)
            except OSError:
                break
            if wanted in seen and not is_asked:
                is_asked = True
                os.write(terminal, b"q")
    finally:
        os.close(terminal)
        if not is_asked:
            os.kill(pid, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert is_asked, seen[-2000:].decode(errors="replace")
    return status


@check("run --ops", "tensorflow")
def record_tf_ops(place: Place) -> Any:
    place.run("tracedbg", "run", "--no-tui", "--ops", "--out", "tf_ops", EXAMPLES / "tf_train.py")
    found = place.report("tf_ops")
    return {
        "ops": sorted({one["op"] for one in found["ops"]["ops"]}),
        "faults": [fault["where"] for fault in found["faults"]],
    }


def timed(place: Place, name: str, program: str) -> dict[str, Any]:
    """Time the kernels of a loop that goes on for long enough; the lines that they come from."""
    file = place.folder / f"{name}.py"
    file.write_text(program)
    place.run("tracedbg", "run", "--no-tui", "--kernels", "--out", name, file)
    found = place.report(name)
    return {
        "lines": sorted(one["line"] for one in found["kernels"]["lines"]),
        "steps": [one["steps"] for one in found["kernels"]["windows"]],
        "faults": [fault["where"] for fault in found["faults"]],
    }


@check("run --kernels", "tensorflow")
def time_tf_kernels(place: Place) -> Any:
    return timed(place, "tf_kernels", TF_STEPS)


@check("run --kernels", "torch")
def time_kernels(place: Place) -> Any:
    return timed(place, "torch_kernels", TORCH_STEPS)


@check("run --ops", "torch")
def record_ops(place: Place) -> Any:
    place.run("tracedbg", "run", "--no-tui", "--ops", "--out", "ops", EXAMPLES / "changing_graphs.py")
    found = place.report("ops")
    return {
        "observers": [one["observer"] for one in found["ops"]["observers"]],
        "steps": [[one["line"], one["steps"], one["graphs"]] for one in found["steps"]],
        "faults": [fault["where"] for fault in found["faults"]],
    }
