"""The program is as it would be alone: results, random numbers, compiles, references, errors, modes."""

from __future__ import annotations

import gc
import weakref
from collections import Counter

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from adapters.torch.counts import from_torch  # noqa: E402
from adapters.torch_steps import programs  # noqa: E402


def trained():
    """Everything that a training leaves behind."""
    torch.manual_seed(3)
    model = programs.mlp()
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(5):
        optimizer.zero_grad()
        model(torch.randn(8, 64)).sum().backward()
        optimizer.step()
    return [parameter.detach().clone() for parameter in model.parameters()], torch.get_rng_state()


def test_results_and_random_numbers_are_the_same_to_the_bit(either):
    alone, alone_state = trained()
    with either() as steps:
        parameters, state = trained()
    assert all(map(torch.equal, alone, parameters))
    assert torch.equal(alone_state, state)
    assert steps.count == 5


def test_nothing_of_the_program_is_kept(either):
    gc.disable()
    try:
        with either() as steps:
            x = torch.ones(3, requires_grad=True)
            y = x.exp()
            loss = y.sum()
            held = [weakref.ref(one) for one in (x, y, loss)]
            loss.backward(retain_graph=True)
            del x, y, loss
            assert [one() for one in held] == [None] * 3
        assert steps.count == 1
    finally:
        gc.enable()


def test_what_a_graph_keeps_is_let_go_when_its_backward_ends(either):
    class Held(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mine = Mark()
            return x * 2

        @staticmethod
        def backward(ctx, gradient):
            return gradient

    class Mark:
        pass

    gc.disable()
    try:
        with either():
            y = Held.apply(torch.ones(3, requires_grad=True))
            mark = weakref.ref(y.grad_fn.mine)
            y.sum().backward()
            del y
            assert mark() is None
    finally:
        gc.enable()


class Failing(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, gradient):
        raise ValueError("no gradient today")


def test_an_error_in_a_backward_is_the_programs_own(either):
    x = torch.ones(3, requires_grad=True)
    with either() as steps:
        with pytest.raises(ValueError, match="no gradient today") as caught:
            Failing.apply(x).sum().backward()
        x.exp().sum().backward()
    assert not [one for one in caught.traceback if "tracedbg/adapters" in str(one.path)]
    assert steps.count == 2


def test_a_call_that_is_wrong_is_no_step(either):
    with either() as steps, pytest.raises(RuntimeError, match="only for scalar outputs"):
        torch.ones(3, requires_grad=True).exp().backward()
    assert steps.count == 0


def with_backward_inside():
    def step(x):
        loss = (x * 2).relu().sum()
        print(end="")
        loss.backward()
        return x.grad * 2

    compiled = torch.compile(step, backend="aot_eager")
    return [compiled(torch.ones(size, requires_grad=True)).sum().item() for size in (3, 4, 5)]


def with_backward_outside():
    compiled = torch.compile(lambda x: (x * 2).sin().sum(), backend="aot_eager")
    found = []
    for size in (3, 4, 5):
        x = torch.ones(size, requires_grad=True)
        compiled(x).backward()
        found.append(x.grad.sum().item())
    return found


def with_grad_inside():
    def slope(x):
        (found,) = torch.autograd.grad(x.sin().sum(), x)
        return found

    compiled = torch.compile(slope, backend="aot_eager")
    return [compiled(torch.ones(size, requires_grad=True)).sum().item() for size in (3, 4, 5)]


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # asked by Dynamo
@pytest.mark.parametrize("program", [with_backward_inside, with_backward_outside, with_grad_inside])
def test_as_much_is_compiled_as_without_us(either, program):
    torch._dynamo.reset()
    torch._dynamo.utils.clear_compilation_metrics()
    results = program()
    alone = from_torch()
    torch._dynamo.reset()
    torch._dynamo.utils.clear_compilation_metrics()
    with either() as steps:
        assert program() == results
    assert from_torch() == alone
    assert steps.count == 3  # what the compiler differentiates to make its graphs is no step
    torch._dynamo.reset()


def test_modes_and_subclasses_of_the_program_see_nothing_of_us(either):
    from torch.overrides import TorchFunctionMode
    from torch.utils._python_dispatch import TorchDispatchMode

    class Functions(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            seen.append(getattr(func, "__name__", str(func)))
            return func(*args, **(kwargs or {}))

    class Ops(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            seen.append(str(func))
            return func(*args, **(kwargs or {}))

    def program():
        seen.clear()
        x = torch.ones(3, requires_grad=True)
        with Functions(), Ops():
            x.exp().sum().backward()
        return list(seen)

    seen = []
    alone = program()
    with either():
        assert program() == alone
    assert "aten.exp.default" in alone


@pytest.mark.filterwarnings("ignore:Anomaly Detection has been enabled")
def test_anomaly_mode_and_hooks_of_tensors_work_beside_it(either):
    x = torch.ones(3, requires_grad=True)
    seen = []
    with either() as steps, torch.autograd.detect_anomaly(check_nan=False):
        y = x.exp()
        y.register_hook(lambda gradient: seen.append(gradient.sum().item()))
        y.grad_fn.register_hook(lambda *_: seen.append("node"))
        y.sum().backward()
    assert seen == [3.0, "node"]
    assert steps.count == 1


def test_transforms_of_functions_are_steps(either):
    with either() as steps:
        for _ in range(3):
            assert torch.func.grad(lambda x: x.sin().sum())(torch.zeros(3)).tolist() == [1.0] * 3
    assert (steps.count, steps.only().graphs) == (3, 1)


def test_ddp_takes_its_steps_as_alone(either, tmp_path):
    distributed = torch.distributed
    if not distributed.is_available():
        pytest.skip("this torch has no torch.distributed")
    distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        model = torch.nn.parallel.DistributedDataParallel(programs.LayerDrop(2), find_unused_parameters=True)
        x = torch.randn(2, 4)
        with either() as steps:
            programs.train(model, [(x, ()), (x, (0,)), (x, ())])
        assert (steps.count, steps.only().changed) == (3, 2)
    finally:
        distributed.destroy_process_group()


def test_ops_are_counted_as_without_us(with_lines, observer):
    from adapters.torch_steps.conftest import recording
    from tracedbg.adapters.torch_ops import TorchOpRecorder
    from tracedbg.ran import OpsSeen

    def counted(steps):
        totals = [one for seen in steps.sink.of(OpsSeen) for one in seen.totals]
        return Counter({(one.kind.name, one.kind.stack[:1]): one.count for one in totals})

    def program():
        x = torch.ones(3, requires_grad=True)
        x.exp().sum().backward()

    with recording(TorchOpRecorder()) as alone:
        program()
    with with_lines() as beside:
        program()
    assert counted(beside) == counted(alone)
    assert "aten::ones_like" in {name for name, _ in counted(beside)}


def test_removed_hooks_leave_torch_as_it_was(either):
    before = torch.autograd._make_grads
    with either():
        assert torch.autograd._make_grads is not before
    assert torch.autograd._make_grads is before
