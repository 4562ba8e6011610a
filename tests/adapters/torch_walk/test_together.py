"""The walker beside others: the recording of compiles, and several processes that train together."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch.utils._python_dispatch import _get_current_dispatch_mode_stack  # noqa: E402

from adapters.sink import attached  # noqa: E402
from adapters.torch_walk import ddp_program  # noqa: E402
from adapters.torch_walk.walking import walking  # noqa: E402
from tracedbg.adapters.torch_compile import TorchCompileAdapter  # noqa: E402
from tracedbg.adapters.torch_compile.apart import keep_apart  # noqa: E402
from tracedbg.adapters.torch_eager import TorchEagerWalker  # noqa: E402
from tracedbg.engine import Breakpoint, Go  # noqa: E402
from tracedbg.events import GraphMade, TraceEnded  # noqa: E402
from tracedbg.hooks import Hooks, Hub  # noqa: E402


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
    assert [stage for stage, *_ in seen[:4]] == ["dynamo", "aot_forward"] * 2
    assert len(seen) == 6  # and two outcomes


@contextmanager
def both(dynamo):
    """The walkers of compiled functions and of eager ops, on one engine, as in a debugged program."""
    with walking(dynamo.convert_frame) as found:
        hooks = Hooks(Hub(), "walk.torch_eager")
        keep_apart(hooks, found.engine)
        TorchEagerWalker().attach(torch, hooks, found.engine)
        try:
            yield found
        finally:
            hooks.remove()
    assert torch._C._dispatch_tls_local_include_set() == KEYS
    assert _get_current_dispatch_mode_stack() == []


KEYS = torch._C._dispatch_tls_local_include_set()


def shifted(x):
    y = x + 1
    z = y.relu()  # @shifted
    return z * 2


def test_an_op_breakpoint_that_is_taken_out_inside_a_compiled_function_leaves_nothing(fresh_dynamo):
    with both(fresh_dynamo) as found:
        found.engine.breakpoints.add(Breakpoint(op_pattern="*relu*"))
        found.script.at_stop = lambda _: found.engine.breakpoints.clear()
        compiled = torch.compile(shifted, backend="eager")
        assert compiled(torch.ones(2)).tolist() == [4.0, 4.0]
        assert torch._C._dispatch_tls_local_include_set() == KEYS
        assert (torch.ones(2).relu() + 1).tolist() == [2.0, 2.0]
        assert [stop.op for stop in found.script.stops] == ["Tensor.relu"]


def test_an_op_breakpoint_that_is_set_inside_a_compiled_function_is_met_in_eager_code_after_it(fresh_dynamo):
    with both(fresh_dynamo) as found:
        found.line(shifted, "shifted")
        found.script.at_stop = lambda _: (
            found.engine.breakpoints.clear(),
            found.engine.breakpoints.add(Breakpoint(op_pattern="aten.exp")),
        )
        compiled = torch.compile(shifted, backend="eager")
        compiled(torch.ones(2)).exp()
        assert [(stop.reason, stop.op) for stop in found.script.stops] == [
            ("breakpoint", ""),
            ("function breakpoint", "aten.exp"),
        ]


def test_an_op_step_goes_on_from_a_compiled_function_to_eager_ops(fresh_dynamo):
    with both(fresh_dynamo) as found:
        found.line(shifted, "shifted")
        found.script.answers = [Go.OP, Go.OP, Go.OP, Go.OP]
        found.script.at_stop = lambda _: found.engine.breakpoints.clear()
        compiled = torch.compile(shifted, backend="eager")
        compiled(torch.ones(2)).exp()
        assert [stop.op for stop in found.script.stops] == ["", "Tensor.relu", "operator.mul", "aten.exp"]


def test_watching_the_ends_of_compiled_calls_compiles_nothing_of_ours(fresh_dynamo):
    counters = fresh_dynamo.utils.counters
    with both(fresh_dynamo) as found:
        found.engine.breakpoints.add(Breakpoint(op_pattern="aten.never"))
        compiled = torch.compile(shifted, backend="eager")
        [compiled(torch.ones(2)) for _ in range(3)]
        assert (counters["stats"]["unique_graphs"], counters["frames"]["total"]) == (1, 1)


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
