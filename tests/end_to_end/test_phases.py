"""Where the time of real traces went: the phases and what they leave are the whole, for both frameworks."""

from __future__ import annotations

import pytest

import tracedbg
from tracedbg.events import PHASES


def check(functions) -> dict[str, set[str]]:
    """The names of the phases of each function, by its name."""
    found = {}
    for function in [f for top in functions for f in (top, *top.resumes)]:
        during = [phase for phase in function.phases if not phase.later]
        assert sum(p.seconds for p in during) == pytest.approx(function.self_seconds, rel=1e-3, abs=1e-5)
        assert {phase.name for phase in function.phases} <= PHASES.keys()
        found[function.name.rpartition(".")[2]] = {phase.name for phase in function.phases}
    return found


@pytest.mark.tensorflow
def test_of_tf_functions_that_are_nested_and_have_a_gradient(tmp_path):
    tf = pytest.importorskip("tensorflow")

    def helper(x):
        return x * 2.0 if tf.reduce_sum(x) > 0 else x

    @tf.function
    def inner(x):
        return helper(x) + 1.0

    @tf.function
    def outer(x):
        return tf.reduce_sum(inner(x))

    with tracedbg.record(str(tmp_path / "run")) as run:
        for size in (2, 3):
            x = tf.ones(size)
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = outer(x)
            tape.gradient(y, x)
            outer(x)
    found = check(run.functions)
    assert found["outer"] == {"autograph", "trace", "first_run"}
    assert found["inner"] == {"autograph", "trace"}, "it has only run inside the other one's graph"
    traces = [trace for trace in run.traces if trace.started.parent_id is None]
    firsts = [span for trace in traces for span in trace.phases if span.name == "first_run"]
    assert len(firsts) == 2 * 3, "for each size: the plain graph, and with a tape forward and backward"


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # asked by Dynamo
def test_of_a_compiled_function_with_a_break_and_a_late_backward(tmp_path):
    torch = pytest.importorskip("torch")

    def f(x):
        y = x * 2
        print(end="")
        return (y + 1).sum()

    with tracedbg.record(str(tmp_path / "run")) as run:
        torch.compile(f, backend="aot_eager")(torch.ones(3, requires_grad=True)).backward()
    (function,) = run.functions
    found = check(run.functions)
    assert {"dynamo", "aot", "backend", "backward_aot"} <= found["f"]
    later = [phase.name for phase in function.phases if phase.later]
    assert later == ["backward_aot"]
    torch._dynamo.reset()
