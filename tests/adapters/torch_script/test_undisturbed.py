"""The program is as it would be alone: same stacks, warnings, results and files; and nothing of ours stays."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import textwrap
import traceback
import weakref
from pathlib import Path

import pytest

from adapters.sink import attached
from adapters.torch_script.told import IGNORE_DEPRECATION, IGNORE_TRACER
from tracedbg.adapters.torch_script import TorchScriptAdapter, compiles
from tracedbg.events import Fault, TraceEnded, TraceStarted

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings(IGNORE_DEPRECATION),
    pytest.mark.filterwarnings(IGNORE_TRACER),
]

PACKAGE = str(Path(__file__).parents[3] / "tracedbg")
PATH = os.pathsep.join(str(Path(__file__).parents[level]) for level in (3, 2))


def ours(stack):
    return [frame for frame in stack if frame.filename.startswith(PACKAGE)]


def stacks_of_a_trace():
    """The Python stack inside the traced function, and those that torch keeps of its nodes."""
    found = []

    def look(x):
        if x.sum() > 0:
            found.extend(traceback.extract_stack())
        return x + 1

    traced = torch.jit.trace(look, torch.ones(2), check_trace=False)
    return found, [node.sourceRange() for node in traced.graph.nodes()]


def test_no_frame_of_ours_is_on_the_stack_of_a_traced_function_or_in_its_graph(sink):
    stack, places = stacks_of_a_trace()
    assert ours(stack) == []
    assert [place for place in places if PACKAGE in place] == []
    assert len(sink.of(TraceEnded)) == 1


def test_a_plain_wrapper_would_be_on_the_stack(sink, monkeypatch):
    plain = torch._C._create_function_from_trace
    monkeypatch.setattr(
        torch._C, "_create_function_from_trace", functools.wraps(plain)(lambda *args: plain(*args))
    )
    stack, places = stacks_of_a_trace()
    assert any(frame.filename == __file__ and frame.name == "<lambda>" for frame in stack)
    assert all("<lambda>" in place for place in places)


def test_no_frame_of_ours_is_in_the_traceback_of_an_error(sink):
    def scripted(x):
        return no_such_function(x)  # noqa: F821

    class Module(torch.nn.Module):
        def forward(self, x):
            return self.part(x)

        def part(self, x):
            return no_such_function(x)  # noqa: F821

    def raising(x):
        if x.sum() > 0:
            raise LookupError
        return x

    for compile_it in (
        lambda: torch.jit.script(scripted),
        lambda: torch.jit.script(Module()),
        lambda: torch.jit.trace(raising, torch.ones(2)),
        lambda: torch.jit.trace(raising, torch.ones(2), check_trace="no"[5]),
    ):
        with pytest.raises((RuntimeError, LookupError)) as caught:
            compile_it()
        assert ours(traceback.extract_tb(caught.value.__traceback__)) == []


def test_a_call_of_what_was_compiled_runs_no_code_of_ours(sink):
    def f(x):
        return x * 2

    scripted, found = torch.jit.script(f), []
    traced = torch.jit.trace(f, torch.ones(2))

    def profile(frame, event, _):
        if event == "call" and frame.f_code.co_filename.startswith(PACKAGE):
            found.append(frame.f_code.co_name)

    sys.setprofile(profile)
    try:
        for _ in range(3):
            scripted(torch.ones(2))
            traced(torch.ones(3))
            bool(torch.ones(1))
        calls = list(found)
        torch.jit.trace(f, torch.ones(2))
    finally:
        sys.setprofile(None)
    assert calls == []
    assert found != [], "the same watch sees a compile"


def state():
    """Everything that the adapter touches."""
    import torch.jit._recursive as recursive
    import torch.jit._script as script

    return (
        vars(torch.Tensor).copy(),
        vars(torch.jit.TracerWarning).copy(),
        vars(torch._C.ScriptModule).copy(),
        {name: value for name, value in vars(torch._C).items() if "from_trace" in name},
        vars(recursive).copy(),
        vars(script).copy(),
    )


def test_removed_hooks_leave_torch_as_it_was(fresh_torchscript):
    before = state()
    with attached(torch, TorchScriptAdapter()) as sink:
        torch.jit.trace(torch.nn.Linear(2, 2), torch.ones(2))
        assert state() != before
    assert state() == before
    count = len(sink.events)
    torch.jit.trace(torch.nn.Linear(2, 2), torch.ones(2))
    torch.jit.script(lambda_free())
    assert len(sink.events) == count


def lambda_free():
    def f(x):
        return x + 1

    return f


def test_hooks_that_are_removed_during_a_trace_leave_nothing_behind(fresh_torchscript):
    before = state()
    manager = attached(torch, TorchScriptAdapter())
    manager.__enter__()

    def f(x):
        manager.__exit__(None, None, None)
        return x + 1 if x.sum() > 0 else x

    torch.jit.trace(f, torch.ones(2), check_trace=False)
    assert state() == before


def test_the_users_tensors_are_not_kept(sink):
    kept = []

    def f(x):
        y = x * 2
        kept.append(weakref.ref(y))
        return y + 1 if y.sum() > 0 else y

    x = torch.ones(2)
    kept.append(weakref.ref(x))
    torch.jit.trace(f, x, check_trace=False)
    del x
    assert [ref() for ref in kept] == [None, None]


@pytest.mark.parametrize("part", ["begin", "end", "traceable"])
def test_a_fault_of_ours_leaves_the_program_alone(part, fresh_torchscript, monkeypatch):
    def program():
        def f(x):
            return x + 1 if x.sum() > 0 else x

        scripted, traced = torch.jit.script(f), torch.jit.trace(f, torch.ones(2))
        module = torch.jit.trace(torch.nn.ReLU(), torch.ones(2))
        return [str(made.graph).replace("__torch__", "") for made in (scripted, traced)], module.code

    expected, before = program(), state()

    def broken(*args, **kwargs):
        raise ZeroDivisionError

    owner = compiles if part == "traceable" else compiles.Compiles
    monkeypatch.setattr(owner, part, broken)
    with attached(torch, TorchScriptAdapter(), faults=3) as sink:
        assert program() == expected
    assert {fault.message for fault in sink.of(Fault)} == {"ZeroDivisionError: "}
    assert state() == before


# --- two processes, with and without ------------------------------------------------------------

RUNNER = """
import os, runpy, sys
from adapters.sink import ListSink
from tracedbg.adapters.torch_script import TorchScriptAdapter
from tracedbg.boot.imports import PostImport
from tracedbg.hooks import Hooks
sink, imports, adapter = ListSink(), PostImport(), TorchScriptAdapter()
hooks = Hooks(sink, adapter.name)
if os.environ["WATCHED"] == "True":
    imports.watch(adapter.modules[0], lambda module: adapter.attach(module, hooks))
runpy.run_path(sys.argv[1])
print(len(sink.events) > 0)
"""


def run(tmp_path, text, *, watched):
    """Stdout and stderr of a script in a new process, with or without the adapter."""
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(text))
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, str(script)],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": PATH, "WATCHED": str(watched), "PYTHONHASHSEED": "0"},
    )
    *lines, has_events = done.stdout.splitlines()
    assert has_events == str(watched)
    return lines, done.stderr


BAKED = """
    import torch, traceback, warnings
    warnings.simplefilter("ACTION", torch.jit.TracerWarning)
    def f(x):
        n = int(x.sum())
        for row in x:
            pass
        if x.sum() > 0:
            return x * n
        return -x
    class Net(torch.nn.Module):
        def forward(self, x):
            return f(x) + len(x) + float(x[0])
    for _ in range(2):
        for what in (f, Net()):
            try:
                torch.jit.trace(what, torch.ones(2))
            except BaseException:
                traceback.print_exc()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.jit.trace(f, torch.ones(2))
    print([(w.filename, w.lineno, w.category, str(w.message)) for w in caught])
    print(warnings.filters)
    print(sorted(map(str, globals().get("__warningregistry__", {}))))
    """


@pytest.mark.parametrize(
    ("action", "shown"),
    [("default", True), ("ignore", False), ("always", True), ("once", True), ("error", True)],
)
def test_warnings_errors_filters_and_registries_are_those_of_the_program_alone(tmp_path, action, shown):
    program = BAKED.replace("ACTION", action)
    alone = run(tmp_path, program, watched=False)
    assert run(tmp_path, program, watched=True) == alone
    assert ("TracerWarning: " in alone[1]) == shown
    assert "Python boolean" in alone[0][0]


def test_what_is_saved_is_the_same_to_the_byte(tmp_path):
    program = """
        import hashlib, torch, warnings
        warnings.simplefilter("ignore")
        class Net(torch.nn.Module):
            def __init__(self):
                super().__init__()
                torch.manual_seed(1)
                self.lin = torch.nn.Linear(2, 2)
            def forward(self, x):
                y = self.lin(x)
                if y.sum() > 0:
                    y = y + 1
                return y
        for name, made in (("a", torch.jit.script(Net())), ("b", torch.jit.trace(Net(), torch.ones(2)))):
            torch.jit.save(made, name)
            print(hashlib.sha256(open(name, "rb").read()).hexdigest(), made(torch.ones(2)).tolist())
            print(*(node.sourceRange() for node in made.inlined_graph.nodes()))
        """
    alone = run(tmp_path, program, watched=False)
    assert run(tmp_path, program, watched=False) == alone, "the file does not depend on the time"
    assert run(tmp_path, program, watched=True) == alone


def test_no_more_of_torch_is_loaded_than_by_the_program_alone(tmp_path):
    program = """
        import sys, torch, warnings
        before = sorted(name for name in sys.modules if name.startswith("torch"))
        warnings.simplefilter("ignore")
        torch.jit.trace(lambda x: x + 1, torch.ones(2))
        @torch.jit.script
        def f(x):
            return x + 1
        print(before)
        print(sorted(name for name in sys.modules if name.startswith("torch")))
        """
    assert run(tmp_path, program, watched=True) == run(tmp_path, program, watched=False)


def test_a_compile_in_another_thread_is_told_as_that_threads(sink):
    import threading

    def f(x):
        return x + 1

    thread = threading.Thread(target=lambda: torch.jit.script(f))
    thread.start()
    thread.join()
    (event,) = sink.of(TraceStarted)
    assert (event.thread_id, event.parent_id) != (threading.get_ident(), 0)
