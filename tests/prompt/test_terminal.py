"""The prompt on a real terminal and on a pipe, around a program without any framework."""

from __future__ import annotations

import subprocess

import pytest

from prompt.typed import PROMPT, debug, type_at

PROGRAM = """\
import sys

def double(x):
    y = x * 2  # a line
    return y

print("asked:", input())
print(double(4))
print(double(5))
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "plain.py").write_text(PROGRAM)
    return tmp_path


def test_a_person_types_at_the_terminal(folder):
    (folder / "short.py").write_text(PROGRAM.replace("asked:", "hello").replace("input()", "'me'"))
    words = debug("--out", "run", "--break", "short.py:5 if x > 4", "short.py")
    said, code = type_at(words, ["p x", "d", "u"], cwd=folder, environment={"NO_COLOR": "1"})
    assert code == 0
    assert said == (
        "hello me\n8\n* breakpoint 1\n> short.py:5 double\n-> return y\n"
        f"{PROMPT}p x\n5\n{PROMPT}d\n*** newest frame\n"
        f"{PROMPT}u\n> short.py:9 <module>\n-> print(double(5))\n"
        f"{PROMPT}end of the commands: the program goes on to its end, and stops nowhere any more\n10\n"
    )


def test_a_terminal_has_colours_unless_nobody_wants_them(folder):
    (folder / "short.py").write_text("x = 1\n")
    for number, (environment, first) in enumerate(
        [
            ({"TERM": "xterm", "NO_COLOR": ""}, "\x1b[1m* breakpoint 1\x1b[0m"),
            ({"TERM": "xterm", "NO_COLOR": "1"}, "* breakpoint 1"),
            ({"TERM": "dumb", "NO_COLOR": ""}, "* breakpoint 1"),
        ]
    ):
        words = debug("--out", f"run{number}", "--break", "short.py:1", "short.py")
        said, _ = type_at(words, ["c"], cwd=folder, environment=environment)
        assert said.splitlines()[0] == first


def test_commands_come_from_a_pipe_beside_the_programs_own_input(folder):
    done = subprocess.run(
        debug("--out", "run", "--break", "plain.py:5", "plain.py"),
        input="me\np y\nset y = 80\nc\nc\n",
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "asked: me\n80\n10\n")
    assert done.stderr == (
        "* breakpoint 1\n> plain.py:5 double\n-> return y\n8\ny = 80\n"
        "* breakpoint 1\n> plain.py:5 double\n-> return y\n"
    )


def test_quitting_ends_the_program_as_ctrl_c_does(folder):
    done = subprocess.run(
        debug("--out", "run", "--break", "plain.py:5", "plain.py"),
        input="me\nq\n",
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )
    assert (done.returncode, done.stdout) == (-2, "asked: me\n")
    assert done.stderr.splitlines()[-1] == "KeyboardInterrupt"
