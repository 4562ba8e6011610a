"""Which graph is the other side of which: the backward of a forward, and the forward of a backward."""

from __future__ import annotations

import pytest

pytest.importorskip("textual")

from tracedbg_tui.recorded.graphs import GraphRow, other_side


def row(stage, trace, number, *, is_backward=False):
    return GraphRow(
        "f", stage, f"#{trace}", 1, number=number, trace_id=trace, key="f", is_backward=is_backward
    )


def compiled(trace, *, has_backward=True):
    """The graphs of one trace of torch.compile."""
    rows = [row("dynamo", trace, 10 * trace), row("aot_forward", trace, 10 * trace + 1)]
    return [*rows, row("aot_backward", trace, 10 * trace + 2, is_backward=True)] if has_backward else rows


def test_the_graphs_of_one_trace_belong_together():
    first, without, last = compiled(1), compiled(2, has_backward=False), compiled(3)
    rows = [*first, *without, *last]
    for dynamo, forward, backward in (first, last):
        assert other_side(dynamo, rows) is other_side(forward, rows) is backward
        assert other_side(backward, rows) is forward
    assert [other_side(one, rows) for one in without] == [None, None]


def test_a_gradient_that_is_a_trace_of_its_own_belongs_to_the_forward_before_it():
    rows = [
        row("func_graph", 1, 1),
        row("func_graph", 2, 2, is_backward=True),
        row("func_graph", 3, 3),
        row("func_graph", 4, 4),
    ]
    assert [other_side(one, rows) for one in rows] == [rows[1], rows[0], None, None]
