"""The program is as it would be alone: same compiles, same log, and no code of ours in a cache hit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from adapters.sink import attached
from adapters.torch.counts import from_torch
from tracedbg.adapters.torch_compile import TorchCompileAdapter
from tracedbg.events import PhaseSpan, TraceStarted

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

PACKAGE = str(Path(__file__).parents[3] / "tracedbg")
PATH = os.pathsep.join(str(Path(__file__).parents[level]) for level in (3, 2))


def our_calls(function):
    """The functions of ours that run while `function` does."""
    found = []

    def profile(frame, event, _):
        if event == "call" and frame.f_code.co_filename.startswith(PACKAGE):
            found.append(getattr(frame.f_code, "co_qualname", frame.f_code.co_name))

    sys.setprofile(profile)
    try:
        function()
    finally:
        sys.setprofile(None)
    return found


def test_a_cache_hit_runs_no_code_of_ours(sink):
    f = torch.compile(lambda x: x + 1, backend="eager")
    x = torch.ones(3)
    assert our_calls(lambda: f(x)) != []  # the same watch sees a compile
    assert our_calls(lambda: f(x)) == []


def train():
    def step(x):
        loss = (x * 2).relu().sum()
        print(end="")
        loss.backward()
        return x.grad * 2

    compiled = torch.compile(step, backend="aot_eager")
    return [compiled(torch.ones(size, requires_grad=True)).sum().item() for size in (3, 4, 5)]


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # asked by Dynamo
def test_a_backward_inside_a_compiled_function_compiles_nothing_of_ours(fresh_dynamo):
    results = train()
    alone = from_torch()
    fresh_dynamo.reset()
    fresh_dynamo.utils.clear_compilation_metrics()
    with attached(fresh_dynamo.convert_frame, TorchCompileAdapter()) as sink:
        assert train() == results
    assert from_torch() == alone
    assert any(span.name == "backward_aot" for span in sink.of(PhaseSpan))
    files = [event.traceable.file for event in sink.of(TraceStarted)]
    assert [file for file in files if file.startswith(PACKAGE)] == []


def test_removed_hooks_leave_dynamo_as_it_was(fresh_dynamo):
    from torch._dynamo import convert_frame, output_graph, symbolic_convert, trace_rules, utils

    def state():
        return (
            convert_frame._compile,
            output_graph.OutputGraph.call_user_compiler,
            symbolic_convert.InstructionTranslatorBase.log_graph_break,
            utils.ChromiumEventLogger.log_event_end,
            utils.ChromiumEventLogger.log_instant_event,
            list(trace_rules.SKIP_DIRS),
            trace_rules.SKIP_DIRS_RE.pattern,
            list(torch._logging._internal.trace_log.handlers),
        )

    before = state()
    with attached(convert_frame, TorchCompileAdapter()) as sink:
        assert state() != before
    assert state() == before
    torch.compile(lambda x: x + 1, backend="eager")(torch.ones(3))
    assert sink.events == []


RUNNER = """
import os, runpy, sys
from adapters.sink import ListSink
from tracedbg.adapters.torch_compile import TorchCompileAdapter
from tracedbg.boot.imports import PostImport
from tracedbg.hooks import Hooks
sink, imports, adapter = ListSink(), PostImport(), TorchCompileAdapter()
hooks = Hooks(sink, adapter.name)
if os.environ["WATCHED"] == "True":
    imports.watch(adapter.modules[0], lambda module: adapter.attach(module, hooks))
runpy.run_path(sys.argv[1])
print(len(sink.events) > 0)
"""


def run(script, *, watched, **env):
    """Run a script in a new process, with or without the adapter."""
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, str(script)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": PATH, "WATCHED": str(watched), **env},
    )
    *lines, has_events = done.stdout.splitlines()
    assert has_events == str(watched)
    return lines, done.stderr.splitlines()


def test_the_program_alone_decides_when_dynamo_and_inductor_are_loaded(tmp_path):
    script = tmp_path / "program.py"
    script.write_text(
        textwrap.dedent("""
        import sys
        import torch
        print("torch._dynamo" in sys.modules)
        f = torch.compile(lambda x: x + 1, backend="eager")
        f(torch.ones(3))
        print(sorted(name for name in sys.modules if name.startswith("torch.")))
        """)
    )
    alone, _ = run(script, watched=False)
    assert run(script, watched=True)[0] == alone
    assert alone[0] == "False"


def test_torch_trace_and_torch_logs_are_what_they_are_alone(tmp_path):
    script = tmp_path / "program.py"
    script.write_text(
        textwrap.dedent("""
        import torch
        def f(x):
            if x.sum() > 0:
                x = x + 1
            return x * 2
        f = torch.compile(f, backend="eager", dynamic=False)
        f(torch.ones(3))
        f(torch.ones(4))
        """)
    )

    def look(watched):
        folder = tmp_path / str(watched)
        _, log = run(script, watched=watched, TORCH_TRACE=str(folder), TORCH_LOGS="graph_breaks,recompiles")
        (trace,) = folder.iterdir()
        records = [
            json.loads(line[line.index("{") :]) for line in trace.read_text().splitlines() if line[0] == "V"
        ]
        stacks = [record["dynamo_start"]["stack"] for record in records if "dynamo_start" in record]
        return (
            [next(iter(record)) for record in records],
            [len(stack) for stack in stacks],
            [line.partition("] ")[2] for line in log],
        )

    alone, watched = look(False), look(True)
    assert watched == alone
    assert len(alone[0]) > 50
    assert any("Graph break in user code" in line for line in alone[2])
