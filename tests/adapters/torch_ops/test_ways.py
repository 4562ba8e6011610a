"""The ways by which an op can come to run: each is seen, and told for what it is."""

from __future__ import annotations

import threading
import warnings

import pytest

torch = pytest.importorskip("torch")

from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

from adapters.torch_ops.seen import marked, ops  # noqa: E402
from tracedbg.adapters.torch_ops import compiled  # noqa: E402

pytestmark = pytest.mark.torch
MARKS = marked(__file__)


@pytest.mark.filterwarnings("ignore::UserWarning")  # both nested and quantised tensors warn
def test_shapes_and_dtypes_are_told():
    with ops() as seen:
        torch.ones(2, 3) @ torch.ones(3, 4)
        torch.cat([torch.ones(2, dtype=torch.int64), torch.ones(1, dtype=torch.bool)])
        torch.stack([torch.ones(1)] * 20)
        torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]).sin()
        torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8).dequantize()
    assert [kind.inputs for kind in seen.kinds("aten::mm")] == ["float32[2, 3], float32[3, 4]"]
    assert "int64[2], bool[1]" in [kind.inputs for kind in seen.kinds("aten::cat")]
    (stacked,) = seen.kinds("aten::stack")
    assert stacked.inputs == ", ".join(["float32[1]"] * 8) + ", and 12 more"
    assert "float32[nested]" in [kind.inputs for kind in seen.kinds("aten::sin")]
    assert [kind.inputs for kind in seen.kinds("aten::dequantize")] == ["qint8[2]"]


def test_the_durations_of_outer_ops_hold_those_of_inner_ones():
    with ops() as seen:
        torch.nn.functional.linear(torch.ones(2, 3), torch.ones(4, 3), torch.ones(4))
    linear = next(total for total in seen.totals if total.kind.name == "aten::linear")
    inner = [total for total in seen.totals if not total.kind.is_outer]
    assert linear.kind.is_outer
    assert {"aten::t", "aten::addmm"} <= {total.kind.name for total in inner}
    own = sum(total.self_ns for total in seen.totals)
    whole = sum(total.duration_ns for total in seen.totals if total.kind.is_outer)
    assert abs(own - whole) <= 2 * len(seen.totals)  # each is rounded to a nanosecond
    assert all(0 <= total.self_ns <= total.duration_ns for total in seen.totals)
    assert all(total.longest_ns * total.count >= total.duration_ns for total in seen.totals)


def test_autocast_vmap_and_grad_are_seen():
    x = torch.randn(3, 4)
    with ops() as seen:
        with torch.autocast("cpu", torch.bfloat16):
            x @ x.T  # @autocast
        torch.vmap(lambda row: row.exp())(x)  # @vmap
        torch.func.grad(lambda row: row.tanh().sum())(x[0])  # @grad
    assert seen.lines()["aten::mm", MARKS["autocast"]] == 1
    assert "bfloat16[3, 4], bfloat16[4, 3]" in [kind.inputs for kind in seen.kinds("aten::mm")]
    assert seen.lines()["aten::exp", MARKS["vmap"]] >= 1
    assert seen.lines()["aten::tanh", MARKS["grad"]] >= 1


def test_subclasses_and_modes_of_the_user_work_beside_it():
    class Sub(torch.Tensor):
        pass

    class Mode(TorchDispatchMode):
        def __init__(self):
            super().__init__()
            self.ran = []

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            self.ran.append(str(func))
            return func(*args, **(kwargs or {}))

    def program():
        with Mode() as mode:
            made = torch.ones(2).as_subclass(Sub) + 1  # @subclass
        return mode.ran, type(made)

    plain = program()
    with ops() as seen:
        assert program() == plain
    assert seen.lines()["aten::add", MARKS["subclass"]] >= 1


def double_sine(x):
    return (x * 2).sin()


def test_torchscript_is_traced():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is deprecated
        scripted = torch.jit.script(double_sine)
    scripted(torch.ones(2))
    with ops() as seen:
        scripted(torch.ones(2))  # @scripted
    (kind,) = seen.kinds("aten::sin")
    assert (kind.is_traced, kind.is_outer, kind.stack[0].line) == (True, True, MARKS["scripted"])


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_ops_of_a_compiled_graph_are_traced_and_have_their_lines(backend):
    def function(x):
        y = x * 2  # @first
        return y.sin()  # @second

    torch._dynamo.reset()
    compiled = torch.compile(function, backend=backend)
    x = torch.ones(3)
    with ops() as seen:
        for _ in range(3):
            compiled(x)
    torch._dynamo.reset()
    lines = seen.lines()
    for name, mark in (("aten::mul", "first"), ("aten::sin", "second")):
        assert lines[name, MARKS[mark]] >= 3
        assert lines[name, MARKS[mark]] == lines.total() - sum(
            count for key, count in lines.items() if key != (name, MARKS[mark])
        )
        assert all(kind.is_traced for kind in seen.kinds(name))
    assert sum(count for name, count in seen.counts().items() if name.startswith("Torch-Compiled")) == 3


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch's own making
def test_a_region_of_inductor_is_one_op():
    torch._dynamo.reset()
    compiled = torch.compile(lambda x: (x * 2).sin().relu())
    x = torch.ones(8)
    compiled(x)
    with ops() as seen:
        for _ in range(4):
            compiled(x)  # @inductor
    torch._dynamo.reset()
    (region,) = [total for total in seen.totals if total.kind.name.startswith("Torch-Compiled Region")]
    assert (region.count, region.kind.is_traced, region.kind.is_outer) == (4, True, True)
    assert region.kind.stack[0].line == MARKS["inductor"]
    assert not seen.kinds("aten::sin")


def test_the_lines_of_a_graph_are_known_without_a_search_of_the_heap(monkeypatch):
    monkeypatch.setattr(compiled, "graph_modules_of", pytest.fail)

    @torch.compile(backend="eager")
    def function(x):
        return (x * 2).cosh()  # @graph

    with ops() as seen:
        function(torch.ones(3))
    assert seen.lines()["aten::cosh", MARKS["graph"]] == 1


def test_what_runs_between_two_compiled_parts_is_eager():
    torch._dynamo.reset()

    @torch.compile(backend="eager")
    def function(x):
        y = x * 2
        torch._dynamo.graph_break()
        return y.cos()

    @torch._dynamo.disable
    def eager(x):
        return x.tanh()  # @eager

    @torch.compile(backend="eager")
    def broken(x):
        return eager(x * 2) + 1

    function(torch.ones(2))
    broken(torch.ones(2))
    with ops() as seen:
        broken(torch.ones(2))
    torch._dynamo.reset()
    (kind,) = seen.kinds("aten::tanh")
    assert (kind.is_traced, kind.is_outer, kind.stack[0].line) == (False, True, MARKS["eager"])
    own = sum(total.self_ns for total in seen.totals)
    whole = sum(total.duration_ns for total in seen.totals if total.kind.is_outer)
    assert abs(own - whole) <= 2 * len(seen.totals)


def test_an_op_that_raises_is_over():
    with ops() as seen:
        with pytest.raises(RuntimeError):
            torch.ones(2) @ torch.ones(3)
        torch.ones(2).sin()
    assert all(kind.is_outer for kind in seen.kinds("aten::sin"))


def test_results_and_random_numbers_are_those_of_a_plain_run():
    def program():
        torch.manual_seed(3)
        w = torch.randn(4, requires_grad=True)
        loss = torch.nn.functional.dropout(w * 2, 0.5).sum()
        number = loss.grad_fn._sequence_nr()
        loss.backward()
        return w.grad.clone(), torch.rand(3), number

    first, plain = program(), program()
    with ops():
        observed = program()
    assert torch.equal(plain[0], observed[0])
    assert torch.equal(plain[1], observed[1])
    assert observed[2] - plain[2] == plain[2] - first[2]


def test_nothing_is_seen_after_it_was_removed():
    with ops() as seen:
        torch.ones(2).sin()
    count = len(seen.events)
    torch.ones(2).sin()
    seen.tell()
    assert len(seen.events) == count
    with ops() as again:
        pass
    assert again.events == []


def test_it_counts_while_it_is_told_in_another_thread():
    stop = threading.Event()
    with ops() as seen:

        def tell():
            while not stop.is_set():
                seen.hooks.tell()

        thread = threading.Thread(target=tell)
        thread.start()
        for _ in range(2000):
            torch.sin(X)
        stop.set()
        thread.join()
    assert seen.counts()["aten::sin"] == 2000


X = torch.ones(2)


def test_what_tracedbg_runs_itself_is_left_out():
    from tracedbg.adapters.torch_common.tensors import TorchTensors

    x = torch.ones(4)
    with ops() as seen:
        TorchTensors().summary(x)
    assert seen.counts() == {}
