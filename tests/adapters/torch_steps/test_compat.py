"""The private names that are relied on are there, and mean what we take them for."""

from __future__ import annotations

import inspect

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from tracedbg.adapters.torch_steps import _compat  # noqa: E402


@pytest.mark.parametrize("name", _compat.NAMES, ids=lambda name: name.path)
def test_the_name_is_there(name):
    name.get()


def test_make_grads_takes_the_outputs_first():
    assert next(iter(inspect.signature(_compat.MAKE_GRADS.get()).parameters)) == "outputs"


def test_both_entries_call_it_before_the_engine():
    for entry in (torch.autograd.backward, torch.autograd.grad):
        names = entry.__code__.co_names
        assert {"_make_grads", "_engine_run_backward"} <= {*names, *_inner_names(entry.__code__)}


def _inner_names(code):
    return {name for const in code.co_consts if inspect.iscode(const) for name in const.co_names}


def test_no_backward_runs_outside_of_one():
    assert _compat.RUNNING.get()() == -1


def test_nodes_tell_what_we_read():
    x = torch.ones(3, requires_grad=True)
    node = x.exp().grad_fn
    assert getattr(node, _compat.SEQUENCE)() >= 0
    ((leaf, _),) = node.next_functions
    assert leaf.name() == _compat.LEAF
    assert leaf.variable is x
    (name,) = [one for one in dir(node) if one.startswith(_compat.RAW_SAVED)]
    assert isinstance(getattr(getattr(node, name), _compat.SAVED_DATA), torch.Tensor)


def test_modes_of_torchs_own_are_counted():
    from torch._subclasses.fake_tensor import FakeTensorMode

    assert _compat.MODE_COUNT.get()() == 0
    with FakeTensorMode():
        assert _compat.MODE_COUNT.get()() == 1


def test_the_kinds_of_modes_are_there():
    keys = _compat.MODE_KEYS.get()
    assert [_compat.MODE.get()(getattr(keys, name)) for name in _compat.TRACING] == [None] * 3
