"""`tracedbg.record(kernels=...)` with torch: compiled code, other profilers, forks, and nothing left behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import tracedbg
from tracedbg.errors import UsageError

torch = pytest.importorskip("torch")

from adapters.torch_kernels import programs  # noqa: E402
from tracedbg.store.reader import Run  # noqa: E402

pytestmark = pytest.mark.torch
FILE = programs.__file__


def marked(mark):
    lines = Path(FILE).read_text().splitlines()
    return next(number for number, text in enumerate(lines, 1) if text.endswith(f"# @{mark}"))


@pytest.fixture
def out(tmp_path):
    return str(tmp_path / "run")


@pytest.fixture
def fresh_inductor(tmp_path, monkeypatch):
    """No cache of other tests', and none left to them."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def windows(run):
    with Run.open(run.folder) as recording:
        found = [seen for process in recording.processes for seen in process.kernel_windows()]
    return [seen for seen in found if seen.profiler == "torch"]  # others may be loaded by other tests


def summary(run):
    return run.to_json()["kernels"]


def step_of(model=None):
    return programs.training(programs.Net() if model is None else model, torch.randn(8, 4, 32))


@pytest.mark.filterwarnings("ignore:.*script_method:DeprecationWarning")  # torch's own, when it is loaded
def test_a_compiled_transformer_is_told_by_line_forward_and_backward(out, fresh_inductor):
    from torch._inductor import config

    before = (config.trace.provenance_tracking_level, config.cpp.enable_kernel_profile)
    with tracedbg.record(out, kernels=4) as run:
        step = step_of(torch.compile(programs.Block()))
        for _ in range(9):
            step()
    assert (config.trace.provenance_tracking_level, config.cpp.enable_kernel_profile) == before
    assert torch.compiler.config.cache_key_tag == ""
    found = summary(run)
    assert [
        (window["steps"], window["note"]) for window in found["windows"] if window["profiler"] == "torch"
    ] == [(4, "")]
    assert sum(line["seconds"] for line in found["lines"]) >= 0.99 * found["seconds"]
    (seen,) = windows(run)
    fused = [kernel for kernel in seen.kernels if "cpp_fused" in kernel.name]
    assert {kernel.is_backward for kernel in fused} == {False, True}
    assert all(stack[0].file == FILE for kernel in fused for stack in kernel.fused)
    by_line = {line["line"]: line for line in found["lines"] if line["file"] == FILE}
    for mark in ("project", "softmax", "out", "feed"):
        line = by_line[marked(mark)]
        assert 0 < line["backward_seconds"] < line["seconds"], mark
    assert by_line[marked("softmax")]["shared_seconds"] > 0
    assert by_line[marked("optimizer")]["backward_seconds"] == 0
    (function,) = [one for one in run.to_json()["functions"] if one["name"] == "Block.forward"]
    assert function["traces"] == 1
    assert 0 < function["kernel_seconds"] < found["seconds"]


def test_an_eager_loop_is_timed_from_the_beginning_of_the_block(out):
    step = step_of()
    step()
    with tracedbg.record(out, kernels=2) as run:
        for _ in range(5):
            step()
    (seen,) = windows(run)
    assert (seen.profiler, seen.steps, seen.dropped, seen.note) == ("torch", 2, 0, "")
    assert "Kernel time by line" in run.report()
    assert f"programs.py:{marked('up')} in forward" in run.report(width=120)


def test_a_block_that_ends_early_tells_what_it_has_seen(out):
    with tracedbg.record(out, kernels=True) as run:
        torch.ones(4).add(1)
    (seen,) = windows(run)
    assert seen.steps == 0
    assert "aten::add" in {kernel.op for kernel in seen.kernels}


def test_the_programs_own_profiler_takes_over(out):
    step = step_of()
    with tracedbg.record(out, kernels=True) as run:
        for _ in range(3):
            step()
        with torch.profiler.profile() as own:
            step()
    assert any(event.key == "aten::addmm" for event in own.key_averages())
    (seen,) = windows(run)
    assert (seen.steps, seen.note) == (2, "the program's own torch.profiler took over")


def test_nothing_is_timed_while_the_programs_own_profiler_runs(out):
    with torch.profiler.profile() as own, tracedbg.record(out, kernels=True) as run:
        torch.ones(4).add(1)
    assert any(event.key == "aten::add" for event in own.key_averages())
    assert "no kernels were seen: the program's own profiler was running" in run.report()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_fork_ends_the_window(out):
    step = step_of()
    with tracedbg.record(out, kernels=True) as run:
        for _ in range(3):
            step()
        child = os.fork()
        if child == 0:
            os._exit(torch.autograd._profiler_enabled())
        _, status = os.waitpid(child, 0)
    assert status == 0
    (seen,) = windows(run)
    assert (seen.steps, seen.note) == (2, "the program forked")


def test_without_kernels_no_profiler_is_loaded(out):
    import subprocess
    import sys

    program = (
        "import sys, torch, tracedbg\n"
        f"with tracedbg.record({out!r}): torch.ones(3).add(1)\n"
        "print([n for n in sys.modules if n.startswith('tracedbg') and ('kernels.' in n or 'profiling' in n"
        " or n.endswith(('.window', '_kernels'))) and 'explain' not in n])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


@pytest.mark.parametrize("kernels", [0, "soon", -3])
def test_a_window_that_makes_no_sense_is_refused(kernels):
    with pytest.raises(UsageError, match=f"^kernels={kernels}: "):
        tracedbg.record(kernels=kernels)
