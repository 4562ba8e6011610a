"""What is said of each compile."""

from __future__ import annotations

import functools
import threading

import pytest

from adapters.torch.counts import from_events, from_torch
from tracedbg.events import Fallback, GraphMade, Outcome, PhaseSpan, Role, TraceEnded, TraceStarted

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def line_of(marker):
    with open(__file__) as file:
        return next(number for number, text in enumerate(file, 1) if text.rstrip().endswith(f"# @{marker}"))


def outcomes(sink):
    return [event.outcome for event in sink.of(TraceEnded)]


def test_a_compile_names_the_function_its_line_and_its_caller(sink):
    @torch.compile(backend="eager")
    def area(x):  # @area
        return x * x

    area(torch.ones(3))  # @call

    (started,) = sink.of(TraceStarted)
    assert (started.label, started.role, started.parent_id) == ("0/0", Role.FORWARD, None)
    assert started.traceable.name == "test_a_compile_names_the_function_its_line_and_its_caller.area"
    assert (started.traceable.file, started.traceable.line) == (__file__, line_of("area"))
    assert (started.call_stack[0].file, started.call_stack[0].line) == (__file__, line_of("call"))
    assert started.traceable.is_user
    assert started.options == (("backend", "eager"),)


def test_a_start_is_flushed_before_the_compiled_function_first_runs(sink):
    seen = []

    def backend(graph, _):
        seen.append(list(sink.flushed))
        return graph.forward

    torch.compile(lambda x: x + 1, backend=backend)(torch.ones(3))
    assert seen == [[1]]
    assert isinstance(sink.events[0], TraceStarted)


def test_an_end_says_how_many_ops_were_compiled(sink):
    torch.compile(lambda x: (x + 1).relu().sum(), backend="eager")(torch.ones(3))
    (record,) = torch._dynamo.utils.get_compilation_metrics()
    (ended,) = sink.of(TraceEnded)
    assert (ended.outcome, ended.error) == (Outcome.COMPILED, "")
    assert ended.op_count == record.graph_op_count == 3


def test_a_graph_has_the_users_lines_and_shapes(sink):
    def f(x):
        y = x @ x  # @matmul
        return y.relu()  # @relu

    torch.compile(f, backend="eager", dynamic=False)(torch.ones(3, 3))
    (graph,) = sink.of(GraphMade)
    assert graph.stage == "dynamo"
    ops = [(site.op, site.inputs, site.output, site.line) for site in graph.sites]
    assert ops == [
        ("placeholder", (), "float32[3, 3]", line_of("matmul")),
        ("operator.matmul", ("l_x_",), "float32[3, 3]", line_of("matmul")),
        ("Tensor.relu", ("y",), "float32[3, 3]", line_of("relu")),
        ("output", ("relu",), "", 0),
    ]


def test_what_a_branch_runs_stands_below_it_and_is_not_counted(sink):
    @torch.compile(backend="eager")
    def f(x):
        return torch.cond(x.sum() > 0, torch.sin, lambda a: a.cos() + 1, (x,))

    f(torch.ones(2))
    (graph,) = sink.of(GraphMade)
    (branch,) = [site for site in graph.sites if site.op == "Tensor.cos"]
    (add,) = [site for site in graph.sites if site.op == "operator.add"]
    assert (branch.name, branch.inside) == ("cond/cond_false_0/cos", "cond/cond_false_0")
    assert add.inputs == (branch.name,)
    assert [one.op_count for one in sink.of(TraceEnded)] == [4]  # sum, gt, cond, getitem


def test_options_are_what_the_user_gave(sink):
    def mine(graph, _):
        return graph.forward

    torch.compile(lambda x: x + 1, backend=mine, dynamic=True, fullgraph=True)(torch.ones(3))
    (started,) = sink.of(TraceStarted)
    assert dict(started.options) == {"backend": "mine", "dynamic": "True", "fullgraph": "True"}


def test_functions_of_one_name_are_told_apart_and_one_function_is_one(sink):
    def make(sign):
        if sign > 0:
            return torch.compile(lambda x: x + 1, backend="eager", dynamic=False)
        return torch.compile(lambda x: x - 1, backend="eager", dynamic=False)

    for sign in (1, -1, 1):
        make(sign)(torch.ones(3 + sign))
    make(1)(torch.ones(7))
    ids = [event.traceable.object_id for event in sink.of(TraceStarted)]
    assert ids[0] == ids[2] != ids[1]


@pytest.mark.parametrize("kind", ["lambda", "partial", "bound method", "module", "decorated"])
def test_every_kind_of_callable_is_counted_as_torch_counts_it(sink, kind):
    class Layer(torch.nn.Module):
        def forward(self, x):
            return x + 1

        def other(self, x, n):
            return x * n

    compiled = {
        "lambda": lambda: torch.compile(lambda x: x + 1, backend="eager"),
        "partial": lambda: torch.compile(functools.partial(Layer().other, n=3), backend="eager"),
        "bound method": lambda: functools.partial(torch.compile(Layer().other, backend="eager"), n=2),
        "module": lambda: torch.compile(Layer(), backend="eager"),
        "decorated": lambda: torch.compile(backend="eager")(Layer().forward),
    }[kind]()
    compiled(torch.ones(3))
    compiled(torch.ones(4))
    assert from_events(sink) == from_torch()
    assert len(from_events(sink)["compiles"]) == 2


def test_a_first_call_without_ops_is_a_fallback(sink):
    f = torch.compile(lambda k, v=None: k if v is None else k @ v, backend="eager")
    f(torch.ones(3, 3))
    f(torch.ones(3, 3), torch.ones(3, 3))
    assert outcomes(sink) == [Outcome.EAGER]
    assert sink.of(TraceEnded)[0].error == ""
    (fallback,) = sink.of(Fallback)
    assert fallback.kind == "skipped"
    assert from_events(sink) == from_torch()


def test_a_frame_that_dynamo_gives_up_on_is_eager_with_the_error(sink):
    class Context:
        def __enter__(self):
            torch._dynamo.graph_break()

        def __exit__(self, *_):
            pass

    def f(x):
        with Context():
            return x + 1

    torch.compile(f, backend="eager")(torch.ones(3))
    ended = [event for event in sink.of(TraceEnded) if event.error]
    assert all(event.outcome is Outcome.EAGER for event in ended)
    assert from_events(sink) == from_torch()


def test_an_error_of_the_program_is_a_failed_trace(sink):
    def f(x):
        return x @ torch.ones(7, 7)

    with pytest.raises(torch._dynamo.exc.TorchRuntimeError):
        torch.compile(f, backend="eager", fullgraph=True)(torch.ones(3, 3))
    (ended,) = sink.of(TraceEnded)
    assert ended.outcome is Outcome.FAILED
    assert ended.error
    assert from_events(sink) == from_torch()


def test_a_backend_that_raises_is_a_failed_trace(sink):
    def backend(graph, _):
        raise RuntimeError("no")

    with pytest.raises(Exception, match="no"):
        torch.compile(lambda x: x + 1, backend=backend)(torch.ones(3))
    assert outcomes(sink) == [Outcome.FAILED]
    assert sink.of(TraceEnded)[0].error.startswith("BackendCompilerFailed: ")
    assert len(sink.of(GraphMade)) == 1


@pytest.mark.parametrize("fullgraph", [False, True])
def test_a_recompile_limit_is_one_fallback_with_its_guards(sink, fullgraph):
    limit = torch._dynamo.config.recompile_limit
    f = torch.compile(lambda x: x + 1, backend="eager", dynamic=False, fullgraph=fullgraph)
    for size in range(1, limit + 1):
        f(torch.ones(size))
    if fullgraph:
        with pytest.raises(torch._dynamo.exc.FailOnRecompileLimitHit):
            f(torch.ones(99))
    else:
        f(torch.ones(99))
        f(torch.ones(98))
    (fallback,) = sink.of(Fallback)
    assert fallback.kind == "recompile_limit"
    assert len(fallback.guard_failures) == limit
    assert {failure.now for failure in fallback.guard_failures} == {"float32[99]"}
    assert fallback.call_stack[0].file == __file__
    assert from_events(sink) == from_torch()


def test_the_accumulated_limit_has_its_own_kind(sink):
    f = torch.compile(lambda x: x + 1, backend="eager", dynamic=False)
    with torch._dynamo.config.patch(accumulated_recompile_limit=2):
        for size in range(2, 6):
            f(torch.ones(size))
    assert [event.kind for event in sink.of(Fallback)] == ["accumulated_limit"]
    assert from_events(sink) == from_torch()


def test_error_on_recompile_is_a_failed_trace_with_the_guard(sink):
    f = torch.compile(lambda x: x + 1, backend="eager")
    f(torch.ones(3))
    with torch._dynamo.config.patch(error_on_recompile=True), pytest.raises(torch._dynamo.exc.RecompileError):
        f(torch.ones(4))
    assert outcomes(sink) == [Outcome.COMPILED, Outcome.FAILED]
    assert sink.of(TraceStarted)[-1].guard_failures[0].now == "float32[4]"
    assert from_events(sink) == from_torch()


def test_a_resume_function_belongs_to_the_function_it_resumes(sink):
    class Net:
        def step(self, x):
            y = x + 1
            print(end="")  # @break
            return y.relu()  # @rest

    torch.compile(Net().step, backend="eager")(torch.ones(3))
    first, rest = sink.of(TraceStarted)
    assert rest.role is Role.RESUME
    assert rest.traceable.owner == first.traceable.name
    assert (rest.traceable.file, rest.traceable.line) == (__file__, line_of("break"))
    assert (rest.call_stack[0].function, rest.call_stack[0].line) == (first.traceable.name, line_of("break"))
    assert from_events(sink) == from_torch()


def test_a_compile_inside_a_compile_has_a_parent(sink):
    inner = torch.compile(lambda x: x * 2, backend="eager")

    def backend(graph, inputs):
        inner(torch.ones(5))
        return graph.forward

    torch.compile(lambda x: x + 1, backend=backend)(torch.ones(3))
    by_label = {event.label: event for event in sink.of(TraceStarted)}
    outer, nested = by_label["0/0"], by_label["1/0"]
    assert nested.parent_id == outer.id
    assert outer.parent_id is None
    assert from_events(sink) == from_torch()


def test_reset_begins_the_ids_anew_and_nothing_is_lost(sink):
    f = torch.compile(lambda x: x + 1, backend="eager")
    f(torch.ones(3))
    torch._dynamo.reset()
    f(torch.ones(3))
    labels = [event.label for event in sink.of(TraceStarted)]
    assert labels == ["0/0", "0/0"]
    assert len({event.id for event in sink.of(TraceStarted)}) == 2


def test_threads_that_compile_are_told_apart(sink):
    def work(number):
        namespace = {}
        exec(f"def f(x): return x * {number}", namespace)
        torch.compile(namespace["f"], backend="eager")(torch.ones(3))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    started = sink.of(TraceStarted)
    assert len({event.thread_id for event in started}) == len(started) == 4
    assert all(event.parent_id is None for event in started)
    assert from_events(sink)["compiles"] == from_torch()["compiles"]


def test_phases_name_dynamo_aot_and_a_backward_that_is_compiled_late(sink):
    f = torch.compile(lambda x: (x * 2).sum(), backend="aot_eager")
    loss = f(torch.ones(3, requires_grad=True))
    (trace,) = sink.of(TraceEnded)
    assert {span.name for span in sink.of(PhaseSpan)} == {"dynamo", "aot", "backend"}
    loss.backward()
    late = sink.of(PhaseSpan)[3:]
    assert [(span.name, span.trace_id) for span in late] == [("backward_aot", trace.id)]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, when it loads inductor
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # asked by Dynamo
def test_layers_that_share_a_forward_and_an_optimizer_count_as_torch_counts(sink):
    net = torch.nn.Sequential(*(torch.nn.Linear(4, 4) for _ in range(3)))
    optimizer = torch.optim.Adam(net.parameters(), lr=torch.tensor(0.01))
    step = torch.compile(optimizer.step, backend="eager")
    for layer in net:
        layer.compile(backend="eager")
    for _ in range(3):
        net(torch.ones(2, 4)).sum().backward()
        step()
    assert from_events(sink) == from_torch()
