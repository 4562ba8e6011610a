"""What makes the host wait, or copies without being asked to: by its line, once each."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from adapters.torch_ops.seen import marked, ops  # noqa: E402
from tracedbg.ran import SYNCS  # noqa: E402

pytestmark = pytest.mark.torch
MARKS = marked(__file__)
X = torch.arange(6.0).reshape(2, 3)


def test_each_is_told_once_at_its_line():
    with ops() as seen:
        X.sum().item()  # @item
        float(X.sum())  # @float
        if X.sum() > 3:  # @bool
            pass
        X[0].tolist()  # @tolist
        X.nonzero()  # @nonzero
        X[X > 2]  # @mask
        X.masked_select(X > 2)  # @masked_select
        X.cpu()  # @cpu
        X.numpy()  # @numpy
        torch.equal(X, X)  # @equal
        X.unique()  # @unique
        X.t().reshape(6)  # @reshape
        X.t().contiguous()  # @contiguous
    expected = [
        ("item", "item"),
        ("item", "float"),
        ("bool", "bool"),
        ("tolist", "tolist"),
        ("nonzero", "nonzero"),
        ("mask", "mask"),
        ("mask", "masked_select"),
        ("cpu", "cpu"),
        ("numpy", "numpy"),
        ("equal", "equal"),
        ("unique", "unique"),
        ("copy", "reshape"),
        ("copy", "contiguous"),
    ]
    assert seen.syncs() == sorted((sync, MARKS[mark], 1) for sync, mark in expected)
    assert {sync for sync, _ in expected} == set(SYNCS)


def test_what_does_not_wait_is_not_told():
    with ops() as seen:
        y = X.clone()
        y[y > 2] = 0.0  # one value: no shape depends on it
        X.contiguous().reshape(3, 2).to(torch.float64)
        torch.where(X > 2, X, 0.0)
        X[torch.tensor([0, 1])]
        with torch.autocast("cpu", torch.bfloat16):
            X @ X.T
    assert seen.syncs() == []


def test_methods_are_torchs_own_afterwards():
    before = [getattr(torch.Tensor, name) for name in ("tolist", "cpu", "numpy")]
    with ops():
        assert X.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
        assert X.cpu() is X
        with pytest.raises(RuntimeError, match="requires grad"):
            torch.ones(2, requires_grad=True).numpy()
    assert [getattr(torch.Tensor, name) for name in ("tolist", "cpu", "numpy")] == before


def test_they_are_compiled_as_without_it():
    def function(x):
        return x.cpu().sin() + x.numpy().sum()

    def compiled():
        torch._dynamo.reset()
        torch._dynamo.utils.counters.clear()
        again = torch.compile(function, backend="eager")
        for _ in range(3):
            again(X)
        counted = (
            dict(torch._dynamo.utils.counters["stats"]),
            dict(torch._dynamo.utils.counters["graph_break"]),
        )
        torch._dynamo.reset()
        return counted

    plain = compiled()
    with ops():
        assert compiled() == plain
