"""Where the compiled backward stops: forward lines, NaNs, steps; and that it is otherwise left alone."""

from __future__ import annotations

import gc
import weakref
from contextlib import contextmanager
from importlib import import_module

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from adapters.torch_walk.walking import Script, line_of, walking  # noqa: E402
from tracedbg.adapters.torch_compile.walk import _compat  # noqa: E402
from tracedbg.adapters.torch_eager import TorchEagerWalker  # noqa: E402
from tracedbg.engine import Breakpoint, Go  # noqa: E402
from tracedbg.hooks import Hooks  # noqa: E402

BACKENDS = [
    "aot_eager",
    pytest.param("inductor", marks=pytest.mark.filterwarnings("ignore::DeprecationWarning")),
]


def root(h):
    return torch.sqrt(h)  # @root


def loss_of(x, w):
    h = x * w  # @mul
    z = root(h)  # @call
    return z.sum()  # @sum


class Told(Script):
    """Remembers what is told of each stop, and of its walk."""

    def __init__(self):
        super().__init__()
        self.texts, self.told = [], []

    def interact(self, stop):
        view = stop.view
        self.texts.append(stop.text)
        graph = "" if view.walk is None else view.walk.graph
        self.told.append((view.is_backward, graph, view.line))
        assert view.frames()[0].line == view.line
        return super().interact(stop)


@pytest.fixture(autouse=True)
def no_autograd_cache():
    """What was compiled in an earlier run of the tests would come without its graph."""
    from torch._functorch import config

    with config.patch(enable_autograd_cache=False):
        yield


@pytest.fixture
def walked(fresh_dynamo):
    with walking(fresh_dynamo.convert_frame, Told()) as found:
        found.engine.values.add(tensors())
        yield found


def tensors():
    from tracedbg.adapters.torch_common.tensors import TorchTensors

    return TorchTensors()


@contextmanager
def eager_ops(walked):
    hooks = Hooks(walked.sink, "torch_eager")
    try:
        TorchEagerWalker().attach(torch, hooks, walked.engine)
        yield
    finally:
        hooks.remove()


def leaves(*values):
    x = torch.tensor(values)
    return x, torch.full_like(x, 2.0).requires_grad_()


def gradient(function, x, w):
    (grad,) = torch.autograd.grad(function(x, w), w)
    return grad


def compiled_counts(dynamo):
    """What torch counts: graphs of Dynamo, and compiles by AOTAutograd and the backend."""
    counters = dynamo.utils.counters
    return {name: dict(counters[name]) for name in ("stats", "aot_autograd", "inductor")}


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_backward_stops_at_an_op_with_the_line_of_the_forward(backend, walked):
    function = torch.compile(loss_of, backend=backend)
    x, w = leaves(1.0, 4.0)
    before = gradient(function, x, w)
    walked.engine.breakpoints.add(Breakpoint(op_pattern="aten.div*"))
    assert torch.equal(gradient(function, x, w), before)
    ((is_backward, graph, line),) = walked.script.told
    assert (is_backward, graph, line) == (True, "0/0 backward", line_of(root, "root"))
    (stop,) = walked.script.stops
    assert [(name, traced) for name, _, traced in stop.stack[:3]] == [
        ("root", True),
        ("loss_of", True),
        ("gradient", False),
    ]
    assert stop.stack[1][1] == line_of(loss_of, "call")
    assert stop.op == "aten.div"


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_breakpoint_set_between_forward_and_backward_stops_in_that_backward(backend, walked, fresh_dynamo):
    function = torch.compile(loss_of, backend=backend)
    x, w = leaves(1.0, 4.0)
    loss = function(x, w)
    walked.engine.breakpoints.add(Breakpoint(op_pattern="aten.div*"))
    loss.backward()
    armed = compiled_counts(fresh_dynamo)
    assert len(walked.script.stops) == 1
    fresh_dynamo.reset()
    fresh_dynamo.utils.counters.clear()
    walked.engine.breakpoints.clear()
    plain_w = w.detach().requires_grad_()
    torch.compile(loss_of, backend=backend)(x, plain_w).backward()
    assert compiled_counts(fresh_dynamo)["stats"] == armed["stats"]
    assert torch.equal(w.grad, plain_w.grad)


def zeroed(x, w):
    h = (x * w) * 0.0  # @zero
    z = torch.sqrt(h)  # @sqrt
    return z.sum()


def test_a_nan_born_in_the_compiled_backward_stops_at_its_first_op(walked):
    function = torch.compile(zeroed, backend="aot_eager")
    x, w = leaves(1.0, 4.0)
    loss = function(x, w)  # compiled and run before anything is armed
    walked.engine.breakpoints.add(Breakpoint(filter="nan"))
    loss.backward()
    assert walked.script.told[:1] == [(True, "0/0 backward", line_of(zeroed, "sqrt"))]
    assert walked.script.stops[0].op == "aten.div"
    assert w.grad.isnan().all()


def test_the_backward_of_a_walked_forward_stops_at_the_line_of_the_forward(walked):
    function = torch.compile(zeroed, backend="aot_eager")
    x, w = leaves(1.0, 4.0)
    function(x, w)
    with eager_ops(walked):
        walked.engine.breakpoints.add(Breakpoint(filter="nan"))
        function(x, w).backward()  # the forward is walked: autograd runs eager ops
        walked.engine.breakpoints.clear()
    assert walked.script.told[0] == (True, "", line_of(zeroed, "sqrt"))
    assert walked.script.stops[0].op == "aten.div"
    assert [(name, traced) for name, _, traced in walked.script.stops[0].stack[:1]] == [("zeroed", True)]


def test_a_breakpoint_on_a_line_stops_in_the_forward_only(walked):
    function = torch.compile(loss_of, backend="aot_eager")
    x, w = leaves(1.0, 4.0)
    gradient(function, x, w)
    loss = function(x, w)
    walked.line(root, "root")
    loss.backward()
    assert walked.script.told == []
    gradient(function, x, w)
    assert walked.script.told == [(False, "0/0 forward", line_of(root, "root"))]


@pytest.mark.parametrize("way", ["eager", "compiled", "walked"])
def test_a_condition_that_names_is_backward_stops_a_line_in_the_backward(way, walked):
    function = zeroed if way == "eager" else torch.compile(zeroed, backend="aot_eager")
    x, w = leaves(1.0, 4.0)
    function(x, w)
    with eager_ops(walked):
        if way == "compiled":
            loss = function(x, w)
        for marker in ("zero", "sqrt"):
            walked.line(zeroed, marker, condition="is_backward")
        if way != "compiled":
            loss = function(x, w)
        assert walked.script.told == []
        loss.backward()
        walked.engine.breakpoints.clear()
    graph = "0/0 backward" if way == "compiled" else ""
    expected = [(True, graph, line_of(zeroed, marker)) for marker in ("sqrt", "zero")]
    assert walked.script.told == expected
    assert {stop.reason for stop in walked.script.stops} == {"breakpoint"}


def test_a_step_goes_from_line_to_line_of_the_forward_in_the_order_of_the_backward(walked):
    function = torch.compile(loss_of, backend="aot_eager")
    x, w = leaves(1.0, 4.0)
    loss = function(x, w)
    walked.engine.breakpoints.add(Breakpoint(op_pattern="aten.expand"))
    walked.script.answers = [Go.INTO, Go.INTO, Go.CONTINUE]
    loss.backward()
    marked = [line_of(loss_of, "sum"), line_of(root, "root"), line_of(loss_of, "mul")]
    assert [line for _, _, line in walked.script.told] == marked
    assert [stop.reason for stop in walked.script.stops] == ["function breakpoint", "step", "step"]


def test_each_op_of_a_backward_has_its_values_and_its_site(walked):
    function = torch.compile(loss_of, backend="aot_eager")
    x, w = leaves(1.0, 4.0)
    loss = function(x, w)
    seen = []

    def read(stop):
        op = stop.view.op
        assert stop.view.walk.sites[op.index] == op.site
        seen.append((op.site.op, [name for name, _ in op.inputs()]))

    walked.script.at_stop = read
    walked.engine.breakpoints.add(Breakpoint(op_pattern="*"))
    loss.backward()
    assert [op for op, _ in seen][-1] == "aten.mul"
    assert all(inputs for _, inputs in seen)


def test_an_error_in_an_op_of_a_backward_is_the_programs_own(walked):
    function = torch.compile(loss_of, backend="aot_eager")
    x, w = leaves(1.0, 4.0)
    loss = function(x, w)
    walked.engine.breakpoints.add(Breakpoint(filter="error"))
    kind = _compat.BACKWARD.get()
    (made,) = [one for one in gc.get_objects() if type(one) is kind and _compat.GET_BACKWARD in vars(one)]
    walk_of = vars(made)[_compat.GET_BACKWARD](saved_tensors_use_once=True)
    with pytest.raises(RuntimeError, match="The size of tensor a"):
        walk_of([torch.ones(3), torch.ones(2), torch.tensor(1.0)])
    (stop,) = walked.script.stops
    assert (stop.reason, stop.line) == ("exception", walked.script.told[0][2])
    assert "The size of tensor a" in walked.script.texts[0]
    del loss


def test_abort_ends_the_backward_by_a_keyboard_interrupt(walked):
    function = torch.compile(loss_of, backend="aot_eager")
    loss = function(*leaves(1.0, 4.0))
    walked.engine.breakpoints.add(Breakpoint(op_pattern="aten.div"))
    walked.script.answers = [Go.ABORT]
    with pytest.raises(KeyboardInterrupt):
        loss.backward()


def model():
    torch.manual_seed(0)
    layer = torch.nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    return layer, torch.randn(2, 3, 8)


def gradients(layer, compiled, x):
    layer.zero_grad()
    compiled(x).square().mean().backward()
    return [parameter.grad.clone() for parameter in layer.parameters()]


def test_gradients_of_a_transformer_are_those_of_aot_eager_bit_for_bit(walked):
    layer, x = model()
    compiled = torch.compile(layer, backend="aot_eager")
    plain = gradients(layer, compiled, x)
    layer.zero_grad()
    loss = compiled(x).square().mean()
    walked.engine.breakpoints.add(Breakpoint(op_pattern="*", log_message="{what}"))
    loss.backward()
    assert len(walked.script.said) > 50
    for one, parameter in zip(plain, layer.parameters(), strict=True):
        assert torch.equal(one, parameter.grad)


def test_unarmed_the_object_that_gives_the_backward_is_as_torch_made_it(walked):
    kind = _compat.BACKWARD.get()
    function = torch.compile(loss_of, backend="aot_eager")
    x, w = leaves(1.0, 4.0)
    gradient(function, x, w)

    def substituted():
        return sum(_compat.GET_BACKWARD in vars(one) for one in gc.get_objects() if type(one) is kind)

    assert substituted() == 0
    added = walked.engine.breakpoints.add(Breakpoint(op_pattern="aten.div"))
    assert substituted() == 1
    walked.engine.breakpoints.remove([added.id])
    assert substituted() == 0
    walked.engine.breakpoints.add(Breakpoint(op_pattern="aten.div"))
    walked.hooks.remove()
    assert substituted() == 0
    assert not hasattr(kind.__init__, "__tracedbg__")


def test_a_walk_keeps_no_tensor_when_it_is_over(walked):
    function = torch.compile(loss_of, backend="aot_eager")
    x, w = leaves(1.0, 4.0)
    loss = function(x, w)
    held = []
    walked.script.at_stop = lambda stop: held.extend(weakref.ref(value) for _, value in stop.view.op.inputs())
    walked.engine.breakpoints.add(Breakpoint(op_pattern="aten.div"))
    loss.backward()
    del loss
    assert held
    assert [one() for one in held if one() is not None and one() is not w and one() is not x] == []


def test_what_calls_backward_is_not_kept_by_what_autograd_keeps(walked):
    function = torch.compile(loss_of, backend="aot_eager")
    loss = function(*leaves(1.0, 4.0))
    walked.engine.breakpoints.add(Breakpoint(op_pattern="aten.div"))
    held = []

    def run():
        mine = torch.zeros(2)
        held.append(weakref.ref(mine))
        loss.backward()

    run()
    gc.collect()
    assert len(walked.script.stops) == 1
    assert held[0]() is None


def test_graphs_after_a_reset_are_called_as_before(walked, fresh_dynamo):
    names = set()
    walked.script.at_stop = lambda stop: names.add(stop.view.walk.graph)
    walked.engine.breakpoints.add(Breakpoint(op_pattern="aten.div"))
    for _ in range(2):
        fresh_dynamo.reset()
        torch.compile(loss_of, backend="aot_eager")(*leaves(1.0, 4.0)).backward()
    assert names == {"0/0 backward"}


def test_retain_graph_and_create_graph_walk_each_time(walked):
    function = torch.compile(loss_of, backend="aot_eager")
    x, w = leaves(1.0, 4.0)
    loss = function(x, w)
    walked.engine.breakpoints.add(Breakpoint(op_pattern="aten.div"))
    loss.backward(retain_graph=True)
    loss.backward()
    assert len(walked.script.stops) == 2
    assert torch.equal(w.grad, 2 * gradient(loss_of, x, w))


def test_dynamic_shapes_have_a_backward_that_is_walked(walked):
    function = torch.compile(loss_of, backend="aot_eager", dynamic=True)
    x, w = leaves(1.0, 4.0, 9.0)
    loss = function(x, w)
    walked.engine.breakpoints.add(Breakpoint(op_pattern="aten.div"))
    loss.backward()
    assert torch.equal(w.grad, gradient(loss_of, x, w))
    assert walked.script.told == [(True, "0/0 backward", line_of(root, "root"))]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, when it loads inductor
def test_a_backward_from_a_cache_of_compiled_code_is_noted_at_its_forward(walked, fresh_dynamo):
    from torch._functorch import config

    from tracedbg.adapters.torch_compile.walk.backward_graph import NO_GRAPH

    notes = []
    walked.script.at_stop = lambda stop: notes.append(NO_GRAPH in stop.view.walk.notes)
    x, w = leaves(1.0, 4.0)
    with torch._inductor.utils.fresh_cache(), config.patch(enable_autograd_cache=True):
        torch.compile(loss_of, backend="inductor")(x, w).backward()
        fresh_dynamo.reset()
        function = torch.compile(loss_of, backend="inductor")
        function(x, w).backward()
        walked.line(root, "root")
        function(x, w).backward()
    hits = fresh_dynamo.utils.counters["aot_autograd"]["autograd_cache_hit"]
    assert (notes, hits) == ([True], 1)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, when it loads inductor
@pytest.mark.parametrize(("name", "expected"), [("inductor_seed", True), ("add", False)])
def test_a_graph_with_random_ops_of_inductors_own_is_told_from_others(name, expected):
    import_module("torch._inductor.inductor_prims")  # registers them
    from tracedbg.adapters.torch_compile.walk.backward_graph import draws_again

    graph = torch.fx.Graph()
    made = graph.call_function(getattr(torch.ops.prims, name).default, (torch.device("cpu"),))
    graph.output(made)
    assert draws_again(torch.fx.GraphModule({}, graph)) is expected


@pytest.mark.parametrize("private", [_compat.BACKWARD, _compat.COMPILED_BACKWARD])
def test_without_the_private_name_forwards_are_walked_and_one_fault_says_it(
    private, fresh_dynamo, monkeypatch
):
    owner, name = private.find()
    with monkeypatch.context() as patched:
        patched.delattr(owner, name)
        with walking(fresh_dynamo.convert_frame, Told(), faults=1) as found:
            function = torch.compile(outer_of_one, backend="eager")
            found.line(outer_of_one, "one")
            function(torch.ones(2))
            assert [seen.line for seen in found.script.stops] == [line_of(outer_of_one, "one")]
            assert found.faults[0].where == "torch_compile.backwards"


def outer_of_one(x):
    return x + 1  # @one
