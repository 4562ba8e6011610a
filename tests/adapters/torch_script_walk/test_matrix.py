"""Programs in TorchScript, run plainly and with a stop at every line: the same to the last bit."""

from __future__ import annotations

import copy
import functools
import threading

import pytest

torch = pytest.importorskip("torch")
from adapters.torch_script_walk import features, programs  # noqa: E402
from tracedbg.engine import Go  # noqa: E402

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


DRAWS_MORE = frozenset({"transformer"})
"""Dropout with p=0 in training: torch's optimised graph draws numbers for it, eager ops do not; a note says so."""


def tensors_in(value):
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from tensors_in(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from tensors_in(item)


def plain(value):
    """Types, numbers and shapes: what `==` can tell."""
    if isinstance(value, torch.Tensor):
        return (
            "tensor",
            value.dtype,
            tuple(value.shape),
            value.requires_grad,
            value.detach().numpy().tobytes(),
        )
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [plain(item) for item in value]
    return type(value).__name__, value


def run(called, args):
    """Result, gradients and state of a call."""
    torch.manual_seed(3)
    made = called(*copy.deepcopy(args))
    grads = []
    if isinstance(called, torch.nn.Module) and getattr(called, "training", False):
        called.zero_grad()
        loss = sum(one.sum() for one in tensors_in(made) if one.requires_grad)
        if isinstance(loss, torch.Tensor):
            loss.backward()
        grads = [parameter.grad.clone() for parameter in called.parameters() if parameter.grad is not None]
    state = called.state_dict() if isinstance(called, torch.nn.Module) else {}
    return (plain(made), plain(dict(state))), torch.random.get_rng_state().tolist(), grads


def feature(name):
    make, make_args = features.FEATURES[name]
    return torch.jit.script(make()), make_args


MAKERS = {
    **programs.PROGRAMS,
    **{name: functools.partial(feature, name) for name in features.FEATURES},
}


@pytest.mark.parametrize("name", MAKERS)
def test_a_stop_at_every_line_changes_nothing(name, engine, answers, capfd):
    torch.manual_seed(0)
    called, make_args = MAKERS[name]()
    args = make_args()
    torch.manual_seed(0)
    other, _ = MAKERS[name]()
    expected = [run(called, args) for _ in range(3)]
    printed = capfd.readouterr()
    assert answers.seen == []
    answers.always = Go.INTO
    engine.pause(threading.get_ident())
    found = [run(other, args) for _ in range(3)]
    assert capfd.readouterr() == printed
    for number, (mine, theirs) in enumerate(zip(found, expected, strict=True)):
        assert mine[0] == theirs[0]
        if name not in DRAWS_MORE or number == 0:
            assert mine[1] == theirs[1]
        if number == 0:
            assert plain(mine[2]) == plain(theirs[2])
        else:  # torch has formulas of its own by now
            torch.testing.assert_close(mine[2], theirs[2], rtol=1e-5, atol=1e-6)
    assert answers.seen
    assert [seen.file for seen in answers.seen if not seen.source] == []
    is_paused = any("keeps the variables to itself" in note for seen in answers.seen for note in seen.notes)
    assert is_paused is (name in programs.PAUSED | features.PAUSED)
