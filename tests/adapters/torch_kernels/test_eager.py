"""Eager ops on the CPU: each on its own line, forward and backward."""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from adapters.torch_kernels import programs, timed  # noqa: E402
from tracedbg.source import is_user_file  # noqa: E402

pytestmark = pytest.mark.torch
FILE = programs.__file__


def marked(mark):
    lines = Path(FILE).read_text().splitlines()
    return next(number for number, text in enumerate(lines, 1) if text.endswith(f"# @{mark}"))


@pytest.fixture(scope="module")
def training():
    return timed.kernels(programs.training(programs.Net(), torch.randn(64, 32)))


def test_the_time_of_a_training_step_is_on_lines_of_the_program(training):
    times = timed.by_line(training)
    on_lines = sum(time_ns for (line, _), time_ns in times.items() if line is not None)
    assert on_lines >= 0.99 * sum(times.values())
    wanted = {marked(mark) for mark in ("up", "scale", "down", "loss", "optimizer")}
    assert wanted <= {line for line, _ in times}


def test_a_backward_belongs_to_the_line_of_its_forward(training):
    lines = {timed.line_of(kernel) for kernel in training if kernel.is_backward}
    assert lines == {marked(mark) for mark in ("up", "scale", "down", "loss", "backward")}
    forward = {timed.line_of(kernel) for kernel in training if not kernel.is_backward}
    assert marked("backward") in forward | lines  # what sums up gradients has no forward


def test_the_whole_stack_is_there_with_modules_and_exact_lines(training):
    found = next(one for one in training if one.op == "aten::gelu" and not one.is_backward)
    user = [frame for frame in found.frames if frame.file == FILE]
    assert [(frame.function, frame.line) for frame in user] == [
        ("forward", marked("up")),
        ("step", marked("loss")),
    ]
    assert all(frame.is_exact for frame in user)
    assert [frame.module for frame in found.frames if frame.module] == ["Net"]


def test_the_time_of_an_op_is_without_that_of_ops_inside_it(training):
    linear = [one for one in training if one.op == "aten::linear"]
    inside = [one for one in training if one.op == "aten::addmm"]
    assert sum(one.duration_ns for one in linear) < sum(one.duration_ns for one in inside)


def test_a_backward_of_the_programs_own_is_on_its_own_line():
    def step():
        programs.Square.apply(torch.ones(4, requires_grad=True)).sum().backward()

    own = {one.op for one in timed.kernels(step) if timed.line_of(one) == marked("own backward")}
    assert "aten::mul" in own


def test_lines_of_operators_agree_with_those_that_a_dispatch_mode_sees():
    x = torch.ones(8, 16)
    found = defaultdict(list)
    for kernel in timed.kernels(lambda: programs.operators(x), times=1):
        found[plain(kernel.op)].append(timed.line_of(kernel))
    expected = reference(lambda: programs.operators(x))
    compared = right = 0
    for op, lines in expected.items():
        same_count = len(lines) == len(found[op])
        for number, line in enumerate(lines):  # a composite op is named like the op that it runs
            compared += 1
            right += found[op][number] == line if same_count else line in found[op]
    assert compared > 40
    assert right >= 0.99 * compared


def plain(op):
    return op.rpartition("::")[2].rstrip("_")


def reference(function):
    from torch.utils._python_dispatch import TorchDispatchMode

    seen = defaultdict(list)

    class Mode(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            frame = sys._getframe(1)
            while frame is not None and not is_user_file(frame.f_code.co_filename):
                frame = frame.f_back
            if frame.f_code.co_filename == FILE:
                seen[plain(func.__name__.split(".")[0])].append(frame.f_lineno)
            return func(*args, **(kwargs or {}))

    with Mode():
        function()
    seen.pop("detach", None)  # some of them are the mode's own
    return seen
