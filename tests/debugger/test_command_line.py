"""`tracedbg run --break` and `tracedbg.breakpoint()`, as a user runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

TORCH = """\
import torch, tracedbg

@torch.compile(backend="eager", fullgraph=True)
def f(x):
    y = x * 2
    tracedbg.breakpoint()
    z = y + 1
    return z

for _ in range(2):
    print(f(torch.ones(2)).tolist())
print(torch._dynamo.utils.counters["stats"]["unique_graphs"])
"""
TF = """\
import tensorflow as tf, tracedbg

@tf.function
def f(x):
    y = x * 2
    tracedbg.breakpoint()
    z = y + 1
    return z

for _ in range(2):
    print(f(tf.ones(2)).numpy().tolist())
print(f.experimental_get_tracing_count())
"""
EAGER = """\
import tracedbg

def f(x):
    y = x * 2
    tracedbg.breakpoint()
    return y + 1

print(f(2))
"""
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0", "CUDA_VISIBLE_DEVICES": "-1"}


@pytest.fixture
def run(tmp_path):
    """`run(text, *options)`: the program, with the options of `tracedbg run`, or alone if there are none."""

    def start(text, *options, commands=""):
        (tmp_path / "program.py").write_text(text)
        tool = ["-m", "tracedbg", "run", "--no-tui", "--quiet", *options] if options else []
        return subprocess.run(
            [sys.executable, *tool, "program.py"],
            cwd=tmp_path,
            input=commands,
            capture_output=True,
            text=True,
            env={**os.environ, **QUIET},
            check=False,
        )

    return start


def told(ended):
    """What the debugger has said: stderr without TensorFlow's own log."""
    return [line for line in ended.stderr.splitlines() if not line.startswith(("I0000", "WARNING", "note:"))]


@pytest.mark.torch
def test_a_breakpoint_in_compiled_code_stops_in_each_call_and_breaks_no_graph(run):
    ended = run(TORCH, "--break", "retrace", commands="p x, y\np y.tolist()\nc\np y.tolist()\nc\n")
    assert (ended.returncode, ended.stdout) == (0, "[3.0, 3.0]\n[3.0, 3.0]\n1\n")
    stop = [
        "* breakpoint 2  (graph 0/0 forward of f)",
        "> program.py:6 f  [traced]",
        "-> tracedbg.breakpoint()",
    ]
    assert told(ended) == [*stop, "(float32[2], float32[2])", "[2.0, 2.0]", *stop, "[2.0, 2.0]"]


@pytest.mark.torch
def test_it_starts_the_debugger_where_there_is_none(run):
    ended = run(TORCH, commands="p y.tolist()\nc\nc\n")
    assert (ended.returncode, ended.stdout) == (0, "[3.0, 3.0]\n[3.0, 3.0]\n1\n")
    stop = ["* breakpoint 1  (graph 0/0 forward of f)", "> program.py:7 f  [traced]", "-> z = y + 1"]
    assert told(ended) == [*stop, "[2.0, 2.0]", *stop]


@pytest.mark.tensorflow
@pytest.mark.parametrize("options", [(), ("--break", "retrace")])
def test_a_breakpoint_in_a_tf_function_stops_in_each_call_and_traces_once(run, options):
    ended = run(TF, *options, commands="p y.numpy().tolist()\nc\nc\n")
    assert (ended.returncode, ended.stdout) == (0, "[3.0, 3.0]\n[3.0, 3.0]\n1\n")
    shown = [line for line in told(ended) if line.startswith(("->", "[", "> "))]
    stop = ["> program.py:7 f  [traced]", "-> z = y + 1"]
    assert shown == ([*stop, "[2.0, 2.0]", *stop] if options else [*stop, *stop])


def test_a_breakpoint_in_eager_code_stops_there(run):
    ended = run(EAGER, commands="p y\nc\n")
    assert (ended.returncode, ended.stdout) == (0, "5\n")
    assert told(ended) == [
        "* breakpoint: tracedbg.breakpoint()",
        "> program.py:5 f",
        "-> tracedbg.breakpoint()",
        "4",
    ]


def test_a_line_of_the_program_stops_before_any_framework_is_there(run):
    ended = run("x = 1\ny = x + 1\nprint(y)\n", "--break", "program.py:3", commands="p y\nc\n")
    assert (ended.returncode, ended.stdout) == (0, "2\n")
    assert told(ended) == ["* breakpoint 1", "> program.py:3 <module>", "-> print(y)", "2"]


def test_a_breakpoint_that_was_never_hit_is_told_at_the_end(run):
    ended = run("def f():\n    return 1\n\n\nprint('done')\n", "--break", "program.py:2")
    assert (ended.returncode, ended.stdout) == (0, "done\n")
    assert told(ended) == ["tracedbg: the breakpoint at program.py:2 was never hit"]


def test_commands_that_end_let_the_program_go_on(run):
    ended = run("for n in range(3):\n    print(n)\n", "--break", "program.py:2", commands="p n\n")
    assert (ended.returncode, ended.stdout) == (0, "0\n1\n2\n")
    assert told(ended)[-1] == (
        "end of the commands: the program goes on to its end, and stops nowhere any more"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--break", "nowhere.py:3"], "nowhere.py"),
        (["--break", "program.py:99"], "program.py"),
        (["--break", "nun"], "nun"),
        (["--python-mode"], "--python-mode does nothing without --break"),
    ],
)
def test_a_break_that_makes_no_sense_is_told_before_the_program_runs(run, options, message):
    ended = run("print('never')\n", *options)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("tracedbg: ")
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.torch
def test_in_python_mode_the_functions_own_python_stops(run):
    text = (
        "import torch\n\n\n@torch.compile(backend='eager')\ndef f(x):\n    words = ['a', 'b']\n"
        "    y = x * 2\n    return y\n\n\nprint(f(torch.ones(2)).tolist())\n"
        "print(torch._dynamo.utils.counters['stats'].get('unique_graphs', 0))\n"
    )
    ended = run(text, "--break", "program.py:8", "--python-mode", commands="p words\np y.tolist()\nc\n")
    assert (ended.returncode, ended.stdout) == (0, "[2.0, 2.0]\n0\n")
    assert told(ended) == ["* breakpoint 1", "> program.py:8 f", "-> return y", "['a', 'b']", "[2.0, 2.0]"]


@pytest.mark.tensorflow
def test_in_python_mode_a_tf_function_is_plain_python(run):
    text = (
        "import tensorflow as tf\n\n\n@tf.function\ndef f(x):\n    words = ['a', 'b']\n"
        "    y = x * 2\n    return y\n\n\nprint(f(tf.ones(2)).numpy().tolist())\n"
        "print(f.experimental_get_tracing_count())\n"
    )
    ended = run(
        text, "--break", "program.py:8", "--python-mode", commands="p words\np y.numpy().tolist()\nc\n"
    )
    assert (ended.returncode, ended.stdout) == (0, "[2.0, 2.0]\n0\n")
    assert [line for line in told(ended) if line.startswith(("[", ">"))] == [
        "> program.py:8 f",
        "['a', 'b']",
        "[2.0, 2.0]",
    ]


def test_children_are_not_debugged_and_run(run):
    text = (
        "import multiprocessing, os, subprocess, sys\n\n\ndef work():\n    x = 1\n    print('child', flush=True)\n\n\n"
        "if __name__ == '__main__':\n    for kind in ('fork', 'spawn'):\n"
        "        child = multiprocessing.get_context(kind).Process(target=work)\n"
        "        child.start()\n        child.join()\n        print(child.exitcode, flush=True)\n"
    )
    ended = run(text, "--break", "program.py:6")
    assert (ended.returncode, ended.stdout) == (0, "child\n0\nchild\n0\n")


@pytest.mark.torch
def test_calls_of_a_compiled_function_are_counted_beside_a_debugger(run, tmp_path):
    pytest.importorskip("torch")
    ended = run(
        TORCH.replace("    tracedbg.breakpoint()\n", ""),
        "--break", "nan", "--out", str(tmp_path / "run"), "--json", str(tmp_path / "report.json"),
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    (function,) = json.loads((tmp_path / "report.json").read_text())["functions"]
    assert function["calls"] == {"compiled": 2, "eager": 0}
