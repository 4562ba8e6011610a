"""An op that raises inside a compiled function: the prompt shows the user's line, the turn, and the inputs."""

from __future__ import annotations

import os
import subprocess

import pytest

from debugging_script import line_of
from prompt.typed import debug

TORCH = """\
import torch

@torch.compile(backend="aot_eager")
def pick(table, at):
    row = at + 1
    return table[row] * 2  # @here

for number in (0, 5):
    try:
        print(pick(torch.arange(3.0), torch.tensor([number])))
    except IndexError:
        print("caught")
"""
TENSORFLOW = """\
import tensorflow as tf

@tf.function
def shorten(x, n):
    for i in tf.range(n):
        x = x + tf.reshape(x[: 3 - i], [3])  # @here
    return x

try:
    shorten(tf.constant([1.0, 2.0, 3.0]), 3)
except tf.errors.InvalidArgumentError:
    print("caught")
"""


def post_mortem(folder, source, commands):
    (folder / "program.py").write_text(source)
    done = subprocess.run(
        debug("--out", "run", "--break", "error", "program.py"),
        input=commands,
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = done.stderr.splitlines()
    return said[next(number for number, line in enumerate(said) if line.startswith("* ")) :], done.stdout


@pytest.mark.torch
def test_an_index_that_is_not_there_in_torch(tmp_path):
    said, printed = post_mortem(tmp_path, TORCH, "locals\nc\n")
    assert printed == "tensor([2.])\ncaught\n"
    line = line_of(tmp_path / "program.py", "here")
    assert said[0].startswith(f"* error: {tmp_path.resolve()}/program.py:{line}, ")
    assert said[0].endswith("  (graph 0/0 forward of pick)")
    assert said[1:3] == [f"> program.py:{line} pick  [traced]", "-> return table[row] * 2  # @here"]
    assert said[-3:] == [
        "table = float32[3] cpu  min 0 max 2 mean 1  [0.0, 1.0, 2.0]",
        "at = int64[1] cpu  [5]",
        "row = int64[1] cpu  [6]",
    ]


@pytest.mark.tensorflow
def test_a_shape_that_does_not_fit_in_a_turn_of_a_tensorflow_loop(tmp_path):
    said, printed = post_mortem(tmp_path, TENSORFLOW, "inputs\nc\n")
    assert printed == "caught\n"
    line = line_of(tmp_path / "program.py", "here")
    assert said[0].startswith(
        f"* error: {tmp_path.resolve()}/program.py:{line}, turn 1 of the loop, "
        "Reshape(while/strided_slice float32[2], while/Reshape/shape int32[1]): InvalidArgumentError: "
    )
    assert f"> program.py:{line} shorten  [traced]" in said
    assert said[-2:] == [
        "while/strided_slice = float32[2] CPU:0  min 2 max 4 mean 3  [2.0, 4.0]",
        "while/Reshape/shape = int32[1] CPU:0  [3]",
    ]
