"""Calls without gradients are steps by the ops that they run, with their lines."""

from __future__ import annotations

import gc
import sys
import threading
import weakref
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(
        not (3, 11) <= sys.version_info[:2] <= (3, 13),
        reason="frames of this Python are not read as they stand",
    ),
]

from adapters.torch.counts import from_torch  # noqa: E402
from adapters.torch_steps import programs  # noqa: E402
from adapters.torch_steps.test_graphs import line  # noqa: E402

HERE = Path(__file__)


def sequences(steps):
    return [one for one in steps.summary() if one.kind == "sequence"]


def evaluate(model, batches):
    with torch.no_grad():
        for batch in batches:
            model(*batch) if isinstance(batch, tuple) else model(batch)  # @evaluate


def test_a_branch_is_told_with_the_lines_that_call_its_two_sides(with_lines):
    with with_lines() as steps:
        evaluate(programs.Experts(), programs.signs(1, 1, -1, 1))
    (found,) = sequences(steps)
    (change,) = found.changes
    node = f"aten::linear (programs.py:{line('linear')})"
    assert change.message == (
        f"diverges at node 3: {node} from programs.py:{line('first expert')} ->"
        f" {node} from programs.py:{line('second expert')}"
    )
    assert (change.line, change.count, change.back, change.step) == (line("if expert"), 2, 1, 3)
    assert (found.steps, found.looked_at, found.graphs, found.costs) == (4, 4, 2, ())
    assert (found.name, found.line) == ("evaluate", line("evaluate", HERE))


def test_blocks_that_are_left_out_are_turns_of_their_loop(with_lines):
    x = torch.ones(2, 4)
    with with_lines() as steps:
        evaluate(programs.Experts(), [(x, ()), (x, (1,)), (x, (0, 2)), (x, ())])
    (change,) = sequences(steps)[0].changes
    assert change.message == f"the loop at programs.py:{line('blocks')} ran 1, 2 or 3 times"


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_equal_calls_are_no_change_whatever_the_size_of_their_batches(with_lines, mode):
    model = programs.LayerDrop()
    with with_lines() as steps, mode():
        for size in (2, 3, 5, 2):
            model(torch.ones(size, 4))
    (found,) = sequences(steps)
    assert (found.steps, found.graphs, found.changes) == (4, 1, ())


def test_one_call_after_the_other_in_one_line_are_steps_of_their_own(with_lines):
    model = programs.LayerDrop()
    x = torch.ones(2, 4)
    with with_lines() as steps, torch.no_grad():
        [model(x) for _ in range(5)]
    assert [(one.steps, one.graphs) for one in sequences(steps)] == [(5, 1)]


def test_each_line_that_calls_a_module_is_a_place_of_its_own(with_lines):
    first, second = programs.LayerDrop(), programs.Recurrent()
    with with_lines() as steps, torch.no_grad():
        for _ in range(3):
            first(torch.ones(2, 4))
            second(torch.ones(2, 4))
    assert [(one.steps, one.changes) for one in sequences(steps)] == [(3, ()), (3, ())]


class Teacher(torch.nn.Module):
    """Runs a part of its forward without gradients."""

    def __init__(self):
        super().__init__()
        self.part = programs.Block()

    def forward(self, x):
        x = self.part(x)
        with torch.no_grad():
            x.exp().sum()
        return self.part(x).sum()


def test_a_forward_with_gradients_is_no_such_step_nor_are_its_parts_without(with_lines):
    with with_lines() as steps:
        programs.train(Teacher(), [torch.ones(2, 4)] * 3)
    assert sequences(steps) == []
    assert steps.count == 3


def test_between_steps_of_training_an_evaluation_is_told(with_lines):
    model, x = programs.LayerDrop(), torch.ones(2, 4)
    with with_lines() as steps:
        for _ in range(3):
            programs.train(model, [x])
            evaluate(model, [x, x])
    assert [(one.kind, one.steps, one.changes) for one in steps.summary()] == [
        ("sequence", 6, ()),
        ("autograd", 3, ()),
    ]


def test_threads_are_told_together(with_lines):
    model, x = programs.LayerDrop(), torch.ones(2, 4)
    with with_lines() as steps:
        threads = [threading.Thread(target=evaluate, args=(model, [x] * 5)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        evaluate(model, [x])
    (found,) = sequences(steps)
    # The last call of a thread that has ended is not told: nothing says that it was whole.
    assert (found.steps, found.graphs, found.changes) == (9, 1, ())


def test_what_a_call_made_is_let_go_when_it_ends(with_lines):
    held = []

    class Holding(programs.Block):
        def forward(self, x):
            made = super().forward(x).exp()
            held.append(weakref.ref(made))
            return made.sum().item()

    model = Holding()
    gc.disable()
    try:
        with with_lines() as steps, torch.no_grad():
            for _ in range(3):
                model(torch.ones(2, 4))
                assert held[-1]() is None
        assert sequences(steps)[0].steps == 3
    finally:
        gc.enable()


def test_a_debugger_of_the_programs_sees_what_it_would_alone(with_lines):
    model, x = programs.Block(), torch.ones(2, 4)

    def traced():
        seen = []

        def trace(frame, event, argument):
            seen.append((frame.f_code.co_name, event))
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            evaluate(model, [x, x])
        finally:
            sys.settrace(before)
        return seen

    alone = traced()
    with with_lines() as steps:
        assert traced() == alone
    assert sequences(steps) == []


def test_as_much_is_compiled_as_without_us(with_lines):
    def program():
        torch._dynamo.reset()
        torch._dynamo.utils.clear_compilation_metrics()
        model = torch.compile(programs.LayerDrop(2), backend="eager")
        with torch.no_grad():
            return [model(torch.ones(size, 4)).shape for size in (2, 3, 4)], from_torch()

    alone = program()
    with with_lines():
        assert program() == alone
    torch._dynamo.reset()
