"""Which variables a stop in a backward shows: those of the forward's line, with the values that they had."""

from __future__ import annotations

import sys

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch.nn import functional as F  # noqa: E402

from adapters.torch_walk.walking import line_of, plain  # noqa: E402
from tracedbg.debugging import CannotAssignError  # noqa: E402
from tracedbg.engine import Breakpoint  # noqa: E402


@pytest.fixture(autouse=True)
def no_autograd_cache():
    """What was compiled in an earlier run of the tests would come without its graph."""
    from torch._functorch import config

    with config.patch(enable_autograd_cache=False):
        yield


def chain(x, w):
    h = x @ w
    e = torch.exp(h)
    s = torch.sigmoid(e)
    return (s * h).sum()


def loop(x, w):
    h = x
    for turn in range(3):
        h = torch.tanh(h @ w) + turn
    return h.square().sum()


def decomposed(x, w):
    a = F.gelu(x @ w)
    b = F.layer_norm(a, (a.shape[-1],))
    c = F.silu(b)
    d = F.softmax(c, -1)
    n = F.normalize(d, dim=0)
    return (n * a).mean()


def written(x, w):
    h = x @ w
    v = h.view(-1)
    e = torch.exp(h)
    v.mul_(2.0)
    return (torch.sin(h) * e).sum()  # @written


def through_dropout(x, w):
    h = torch.sigmoid(x @ w)
    same = F.dropout(h, 0.5, training=False)
    same.add_(1.0)
    return (torch.sin(same) * torch.cos(h)).sum()


def called(x, w):
    h = helper(x, w)
    g = helper(h, w)
    return g.sum()


def helper(a, b):
    inner = torch.tanh(a @ b)
    return inner * inner


FUNCTIONS = [
    (chain, {"e", "h", "s"}),
    (loop, {"h"}),
    (decomposed, {"a", "d"}),  # what gelu, layer_norm, silu and normalize save on the way is no variable
    (written, {"e"}),
    (through_dropout, set()),
    (called, {"inner"}),
]
"""With the variables that autograd saves; inductor may save fewer, and compute again more."""


def arguments():
    torch.manual_seed(0)
    return torch.rand(4, 4) + 0.5, (torch.rand(4, 4) - 0.3).requires_grad_()


def python_variables(function, *given):
    """The values of tensors that each variable has at each line, and when the line has run."""
    found = {}
    last = {}

    def trace(frame, event, _):
        if frame.f_code.co_filename != __file__:
            return None
        places = {frame.f_lineno, last.get(frame, frame.f_lineno)}
        last[frame] = frame.f_lineno
        for name, value in frame.f_locals.items():
            for line in places if isinstance(value, torch.Tensor) else ():
                found.setdefault((line, name), []).append(value.detach().clone())
        return trace

    sys.settrace(trace)
    try:
        function(*given)
    finally:
        sys.settrace(None)
    return found


@pytest.mark.parametrize(("function", "shown"), FUNCTIONS)
@pytest.mark.parametrize(
    "backend",
    ["aot_eager", pytest.param("inductor", marks=pytest.mark.filterwarnings("ignore::DeprecationWarning"))],
)
def test_what_is_shown_is_what_python_would_have_had(function, shown, backend, walked):
    x, w = arguments()
    expected = python_variables(function, x, w)
    loss = torch.compile(function, backend=backend)(x, w)
    seen = set()

    def check(stop):
        for frame in stop.view.frames():
            if not frame.is_traced:
                continue
            for name, value in frame.variables().items():
                if isinstance(value, torch.Tensor):
                    seen.add(name)
                    had = expected[frame.line, name]
                    assert any(torch.allclose(value, one, atol=1e-5) for one in had), (frame.line, name)

    walked.script.at_stop = check
    walked.engine.breakpoints.add(Breakpoint(op_pattern="*"))
    loss.backward()
    assert walked.script.stops
    assert walked.faults == []
    assert backend == "inductor" or seen == shown


def test_what_a_line_has_named_is_shown_at_its_ops(walked):
    x, w = arguments()
    loss = torch.compile(chain, backend="aot_eager")(x, w)
    walked.engine.breakpoints.add(Breakpoint(op_pattern="aten.sigmoid_backward"))
    loss.backward()
    (stop,) = walked.script.stops
    assert stop.function == "chain"
    s = torch.sigmoid(torch.exp(x @ w))
    assert stop.variables["s"] == plain(s)
    assert stop.variables["h"] == plain(x @ w)


def test_a_variable_that_the_forward_has_written_to_is_not_shown(walked):
    x, w = arguments()
    loss = torch.compile(written, backend="aot_eager")(x, w)
    walked.engine.breakpoints.add(Breakpoint(op_pattern="*"))
    loss.backward()
    at = [stop.variables for stop in walked.script.stops if stop.line == line_of(written, "written")]
    assert at
    assert all("h" not in variables and "v" not in variables for variables in at)
    assert all("e" in variables for variables in at)


def test_a_variable_set_at_a_stop_changes_the_gradient(walked):
    x, w = arguments()
    loss = torch.compile(chain, backend="aot_eager")(x, w)
    texts = []

    def assign(stop):
        frame = stop.view.frames()[0]
        frame.assign("e", torch.zeros_like(frame.variables()["e"]))
        with pytest.raises(CannotAssignError) as told:
            frame.assign("w", torch.zeros(4, 4))
        texts.append(str(told.value))

    walked.script.at_stop = assign
    walked.engine.breakpoints.add(Breakpoint(op_pattern="aten.sigmoid_backward"))
    loss.backward()
    s = torch.sigmoid(torch.exp(x @ w))
    assert torch.allclose(w.grad, x.T @ s, atol=1e-6)  # nothing comes through exp any more
    assert texts == ["'w' is not computed by this graph, or not any more: nothing later would see it"]
