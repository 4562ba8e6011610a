"""Finding the graphs of a process, in the middle of whatever that is doing."""

import gc

import pytest

from tracedbg.adapters.torch_common.graph_modules import live_graph_modules

pytestmark = pytest.mark.torch


def test_each_graph_is_found_once_while_it_lives():
    import torch

    class Own(torch.fx.GraphModule):
        """A subclass of the program's."""

    before = {id(one) for one in live_graph_modules()}
    first = torch.fx.symbolic_trace(torch.nn.Linear(2, 2))
    second = Own(torch.nn.Linear(2, 2), first.graph)
    found = [id(one) for one in live_graph_modules() if id(one) not in before]
    assert sorted(found) == sorted([id(first), id(second)])


def unfinished(look):
    """A tuple that is looked at while it is being made."""
    seen = []

    def items():
        seen.append(look())
        yield 1

    return tuple(items())


def test_a_tuple_that_is_not_finished_is_not_given_away():
    assert unfinished(live_graph_modules) == (1,)
    with pytest.raises(SystemError):
        unfinished(gc.get_objects)
