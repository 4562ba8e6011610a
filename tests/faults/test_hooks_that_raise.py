"""A hook of ours that raises is off, with one line; the program and the other hooks go on."""

from __future__ import annotations

import pytest

import tracedbg
from tracedbg.adapters.torch_compile.compiles import Compiles
from tracedbg.store.reader import Run

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch
METHODS = [
    name for name, member in vars(Compiles).items()
    if callable(member) and not name.startswith("_")
]  # fmt: skip


def program():
    def f(x):
        y = x + 1
        print(end="")
        return y.relu()

    torch._dynamo.reset()
    compiled = torch.compile(f, backend="eager")
    return [compiled(torch.ones(size)).sum().item() for size in (3, 4)]


@pytest.mark.parametrize("name", METHODS)
def test_a_hook_that_raises_is_said_once_and_left_out(name, tmp_path, monkeypatch, capfd):
    expected = program()

    def broken(*_, **__):
        raise RuntimeError(f"a fault in {name}")

    monkeypatch.setattr(Compiles, name, broken)
    with tracedbg.record(str(tmp_path / "run"), rate_hz=100) as run:
        assert program() == expected
    torch._dynamo.reset()
    said = [line for line in capfd.readouterr().err.splitlines() if line.startswith("tracedbg: ")]
    with Run.open(run.folder) as recording:
        (process,) = recording.processes
        faults = process.faults()
        assert process.ran.samples()
    assert len(said) == min(len(faults), 1), said
    for line in said:
        assert line.endswith(f" is off: RuntimeError: a fault in {name}; the program and the rest go on")
