"""Graph breaks: once for each place, with the user's line and torch's code."""

from __future__ import annotations

import logging

import pytest

from tracedbg.events import GraphBreak, TraceStarted

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def line_of(marker):
    with open(__file__) as file:
        return next(number for number, text in enumerate(file, 1) if text.rstrip().endswith(f"# @{marker}"))


def places(sink):
    return sorted({(event.frame.line, event.code, event.kind) for event in sink.of(GraphBreak)})


def helper(x):
    y = x * 2
    torch._dynamo.graph_break()  # @called
    return y + 1


def many(x):
    a = helper(x)
    if a.sum() > 0:  # @branch
        a = a + 1
    n = a.sum().item()  # @item
    print(end="")  # @print
    return a.sin() * n


def test_each_break_is_told_at_its_line_with_its_code(sink):
    torch.compile(many, backend="eager")(torch.ones(4))
    found = {(line, kind): code for line, code, kind in places(sink)}
    assert set(found) >= {
        (line_of("called"), "Call to `torch._dynamo.graph_break()`"),
        (line_of("branch"), "Data-dependent branching"),
        (line_of("item"), "Unsupported Tensor.item() call with capture_scalar_outputs=False"),
        (line_of("print"), "Failed to trace builtin operator"),
    }
    assert all(code.startswith("GB") for code in found.values())


def test_the_places_are_those_that_torch_logs(sink):
    logged = set()

    class Handler(logging.Handler):
        def emit(self, record):
            first = record.getMessage().partition("\n")[0]
            if first.startswith("Graph break in user code at "):
                file, _, line = first.removeprefix("Graph break in user code at ").rpartition(":")
                logged.add((file, int(line)))

    logger = logging.getLogger("torch._dynamo.symbolic_convert.__graph_breaks")
    level, handler = logger.level, Handler()
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        torch.compile(many, backend="eager")(torch.ones(4))
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    assert {(event.frame.file, event.frame.line) for event in sink.of(GraphBreak)} == logged


def test_a_break_is_counted_once_for_each_compile(sink):
    torch.compile(many, backend="eager")(torch.ones(4))
    keys = [(event.trace_id, event.frame.line, event.kind) for event in sink.of(GraphBreak)]
    assert len(keys) == len(set(keys))


def test_a_break_belongs_to_the_function_that_was_compiled(sink):
    torch.compile(many, backend="eager")(torch.ones(4))
    by_id = {event.id: event.traceable for event in sink.of(TraceStarted)}
    for event in sink.of(GraphBreak):
        assert by_id[event.trace_id] == event.function
    (branch,) = [event for event in sink.of(GraphBreak) if event.frame.line == line_of("branch")]
    assert branch.function.owner == "many"
    assert branch.ran_eager == "if a.sum() > 0:  # @branch"
    assert branch.reason.startswith("Detected data-dependent branching")
    assert branch.stack[0] == branch.frame


def test_fullgraph_raises_and_is_no_break(sink):
    with pytest.raises(torch._dynamo.exc.Unsupported):
        torch.compile(many, backend="eager", fullgraph=True)(torch.ones(4))
    assert sink.of(GraphBreak) == []
