"""From the end of a run to the cause of a retrace, in a real terminal, as somebody does who only reads the screen."""

from __future__ import annotations

import pytest

from tui.test_terminal import TRACEDBG, ended, tmux  # noqa: F401  the last is a fixture

pytestmark = pytest.mark.serial  # as long as it takes a person
TORCH = """\
import torch

@torch.compile(backend="eager", dynamic=False)
def step(x):
    return x.sum()

for size in (3, 5, 7):
    step(torch.ones(size))
"""
TENSORFLOW = """\
import tensorflow as tf

@tf.function
def step(x, scale):
    return tf.reduce_sum(x) * scale

for scale in (1, 2, 3):
    step(tf.ones(3), scale)
"""


@pytest.mark.parametrize(
    ("program", "cause", "advice"),
    [
        pytest.param(TORCH, "`x` came in 3 shapes", "leave out dynamic=False", marks=pytest.mark.torch),
        pytest.param(TENSORFLOW, "`scale` took 3 Python", "tf.constant(scale)", marks=pytest.mark.tensorflow),
    ],
    ids=["torch", "tensorflow"],
)
def test_the_cause_of_a_retrace_is_one_key_from_the_end_of_a_run(tmux, tmp_path, program, cause, advice):  # noqa: F811
    (tmp_path / "p.py").write_text(program)
    tmux.run(*TRACEDBG, "run", "--quiet", "p.py")
    tmux.wait_for("c begins")
    tmux.press("c")
    screen = tmux.wait_for("ended, exit code 0")
    assert "2 Traces" in screen
    tmux.press("2")
    screen = tmux.wait_for(cause)
    assert advice in screen
    tmux.press("q")
    assert "rc:0" in ended(tmux)
