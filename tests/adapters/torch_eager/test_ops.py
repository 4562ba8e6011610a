"""Stops at eager ops: forward, backward, in every thread, beside whatever else sees ops."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest

from debugging_script import Script, line_of
from tracedbg.engine import Breakpoint, Go

pytestmark = pytest.mark.torch


def at(mark):
    return line_of(__file__, mark)


def bad_forward(x, w):
    h = x @ w
    z = (h - 100).sqrt()  # @root
    return z.sum()


def bad_backward(x, w):
    h = x @ w
    z = (h * 0).sqrt()  # @flat
    return z.sum()


def inputs():
    import torch

    return torch.ones(2, 3), torch.ones(3, 3, requires_grad=True)


def test_an_op_is_found_by_its_name_at_the_users_line_with_inputs_and_locals(debug):
    seen = []

    def look(stop):
        frame = stop.view.frames()[0]
        seen.append((frame.function, stop.view.line, frame.variables()["h"].tolist(), stop.text))
        return [(name, value.tolist()) for name, value in stop.view.op.inputs()]

    script = Script(look=look)
    debug(script, Breakpoint(op_pattern="*sqrt*"))
    bad_forward(*inputs())
    assert script.seen == [[("self", [[-97.0] * 3] * 2)]]
    assert seen == [("bad_forward", at("root"), [[3.0] * 3] * 2, "aten.sqrt is next")]


def test_the_first_nan_is_named_with_its_line(debug, script):
    debug(script, "nan")
    bad_forward(*inputs())
    assert script.seen == [("nan", "aten.sqrt", at("root"), False)]
    assert script.stops[0].text == "aten.sqrt has made a NaN in output; its inputs had none"


def test_a_nan_of_the_backward_is_named_with_the_line_of_the_forward(debug, script):
    debug(script, "nan")
    bad_backward(*inputs()).backward()
    assert [(name, line, is_backward) for name, _, line, is_backward in script.seen] == [
        ("nan", at("flat"), True),  # the slope of a root at 0
        ("nan", at("flat"), True),  # and that times 0
    ]
    assert [stop.view.op.site.name for stop in script.stops] == ["SqrtBackward0", "MulBackward0"]


def test_a_line_stops_in_the_backward_where_its_condition_asks_for_it(debug, script):
    debug(script, Breakpoint(file=__file__, line=at("flat"), condition="is_backward"))
    for _ in range(2):
        bad_backward(*inputs()).backward()
    assert script.seen == [("breakpoint", "", at("flat"), True)] * 2


def test_steps_go_from_op_to_op(debug):
    script = Script(Go.OP, Go.OP, look=lambda stop: stop.view.op.site.op)
    debug(script, Breakpoint(op_pattern="aten.mm"))
    bad_forward(*inputs())
    assert script.seen == ["aten.mm", "aten.sub", "aten.sqrt"]


def test_a_condition_sees_the_locals(debug, script):
    debug(script, Breakpoint(op_pattern="aten.add", condition="turn == 2"))
    x, _ = inputs()
    for turn in range(4):
        x = x + turn
    assert len(script.seen) == 1
    assert script.stops[0].view.op.site.op == "aten.add"


def test_an_op_that_raises_stops_before_the_program_sees_it(debug, script):
    import torch

    debug(script, "error")
    with pytest.raises(RuntimeError, match="size of tensor a"):
        torch.ones(3) + torch.ones(4)
    ((name, op, _, _),) = script.seen
    assert (name, op) == ("error", "aten.add")
    assert "self float32[3], other float32[4]" in script.stops[0].text


def test_aborting_reaches_the_program(debug):
    debug(Script(Go.ABORT), "nan")
    with pytest.raises(KeyboardInterrupt):
        bad_forward(*inputs())


def test_results_and_gradients_are_those_of_a_plain_run(debug):
    import torch

    def train():
        torch.manual_seed(0)
        net = torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        optimizer = torch.optim.Adam(net.parameters())
        for _ in range(2):
            net(torch.randn(2, 3, 8)).square().mean().backward()
            optimizer.step()
        with torch.autocast("cpu", torch.bfloat16):
            mixed = net(torch.randn(2, 3, 8))
        return [*net.parameters(), mixed]

    plain = train()
    script = Script(look=lambda stop: [value is not None for _, value in stop.view.op.inputs()])
    debug(script, Breakpoint(op_pattern="*"))
    watched = train()
    assert len(script.seen) > 100
    assert all(torch.equal(one, other) for one, other in zip(plain, watched, strict=True))


def test_compiles_are_the_same_under_it(debug, script):
    import torch
    from torch._dynamo.utils import counters

    from tracedbg.adapters.torch_compile.apart import keep_apart

    def run():
        torch._dynamo.reset()
        counters.clear()
        function = torch.compile(lambda x: (x @ x).relu().sin() + 1, backend="aot_eager")
        results = [function(torch.ones(n, n)) for n in (3, 3, 4, 5)]
        return dict(counters["stats"]), dict(counters["frames"]), results[-1]

    plain = run()
    engine = debug(script, "nan")
    keep_apart(debug.hooks, engine)
    armed = run()
    engine.breakpoints.clear()
    after = run()
    assert plain[:2] == armed[:2] == after[:2]
    assert torch.equal(plain[2], armed[2])


def test_modes_of_the_user_stay_where_they_are(debug, script):
    from torch.utils._python_dispatch import TorchDispatchMode, _get_current_dispatch_mode_stack

    class Theirs(TorchDispatchMode):
        def __init__(self):
            super().__init__()
            self.seen = []

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            self.seen.append(str(func))
            return func(*args, **(kwargs or {}))

    x, w = inputs()
    engine = debug(script)
    with Theirs() as theirs:
        waiting = engine.breakpoints.add(Breakpoint(op_pattern="aten.mm"))
        x @ w
        assert _get_current_dispatch_mode_stack()[-1] is theirs
        engine.breakpoints.remove([waiting.id])
        x @ w
        assert _get_current_dispatch_mode_stack() == [theirs]
    assert theirs.seen == ["aten.mm.default", "aten.mm.default"]
    assert [op for _, op, *_ in script.seen] == ["aten.mm"]


def test_nothing_is_there_while_nothing_is_armed(debug, script):
    from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

    plain = threading.Thread._bootstrap_inner
    engine = debug(script)
    assert _get_current_dispatch_mode_stack() == []
    engine.breakpoints.add(Breakpoint(file=__file__, line=1))
    assert _get_current_dispatch_mode_stack() == []
    waiting = engine.breakpoints.add(Breakpoint(filter="nan"))
    assert len(_get_current_dispatch_mode_stack()) == 1
    engine.breakpoints.remove([waiting.id])
    assert _get_current_dispatch_mode_stack() == []
    assert threading.Thread._bootstrap_inner is plain


def test_a_breakpoint_set_in_another_thread_is_met_in_the_main_one(debug, script):
    x, w = inputs()
    engine = debug(script)
    other = threading.Thread(target=engine.breakpoints.add, args=(Breakpoint(op_pattern="aten.mm"),))
    other.start()
    other.join()
    for _ in range(1000):  # bytecode enough for the interpreter to look at what is pending
        pass
    x @ w
    assert [op for _, op, *_ in script.seen] == ["aten.mm"]
    gone = threading.Thread(target=engine.breakpoints.clear)
    gone.start()
    gone.join()


def test_threads_that_begin_while_it_is_armed_stop_too(debug, script):
    x, w = inputs()
    debug(script, Breakpoint(op_pattern="aten.mm"))
    other = threading.Thread(target=lambda: x @ w)
    other.start()
    other.join()
    assert [op for _, op, *_ in script.seen] == ["aten.mm"]
    assert script.stops[0].thread_id == other.ident


def test_what_is_run_at_a_stop_does_not_stop(debug):
    script = Script(look=lambda stop: (stop.view.op.inputs()[0][1] @ stop.view.op.inputs()[1][1]).sum())
    debug(script, Breakpoint(op_pattern="aten.mm"))
    x, w = inputs()
    x @ w
    assert len(script.seen) == 1


def test_no_tensor_is_kept(debug, script):
    debug(script, "nan", Breakpoint(op_pattern="aten.mm"))
    x, w = inputs()
    made = x @ w
    gone = weakref.ref(made)
    script.stops.clear()
    del made
    gc.collect()
    assert gone() is None


def test_vmap_and_grad_work_under_it(debug, script):
    import torch

    debug(script, "nan")
    assert torch.vmap(lambda a: (a * a).sum())(torch.ones(2, 3)).tolist() == [3.0, 3.0]
    assert torch.func.grad(lambda a: (a * a).sum())(torch.ones(3)).tolist() == [2.0] * 3
    assert script.seen == []


def test_the_private_names_are_there():
    from tracedbg.adapters.torch_eager import _compat

    for name in _compat.NAMES:
        name.find()
    assert hasattr(threading.Thread, _compat.THREAD_START)
