"""The whole of it in a real terminal: from the command line to the exit code."""

from __future__ import annotations

import re
import sys

import pytest

from tui.tmux import Tmux

pytestmark = pytest.mark.serial  # as long as it takes a person
TRACEDBG = (sys.executable, "-m", "tracedbg")
TORCH = """\
import torch

@torch.compile(backend="eager")
def step(x):
    y = x * 2.0
    z = y + 1.0  # @here
    return z.sum()

print("result", step(torch.ones(3)).item())
raise SystemExit(4)
"""
TENSORFLOW = """\
import tensorflow as tf

@tf.function
def step(x):
    y = x * 2.0
    z = y + 1.0  # @here
    return tf.reduce_sum(z)

print("result", float(step(tf.ones(3))))
raise SystemExit(4)
"""


@pytest.fixture
def tmux(tmp_path):
    with Tmux(str(tmp_path), columns=120, rows=40) as terminal:
        yield terminal


def ended(tmux: Tmux, *, tracebacks: int = 0) -> str:
    """The terminal afterwards; with so many tracebacks, which are the program's own."""
    screen = tmux.wait_until(lambda screen: bool(re.search(r"^rc:\d", screen, re.MULTILINE)), "the end")
    assert not tmux.is_alternate
    assert screen.count("Traceback") == tracebacks
    return screen


def stop(screen: str) -> str | None:
    """Where it stands, as the innermost frame says: in a line, or before an op of it."""
    found = re.search(r"▶ ◇ (.*)", screen)
    return found[1] if found else None


@pytest.mark.parametrize(
    "program",
    [pytest.param(TORCH, marks=pytest.mark.torch), pytest.param(TENSORFLOW, marks=pytest.mark.tensorflow)],
    ids=["torch", "tensorflow"],
)
def test_a_line_in_a_compiled_function_is_reached_from_the_command_line(tmux, tmp_path, program):
    (tmp_path / "p.py").write_text(program)
    line = next(n for n, text in enumerate(program.splitlines(), 1) if "@here" in text)
    tmux.run(*TRACEDBG, "run", "p.py")
    tmux.wait_for("c begins")
    tmux.press(*["Down"] * (line - 1), "b", "c")
    screen = tmux.wait_until(
        lambda screen: bool("stopped" in screen and "float32[3]" in screen and stop(screen)), "a stop"
    )
    assert re.search(rf"▶ *{line} ", screen)
    at = stop(screen)
    tmux.press("i")
    tmux.wait_until(lambda screen: "stopped" in screen and stop(screen) not in (at, None), "the next op")
    tmux.press("c")
    tmux.wait_for("result 9.0")
    tmux.wait_for("ended")
    tmux.press("q")
    screen = ended(tmux)
    assert "rc:4" in screen
    assert "step" in screen  # the report


@pytest.mark.parametrize(
    ("program", "shown", "code"),
    [
        ("", "ended", 0),
        ("import no_such_module", "No module named 'no_such_module'", 1),
        ("def f(:", "SyntaxError", 1),
        ("import os; os.kill(os.getpid(), 11)", "ended by signal 11", 139),
    ],
    ids=["at once", "no import", "no syntax", "killed"],
)
def test_a_program_that_does_not_get_far_is_shown_to_its_end(tmux, tmp_path, program, shown, code):
    (tmp_path / "p.py").write_text(program)
    tmux.run(*TRACEDBG, "run", "--quiet", "p.py")
    tmux.wait_until(lambda screen: "c begins" in screen or "ended" in screen, "a beginning")
    tmux.press("c")
    tmux.wait_for(shown)
    tmux.wait_until(lambda screen: "begins" not in screen and "running" not in screen, "the end")
    tmux.press("q")
    screen = ended(tmux, tracebacks=int("No module" in shown))
    assert f"rc:{code}\n" in screen
    assert (shown in screen) == (code == 1)  # why it has failed is still there


def test_a_tiny_terminal_gets_a_clear_line(tmp_path):
    (tmp_path / "p.py").write_text("print('hi')")
    with Tmux(str(tmp_path), columns=20, rows=5) as tmux:
        tmux.run(*TRACEDBG, "run", "--quiet", "p.py")
        tmux.wait_until(lambda _: tmux.is_alternate)
        tmux.resize(100, 30)
        tmux.wait_for("c begins")
        tmux.press("c")
        tmux.wait_for("ended")
        tmux.press("q")
        assert "rc:0" in ended(tmux)
