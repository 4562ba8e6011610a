"""Walks of what inductor has compiled: within the tolerance of floats, and no cache is missed for them."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore::DeprecationWarning")]  # torch's own

import torch.nn.functional as F  # noqa: E402

from adapters.torch_walk.walking import walking  # noqa: E402
from tracedbg.adapters.torch_compile.walk import notes  # noqa: E402


def model():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.GELU(), torch.nn.Linear(8, 2))


def trained(compiled, net, x):
    net.zero_grad()
    compiled(x).square().mean().backward()
    return [parameter.grad.clone() for parameter in net.parameters()]


def caches(dynamo):
    counters = dynamo.utils.counters
    return {
        key: count
        for group in ("inductor", "aot_autograd")
        for key, count in counters[group].items()
        if "cache" in key
    }


def test_the_caches_are_hit_as_without_the_walker_and_the_graph_can_be_walked(
    fresh_dynamo, tmp_path, monkeypatch
):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    x, net = torch.randn(3, 4), model()
    first = trained(torch.compile(net), net, x)
    filled = caches(fresh_dynamo)
    assert filled["fxgraph_cache_miss"] > 0
    counted = []
    for is_walked in (False, True):
        fresh_dynamo.reset()
        fresh_dynamo.utils.counters.clear()
        net = model()
        compiled = torch.compile(net)
        if not is_walked:
            second = trained(compiled, net, x)
            counted.append(caches(fresh_dynamo))
            continue
        with walking(fresh_dynamo.convert_frame) as found:
            third = trained(compiled, net, x)
            counted.append(caches(fresh_dynamo))
            compiles = fresh_dynamo.utils.counters["stats"]["unique_graphs"]
            found.engine.breakpoints.add(op("*gelu*"))
            armed = trained(compiled, net, x)
            assert [stop.op for stop in found.script.stops] == ["torch._C._nn.gelu"]
            assert fresh_dynamo.utils.counters["stats"]["unique_graphs"] == compiles
    assert counted[0] == counted[1]
    assert counted[0]["autograd_cache_hit"] == 1
    for expected, *others in zip(first, second, third, armed, strict=True):
        assert torch.equal(others[0], others[1])
        for other in others:
            torch.testing.assert_close(other, expected, rtol=1e-5, atol=1e-6)


def op(pattern):
    from tracedbg.engine import Breakpoint

    return Breakpoint(op_pattern=pattern)


def dropped(x):
    y = F.dropout(x, 0.5)
    return y * 2


def not_dropped(x):
    return F.dropout(x, 0.5, training=False) * 2


@pytest.mark.parametrize(
    ("backend", "function", "fallback", "expected"),
    [
        ("inductor", dropped, False, (notes.FUSED, notes.RANDOM)),
        ("inductor", dropped, True, (notes.FUSED,)),
        ("inductor", not_dropped, False, (notes.FUSED,)),
        ("aot_eager", dropped, False, ()),
    ],
)
def test_a_walk_says_where_compiled_code_could_differ(backend, function, fallback, expected, fresh_dynamo):
    said = []
    with torch._inductor.config.patch(fallback_random=fallback), walking(fresh_dynamo.convert_frame) as found:
        found.engine.breakpoints.add(op("*dropout*"))
        found.script.at_stop = lambda stop: said.append(stop.view.walk.notes)
        torch.compile(function, backend=backend)(torch.ones(4))
    assert said == [expected]


def test_with_the_same_random_stream_a_walk_drops_what_inductor_drops(fresh_dynamo):
    with torch._inductor.config.patch(fallback_random=True), walking(fresh_dynamo.convert_frame) as found:
        compiled, x = torch.compile(dropped), torch.ones(100)
        compiled(x)
        torch.manual_seed(1)
        expected = compiled(x)
        found.engine.breakpoints.add(op("*dropout*"))
        torch.manual_seed(1)
        assert torch.equal(compiled(x), expected)
        assert len(found.script.stops) == 1
