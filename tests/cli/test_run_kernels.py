"""`tracedbg run --kernels`: the program is what it is alone, and the report has a table of lines."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from process.compare import clean_environment

pytest.importorskip("torch")
pytestmark = pytest.mark.torch

PROGRAM = """\
import sys, torch
torch.manual_seed(0)
weight = torch.randn(8, 8, requires_grad=True)
def model(x):
    return torch.relu(x @ weight) * 2
compiled = torch.compile(model, backend="aot_eager")
for step in range(16):
    loss = compiled(torch.ones(4, 8)).sum()
    loss.backward()
print(loss.item(), torch._dynamo.utils.counters["stats"]["unique_graphs"])
sys.exit(3)
"""


def run(words, cwd):
    return subprocess.run(
        words, cwd=cwd, env=clean_environment(), capture_output=True, text=True, timeout=120, check=False
    )


def test_the_program_is_what_it_is_alone_and_its_kernels_are_told(tmp_path):
    (tmp_path / "p.py").write_text(PROGRAM)
    alone = run([sys.executable, "p.py"], tmp_path)
    command = [sys.executable, "-m", "tracedbg", "run", "--no-tui", "--kernels=4", "--json", "x.json", "p.py"]
    timed = run(command, tmp_path)
    assert (timed.stdout, timed.returncode) == (alone.stdout, alone.returncode)
    assert timed.returncode == 3
    report = json.loads((tmp_path / "x.json").read_text())
    assert report["faults"] == []
    (window,) = report["kernels"]["windows"]
    assert (window["profiler"], window["steps"], window["note"]) == ("torch", 4, "")
    lines = {line["line"]: line for line in report["kernels"]["lines"]}
    assert set(lines) <= {4, 5, 8, 9}  # 4: what the runtime does around the graph
    assert 0 < lines[5]["backward_seconds"] < lines[5]["seconds"]
    assert sum(line["seconds"] for line in lines.values()) >= 0.99 * report["kernels"]["seconds"]
    assert "Kernel time by line" in timed.stderr
    assert alone.stderr == timed.stderr[: len(alone.stderr)]


@pytest.mark.parametrize(
    ("window", "line"),
    [
        (
            "soon",
            "--kernels=soon: name a number of steps, such as --kernels=10, or of seconds, such as --kernels=2s",
        ),
        ("0", "--kernels=0: steps may be 1 to 10000, seconds more than 0 and at most 600"),
    ],
)
def test_a_window_that_makes_no_sense_is_one_line(tmp_path, window, line):
    (tmp_path / "p.py").write_text("print('ran')")
    found = run([sys.executable, "-m", "tracedbg", "run", f"--kernels={window}", "p.py"], tmp_path)
    assert (found.returncode, found.stdout, found.stderr) == (2, "", f"tracedbg: {line}\n")


def test_a_program_without_steps_is_told_why(tmp_path):
    (tmp_path / "p.py").write_text("import torch\nprint(torch.ones(2).sum().item())\n")
    found = run([sys.executable, "-m", "tracedbg", "run", "--no-tui", "--kernels", "p.py"], tmp_path)
    assert found.stdout == "2.0\n"
    assert "torch: no kernels were seen: the program ended before any step" in found.stderr
