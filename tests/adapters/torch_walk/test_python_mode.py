"""Python mode: the Python behind a compiled function runs, and what was compiled is used again afterwards."""

from __future__ import annotations

import sys

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from tracedbg.adapters.torch_compile.walk import force_eager, is_python_mode, python_mode  # noqa: E402


def compiles(dynamo):
    return dynamo.utils.counters["stats"]["unique_graphs"]


def python_lines_of(function, call):
    """How many lines of `function` Python itself runs in a call."""
    seen = []

    def trace(frame, event, argument):
        if frame.f_code is function.__code__:
            seen.append(event)
            return trace
        return None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return seen.count("line")


def f(x):
    y = x + 1
    return y * 2


def test_in_python_mode_python_runs_and_nothing_is_compiled_again(fresh_dynamo):
    compiled, x = torch.compile(f, backend="aot_eager"), torch.ones(2)
    compiled(x)
    before = compiles(fresh_dynamo)
    assert python_lines_of(f, lambda: compiled(x)) == 0
    python_mode(True)
    try:
        assert is_python_mode()
        assert python_lines_of(f, lambda: compiled(x)) == 2
        assert python_lines_of(f, lambda: compiled(torch.ones(3))) == 2
    finally:
        python_mode(False)
    assert not is_python_mode()
    assert python_lines_of(f, lambda: compiled(x)) == 0
    assert compiles(fresh_dynamo) == before


def test_switching_on_twice_is_switching_on_once(fresh_dynamo):
    compiled, x = torch.compile(f, backend="eager"), torch.ones(2)
    compiled(x)
    python_mode(True)
    python_mode(True)
    python_mode(False)
    assert python_lines_of(f, lambda: compiled(x)) == 0
    python_mode(False)
    assert not is_python_mode()


def test_the_stance_that_the_program_has_set_comes_back(fresh_dynamo):
    compiled = torch.compile(f, backend="eager", dynamic=False)
    compiled(torch.ones(2))
    with torch.compiler.set_stance("fail_on_recompile"):
        with force_eager():
            compiled(torch.ones(3))
        with pytest.raises(RuntimeError, match="fail_on_recompile"):
            compiled(torch.ones(4))


def test_a_block_leaves_the_mode_as_it_was(fresh_dynamo):
    with force_eager():
        with force_eager():
            pass
        assert is_python_mode()
    assert not is_python_mode()
