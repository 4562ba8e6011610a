"""`tracedbg compare` as a person runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tracedbg.cli.main import main

PROGRAM = """\
import sys
import tensorflow as tf

scale = 1.0


@tf.function
def f(x):
    y = x + 1.0
    return y * scale


a = f(tf.ones(1))
scale = 5.0
b = f(tf.ones(1))
print(float(a[0]), float(b[0]), sys.argv[1:])
sys.exit(int(sys.argv[1]))
"""
TOLD = """\
f (stale.py:7), call 2: DIFFERS, in the graph, as it was traced
  first at stale.py:10 in f
    > return y * scale
    Mul: eager 10, traced 2  (float32[1])
    1 of 1 element, at most 8 apart (80 %)
    its input y is a constant, kept since it was traced: 1.0; Python gives 5.0 now
    after it 1 more value: the result
"""


def compare(folder, *words):
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-m", "tracedbg", "compare", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, check=False)


@pytest.mark.tensorflow
def test_it_names_the_line_and_leaves_the_programs_output_and_exit_code(tmp_path):
    pytest.importorskip("tensorflow")
    (tmp_path / "stale.py").write_text(PROGRAM)
    ended = compare(tmp_path, "--json", "out.json", "stale.py", "0")
    assert ended.stdout == "2.0 2.0 ['0']\n"
    assert TOLD in ended.stderr
    assert ended.returncode == 1
    data = json.loads((tmp_path / "out.json").read_text())
    assert [one["verdict"] for one in data["comparisons"]] == ["equal", "differs"]
    assert data["comparisons"][1]["first"]["line"] == 10
    other = compare(tmp_path, "--function", "nobody", "stale.py", "3")
    assert other.returncode == 3
    assert "no traced function named nobody was called from eager code; called were f" in other.stderr


def test_a_program_that_traces_nothing_is_said_to(tmp_path):
    (tmp_path / "plain.py").write_text("print('done')\n")
    ended = compare(tmp_path, "plain.py")
    assert (ended.stdout, ended.returncode) == ("done\n", 0)
    assert ended.stderr == (
        "tracedbg: no call of a traced function was compared: none was made from eager code\n"
    )


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "no program to run: tracedbg compare SCRIPT [arguments], or -m MODULE"),
        (["nowhere.py"], "no such script: nowhere.py"),
        (
            ["--calls", "0", "x.py"],
            "argument --calls: invalid positive number value: '0'; see tracedbg compare --help",
        ),
        (
            ["--tolerance", "-1", "x.py"],
            "argument --tolerance: invalid positive number value: '-1'; see tracedbg compare --help",
        ),
    ],
)
def test_a_wrong_command_line_is_one_line_and_exit_code_2(words, line, capsys):
    assert main(["compare", *words]) == 2
    assert capsys.readouterr().err == f"tracedbg: {line}\n"
