"""What lines keep for the backward agrees with what the hooks of torch see, and no hook of the program's is called."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from adapters.torch_steps import programs  # noqa: E402
from adapters.torch_steps.test_graphs import line  # noqa: E402
from interrupting import interrupted_at  # noqa: E402
from tracedbg.adapters.torch_steps.saved import saved_bytes  # noqa: E402
from tracedbg.adapters.torch_steps.walk import SlowLooker  # noqa: E402


def kept_by_hooks(model, batch):
    """Bytes that one forward keeps, each storage once, parameters left out."""
    storages = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = model(batch).sum()
    for parameter in model.parameters():
        storages.pop(parameter.untyped_storage().data_ptr(), None)
    del loss
    return sum(storages.values())


@pytest.mark.parametrize(
    ("make", "shape"), [(programs.mlp, (32, 64)), (programs.Conv, (4, 3, 16, 16))], ids=["mlp", "conv"]
)
def test_bytes_agree_with_those_of_saved_tensors_hooks(either, make, shape):
    model, batch = make(), torch.randn(shape)
    expected = kept_by_hooks(model, batch)
    with either() as steps:
        model(batch).sum().backward()
    assert steps.only().saved_bytes == pytest.approx(expected, rel=0.01)
    assert expected > 10_000


def test_bytes_are_told_by_the_line_that_keeps_them(with_lines):
    x = torch.randn(100, 4)
    with with_lines() as steps:
        programs.train(programs.SameOps(), [x.abs()])
    (cost,) = [one for one in steps.only().costs if one.saved_bytes]
    assert (cost.line, cost.saved_bytes, cost.nodes) in {
        (line("first"), 1600, 2),
        (line("second"), 1600, 2),
    }


def test_the_backward_of_a_line_is_timed_by_its_ops(with_lines):
    with with_lines() as steps:
        programs.train(programs.Conv(), [torch.randn(4, 3, 16, 16)] * 3)
    assert steps.only().backward_seconds > 0


def test_hooks_of_the_program_are_not_called_by_us(either):
    calls = []

    def unpack(tensor):
        calls.append("unpack")
        return tensor

    x = torch.ones(100, requires_grad=True)
    with either() as steps, torch.autograd.graph.saved_tensors_hooks(lambda tensor: tensor, unpack):
        x.exp().exp().sum().backward()
    assert calls == ["unpack"] * 2
    assert steps.only().saved_bytes == 800


@pytest.mark.parametrize("use_reentrant", [True, False])
def test_a_checkpoint_is_computed_again_once_and_is_one_step(either, use_reentrant):
    runs = []

    def part(x):
        runs.append(torch.is_grad_enabled())
        return x.exp().sin()

    x = torch.ones(100, requires_grad=True)
    with either() as steps:
        torch.utils.checkpoint.checkpoint(part, x, use_reentrant=use_reentrant).sum().backward()
    assert len(runs) == 2
    assert steps.count == 1
    assert steps.only().saved_bytes == 0


def test_what_a_backward_has_let_go_is_no_fault(either):
    x = torch.ones(3, requires_grad=True)
    y = x.exp()
    y.sum().backward()
    with either() as steps, pytest.raises(RuntimeError, match="second time"):
        y.sum().backward()
    assert (steps.count, steps.only().saved_bytes) == (1, 0)


def test_tensors_that_are_kept_elsewhere_count_as_they_are_kept(either):
    x = torch.ones(100, requires_grad=True)
    with either() as steps, torch.autograd.graph.save_on_cpu():
        x.exp().sum().backward()
    assert steps.only().saved_bytes == 400


def test_an_interrupt_at_any_moment_leaves_gradients_on():
    walked = SlowLooker().walk([programs.mlp()(torch.randn(2, 64)).sum()])
    moment = 0
    while (error := interrupted_at(moment, lambda: saved_bytes(walked))) is not None:
        assert (torch.is_grad_enabled(), torch._C._is_torch_function_enabled()) == (True, True), moment
        del error
        moment += 1
    assert moment > 50
