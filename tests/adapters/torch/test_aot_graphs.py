"""The graphs of AOTAutograd are told, with the lines of the forward."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tracedbg.events import GraphMade, TraceEnded, TraceStarted

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def line_of(marker):
    with open(__file__, encoding="utf-8") as file:
        return next(at for at, line in enumerate(file, 1) if line.rstrip().endswith(f"# @{marker}"))


def helper(y):
    return y.sin()  # @helper


def f(x, w):
    y = x @ w  # @matmul
    return helper(y).sum()


def graphs(sink):
    return {made.stage: {site.op: site for site in made.sites} for made in sink.of(GraphMade)}


def test_forward_and_backward_follow_the_graph_that_dynamo_traced(sink):
    w = torch.ones(3, 3, requires_grad=True)
    torch.compile(f, backend="aot_eager")(torch.ones(2, 3), w).backward()
    (trace,) = sink.of(TraceStarted)
    assert [(made.trace_id, made.stage) for made in sink.of(GraphMade)] == [
        (trace.id, "dynamo"),
        (trace.id, "aot_forward"),
        (trace.id, "aot_backward"),
    ]
    found = graphs(sink)
    forward, backward = found["aot_forward"], found["aot_backward"]
    assert (forward["aten.mm.default"].line, forward["aten.mm.default"].file) == (line_of("matmul"), __file__)
    assert forward["aten.mm.default"].output == "float32[2, 3]"
    assert forward["aten.sin.default"].line == line_of("helper")
    assert backward["aten.cos.default"].line == line_of("helper")
    assert backward["aten.mm.default"].line == line_of("matmul")
    assert [one.op_count for one in sink.of(TraceEnded)] == [3]  # matmul, sin, sum: as Dynamo counts them


def test_without_gradients_there_is_a_forward_alone(sink):
    torch.compile(f, backend="aot_eager")(torch.ones(2, 3), torch.ones(3, 3))
    assert [made.stage for made in sink.of(GraphMade)] == ["dynamo", "aot_forward"]


def test_a_backend_without_aotautograd_has_no_such_graph(sink):
    torch.compile(f, backend="eager")(torch.ones(2, 3), torch.ones(3, 3))
    assert [made.stage for made in sink.of(GraphMade)] == ["dynamo"]


def test_the_branches_of_a_condition_are_inside_of_it(sink):
    def branches(x):
        return torch.cond(x.sum() > 0, lambda a: a.sin(), lambda a: a.cos(), (x,))

    torch.compile(branches, backend="aot_eager")(torch.ones(3))
    found = graphs(sink)["aot_forward"]
    condition = next(site for op, site in found.items() if op.endswith("cond"))
    assert {found[f"aten.{name}.default"].inside for name in ("sin", "cos")} == {
        f"{condition.name}/true_graph_0",
        f"{condition.name}/false_graph_0",
    }


def test_it_loads_nothing_of_torchs_that_the_program_does_not():
    program = (
        "import sys, torch, tracedbg\n"
        "with tracedbg.record() as run:\n"
        "    torch.compile(lambda x: x + 1, backend=lambda module, inputs: module.forward)(torch.ones(3))\n"
        "print(len(run.traces), 'torch._functorch._aot_autograd.graph_compile' in sys.modules)\n"
    )
    plain = program.replace("with tracedbg.record() as run:", "if True:").replace("len(run.traces)", "1")
    told = [
        subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True).stdout
        for text in (program, plain)
    ]
    assert told[0] == told[1]
