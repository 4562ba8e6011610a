"""A program that is killed in the middle of a trace: the decision, and its reason, are on disk."""

from __future__ import annotations

import subprocess
import sys

import pytest
from observed import ENVIRONMENT, run_observed

from tracedbg.store.reader import Run

TORCH = """
import os, signal, torch

def backend(graph, inputs):
    if inputs[0].shape[0] == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return graph.forward

compiled = torch.compile(lambda x: x * 2, backend=backend, dynamic=False)
compiled(torch.ones(2))
compiled(torch.ones(3))
"""
TENSORFLOW = """
import os, signal
import tensorflow as tf

@tf.function
def double(x):
    if x.shape[0] == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return x * 2

double(tf.ones(2))
double(tf.ones(3))
"""


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(TORCH, id="torch.compile", marks=pytest.mark.torch),
        pytest.param(TENSORFLOW, id="tf.function", marks=pytest.mark.tensorflow),
    ],
)
def test_the_trace_that_a_program_was_killed_in_is_explained(program, tmp_path):
    script = tmp_path / "killed.py"
    script.write_text(program)
    observed = run_observed(script, cwd=tmp_path)
    assert observed.exit_code == -9
    assert observed.report["run"]["exit_code"] == 137
    with Run.open(str(observed.folder)) as run:
        (process,) = run.processes
        assert process.info.stopped_ns is None
        first, second = process.traces()
    assert first.ended is not None
    assert second.ended is None
    (function,) = observed.functions(script)
    assert (function["traces"], function["retraces"]) == (2, 1)
    (cause,) = function["causes"]
    assert (cause["kind"], cause["argument"]) == ("shape", "x")
    assert (cause["before"], cause["after"]) == ("float32[2]", "float32[3]")


def test_killing_the_tool_leaves_the_program_and_its_recording(tmp_path):
    script = tmp_path / "survivor.py"
    script.write_text(
        "import os, time\nopen('started', 'w').close()\nwhile not os.path.exists('go'): time.sleep(0.01)\nprint('done', flush=True)"
    )
    command = [sys.executable, "-m", "tracedbg", "run", "--no-tui", "--out", "run", str(script)]
    tool = subprocess.Popen(
        command, cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not (tmp_path / "started").exists():
        assert tool.poll() is None, tool.stderr.read()
    tool.kill()
    tool.wait()
    (tmp_path / "go").touch()
    assert tool.stdout.read() == "done\n"
    tool.stdout.close()
    tool.stderr.close()
    with Run.open(str(tmp_path / "run")) as run:
        assert run.info.exit_code is None
