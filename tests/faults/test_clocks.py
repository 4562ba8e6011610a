"""A wall clock that jumps spoils nothing: times are those of the monotonic clock."""

from __future__ import annotations

import time

import pytest

import tracedbg
from tracedbg.store.reader import Run

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch
HOUR_NS = 3600 * 10**9


@pytest.fixture(params=[HOUR_NS, -HOUR_NS], ids=["forwards", "backwards"])
def jumping(request, monkeypatch):
    """The wall clock jumps by an hour whenever a compile has begun."""
    real, jumps = time.time_ns, []
    monkeypatch.setattr(time, "time_ns", lambda: real() + request.param * len(jumps))
    return lambda: jumps.append(1)


def test_phases_are_no_longer_than_the_run(jumping, tmp_path):
    def backend(graph, inputs):
        jumping()
        return graph.forward

    torch._dynamo.reset()
    began = time.monotonic_ns()
    with tracedbg.record(str(tmp_path / "run"), rate_hz=100) as run:
        compiled = torch.compile(lambda x: x * 2 + 1, backend=backend, dynamic=False)
        for size in (2, 3):
            compiled(torch.ones(size))
    torch._dynamo.reset()
    took_ns = time.monotonic_ns() - began
    with Run.open(run.folder) as recording:
        (process,) = recording.processes
        traces = process.traces()
        wall_ns = recording.info.wall_ns
    assert 0 < wall_ns <= took_ns
    assert len(traces) == 2
    for trace in traces:
        assert 0 < trace.duration_ns <= took_ns
        for phase in trace.phases:
            assert 0 <= phase.duration_ns <= took_ns
            assert phase.start_ns >= trace.started.start_ns - took_ns
            assert phase.start_ns + phase.duration_ns <= trace.started.start_ns + took_ns
