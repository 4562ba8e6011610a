"""Runs small suites of tests with the plugin, each in a fork: the frameworks are imported once for all."""

from __future__ import annotations

import atexit
import faulthandler
import functools
import gc
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

HUNG_S = 120
"""A fork that takes longer writes where it hangs, beside its output, and ends."""
TORCH = """
import pytest, torch

@torch.compile(backend="eager")
def double(x):
    return x * 2

@torch.compile(backend="eager")
def shout(x):
    print("out")  # @print
    return x + 1
"""
TF = """
import pytest, tensorflow as tf

@tf.function
def double(x):
    return x * 2
"""


@dataclass
class Outcome:
    """How a suite has ended."""

    ret: int
    text: str

    def counts(self):
        """`{"passed": 1, "failed": 2}`, from pytest's last line."""
        return {what: int(number) for number, what in re.findall(r"(\d+) (\w+)", self.text.splitlines()[-1])}

    def failure(self, test):
        """The text of one failure, without pytest's rules around it."""
        lines = self.text.splitlines()
        begin = next(at for at, line in enumerate(lines) if line.strip("_ ") == test and line.startswith("_"))
        text = []
        for line in lines[begin + 1 :]:
            if line.startswith(("___", "===", "---")):
                break
            text.append(line)
        return "\n".join(text)


def run_forked(framework, arguments, output):
    """Run pytest in a fork of a process that has imported the framework, and done nothing else with it."""
    order = {
        "arguments": arguments,
        "output": str(output),
        "folder": os.getcwd(),
        "environment": {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")},
    }
    server = _server(framework)
    server.stdin.write(json.dumps(order) + "\n")
    server.stdin.flush()
    status = int(server.stdout.readline())
    stacks = Path(f"{output}.stacks").read_text()
    assert not stacks, stacks
    return Outcome(os.waitstatus_to_exitcode(status), output.read_text())


@functools.cache
def _server(framework):
    """Not this process: a framework whose threads run already hangs in a fork."""
    server = subprocess.Popen(
        [sys.executable, __file__, framework], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    atexit.register(_end, server)
    return server


def _end(server):
    server.stdin.close()
    server.wait()
    server.stdout.close()


def _serve(framework):
    if framework == "torch":
        import torch

        torch.compile(lambda x: x + 1, backend="eager")(torch.ones(1))
        torch._dynamo.reset()
    else:
        import tensorflow  # noqa: F401  its runtime must not be started before a fork
    gc.freeze()  # or each fork copies it all, by collecting garbage
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _run(order)
        print(os.waitpid(pid, 0)[1], flush=True)


def _run(order):
    code = 70
    try:
        os.chdir(order["folder"])
        os.environ.clear()
        os.environ.update(order["environment"])
        descriptor = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        sys.__stdout__, sys.__stderr__ = sys.stdout, sys.stderr
        stacks = open(f"{order['output']}.stacks", "w")  # noqa: SIM115  open as long as the process
        faulthandler.dump_traceback_later(HUNG_S, exit=True, file=stacks)
        code = int(pytest.main(order["arguments"]))
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    _serve(sys.argv[1])
