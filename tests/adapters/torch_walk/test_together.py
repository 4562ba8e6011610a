"""The walker beside others: the recording of compiles, and several processes that train together."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from adapters.sink import attached  # noqa: E402
from adapters.torch_walk import ddp_program  # noqa: E402
from adapters.torch_walk.walking import walking  # noqa: E402
from tracedbg.adapters.torch_compile import TorchCompileAdapter  # noqa: E402
from tracedbg.engine import Breakpoint  # noqa: E402
from tracedbg.events import GraphMade, TraceEnded  # noqa: E402


def f(x):
    y = x + 1
    return y.relu()


def recorded(dynamo, first):
    """The stops and events of a program under both, the one named `first` attached first."""
    module = dynamo.convert_frame
    if first == "walker":
        with walking(module) as found, attached(module, TorchCompileAdapter()) as sink:
            return run(found), events(sink)
    with attached(module, TorchCompileAdapter()) as sink, walking(module) as found:
        return run(found), events(sink)


def run(found):
    found.engine.breakpoints.add(Breakpoint(op_pattern="*relu*"))
    compiled = torch.compile(f, backend="aot_eager", dynamic=False)
    [compiled(torch.ones(size)) for size in (2, 3, 2)]
    return [(stop.op, stop.variables) for stop in found.script.stops]


def events(sink):
    return [
        *((event.stage, len(event.sites)) for event in sink.of(GraphMade)),
        *(event.outcome for event in sink.of(TraceEnded)),
    ]


def test_recording_and_walking_go_together_in_either_order(fresh_dynamo):
    found = []
    for first in ("walker", "recording"):
        fresh_dynamo.reset()
        fresh_dynamo.utils.clear_compilation_metrics()
        found.append(recorded(fresh_dynamo, first))
    assert found[0] == found[1]
    stops, seen = found[0]
    assert [op for op, _ in stops] == ["Tensor.relu"] * 3
    assert len(seen) == 4


def test_two_ranks_that_are_walked_make_the_same_gradients(tmp_path):
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, ddp_program.__file__, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env={**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'tests'}"},
    )
    assert done.returncode == 0, done.stderr
    told = sorted(line for line in done.stdout.splitlines() if line.startswith("rank "))
    assert told == [
        f"rank {rank}: stops 1, h True, same True, ranks agree True, compiled again 0" for rank in (0, 1)
    ]
