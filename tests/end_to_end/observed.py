"""Running a program plain and under `tracedbg run`, as a user would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

TIME_LIMIT_S = 240
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if not name.startswith(("TRACEDBG_", "PYTEST_"))
} | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "OMP_NUM_THREADS": "1", "USE_TF": "0"}


@dataclass(frozen=True)
class Result:
    """How a program ended."""

    exit_code: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Observed(Result):
    """The same under observation."""

    report: dict
    folder: Path

    def functions(self, file: str | Path | None = None) -> list[dict]:
        """The functions of the report, of one file if it is named."""
        functions = self.report["functions"]
        return [f for f in functions if file is None or f["file"] == str(file)]

    def causes(self, file: str | Path | None = None) -> list[dict]:
        """Causes of retraces, of all functions."""
        return [cause for function in self.functions(file) for cause in function["causes"]]


def everything(report: dict) -> Iterator[dict]:
    """All functions of a report, and their parts behind graph breaks."""
    for function in report["functions"]:
        yield function
        yield from function["resumes"]


def calls(function: dict) -> tuple:
    """(compiled, eager, since_call, kind)"""
    numbers, silent = function["calls"], function["silent_eager"] or {"since_call": None, "kind": None}
    return numbers["compiled"], numbers["eager"], silent["since_call"], silent["kind"]


def flagged(report: dict) -> list[str]:
    """The functions that are told to run eager without a word."""
    return [function["name"] for function in everything(report) if function["silent_eager"]]


def run_plain(*command: str | Path, cwd: Path) -> Result:
    """Run a script by Python alone."""
    done = _run([sys.executable, *map(str, command)], cwd)
    return Result(done.returncode, done.stdout, done.stderr)


def run_observed(*command: str | Path, cwd: Path, options: tuple[str, ...] = ()) -> Observed:
    """Run it by `tracedbg run`, and read the report."""
    folder, report = cwd / "run", cwd / "report.json"
    tool = [sys.executable, "-m", "tracedbg", "run", "--no-tui"]
    tool += ["--json", str(report), "--out", str(folder), *options]
    done = _run([*tool, *map(str, command)], cwd)
    assert report.exists(), done.stderr
    return Observed(done.returncode, done.stdout, done.stderr, json.loads(report.read_text()), folder)


def _run(command: list[str], cwd: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        command,
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRONMENT,
        timeout=TIME_LIMIT_S,
        stdin=subprocess.DEVNULL,
    )
