"""Disks that are full or cannot be written: one clear line, and the program goes on."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from observed import ENVIRONMENT

from tracedbg.store.reader import Run

COMPILES = """
import torch

def double(x):
    return x * 2

torch._dynamo.config.recompile_limit = 100
compiled = torch.compile(double, backend="eager", dynamic=False)
print("traced:", sum(compiled(torch.ones(n)).shape[0] > 0 for n in range(1, 41)))
raise SystemExit(7)
"""


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 500 kB of our own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=500k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("may not mount a file system here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def tracedbg(*arguments: object, cwd) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "tracedbg", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, check=False)


@pytest.mark.torch
def test_a_disk_that_fills_up_stops_the_recording_and_nothing_else(small_disk, tmp_path):
    pytest.importorskip("torch")
    script = tmp_path / "compiles.py"
    script.write_text(COMPILES)
    done = tracedbg("run", "--no-tui", "--out", small_disk / "run", script, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (7, "traced: 40\n")
    line = r"tracedbg: recording stopped: database or disk is full \(.*p\d+\.db\); the program goes on"
    assert len(re.findall(line, done.stderr)) == 1, done.stderr
    assert "database or disk is full" in done.stderr.split("Faults of tracedbg")[1]
    with Run.open(str(small_disk / "run")) as run:
        assert run.info.exit_code == 7
        assert 0 < len(run.processes[0].traces()) < 40


def test_a_disk_that_cannot_be_written_is_refused_before_the_program_runs(small_disk, tmp_path):
    script = tmp_path / "says_hello.py"
    script.write_text("print('hello')")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    done = tracedbg("run", "--no-tui", script, cwd=small_disk)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(
        r"tracedbg: cannot record into .*: Read-only file system; name a folder that can be written with --out DIR\n",
        done.stderr,
    )


def test_a_run_is_readable_on_a_disk_that_cannot_be_written(small_disk, tmp_path):
    script = tmp_path / "compiles.py"
    script.write_text("print('hello')")
    assert tracedbg("run", "--no-tui", "--out", small_disk / "run", script, cwd=tmp_path).returncode == 0
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    done = tracedbg("report", small_disk / "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
