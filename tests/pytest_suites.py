"""Runs small suites of tests with the plugin, each in a fork: the frameworks are imported once for all."""

from __future__ import annotations

import faulthandler
import functools
import os
import re
import signal
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


@functools.cache
def warm_up(framework):
    """Load, once, what each suite would load by itself."""
    if framework == "torch":
        import torch

        torch.compile(lambda x: x + 1, backend="eager")(torch.ones(1))
        torch._dynamo.reset()
    else:
        import tensorflow  # noqa: F401  its runtime must not be started before a fork


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


def run_forked(arguments, output):
    """Run pytest in a fork of this process: the frameworks are imported already."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(descriptor, 1)
            os.dup2(descriptor, 2)
            sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
            sys.__stdout__, sys.__stderr__ = sys.stdout, sys.stderr
            stacks = open(f"{output}.stacks", "w")  # noqa: SIM115  open as long as the process
            faulthandler.dump_traceback_later(HUNG_S, exit=True, file=stacks)
            os.environ.pop("PYTEST_ADDOPTS", None)
            for name in [name for name in os.environ if name.startswith("PYTEST_")]:
                del os.environ[name]
            code = int(pytest.main(arguments))
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)
    try:
        _, status = os.waitpid(pid, 0)
    except BaseException:  # of pytest-timeout
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise
    stacks = Path(f"{output}.stacks").read_text()
    assert not stacks, stacks
    return Outcome(os.waitstatus_to_exitcode(status), output.read_text())
