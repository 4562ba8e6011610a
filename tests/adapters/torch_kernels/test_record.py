"""`tracedbg.record(kernels=...)` with torch: compiled code, other profilers, forks, and nothing left behind."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path

import pytest

import tracedbg
from tracedbg.errors import UsageError

torch = pytest.importorskip("torch")

from adapters.sink import ListSink  # noqa: E402
from adapters.torch_kernels import programs  # noqa: E402
from tracedbg import heap  # noqa: E402
from tracedbg.adapters.torch_kernels import recording  # noqa: E402
from tracedbg.adapters.torch_kernels.generated import Generated  # noqa: E402
from tracedbg.heap import in_use_bytes  # noqa: E402
from tracedbg.hooks import Hooks  # noqa: E402
from tracedbg.store.reader import Run  # noqa: E402
from tracedbg.window import FULL  # noqa: E402

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
    with Run.open(run.folder) as opened:
        found = [seen for process in opened.processes for seen in process.kernel_windows()]
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


def spin(until, count=None):
    """Calls of Python functions alone: until a time, or so many."""
    done = 0
    while time.monotonic() < until and done != count:
        done += 1


@pytest.mark.skipif(in_use_bytes() is None, reason="needs mallinfo2 of glibc 2.33")
def test_a_window_of_nothing_but_python_ends_when_it_is_full_and_says_so(out, monkeypatch):
    monkeypatch.setattr(recording, "MOST_BYTES", 500_000)  # 20,000 calls
    begun = time.monotonic()
    with tracedbg.record(out, kernels="20s") as run:
        torch.ones(4).add(1)
        while not windows(run) and time.monotonic() < begun + 19:
            spin(begun + 19, 2_000)
            tracedbg.session.running()[-1].flush()
    (seen,) = windows(run)
    assert seen.note == FULL
    assert 0 < seen.end_ns - seen.start_ns < 19e9
    assert "aten::add" in {kernel.op for kernel in seen.kernels}
    assert FULL in " ".join(run.report().split())


@pytest.mark.skipif(in_use_bytes() is None, reason="needs mallinfo2 of glibc 2.33")
def test_what_is_kept_of_a_call_is_what_the_bound_is_made_of(monkeypatch):
    """The heap grows by 24 bytes with each call; should torch keep more or less, the bound is another one."""
    profile = recording.TorchRecording(Hooks(ListSink(), "torch_kernels"), Generated())
    monkeypatch.setattr(heap, "_SOONEST_S", 0)
    monkeypatch.setattr(recording, "MOST_BYTES", 100_000 * 24 * 3 // 4)
    assert profile.start()
    was_full_at_once = profile.is_full()
    spin(math.inf, 10_000)
    was_full_soon = profile.is_full()
    spin(math.inf, 90_000)
    is_full = profile.is_full()
    profile.cancel()
    assert (was_full_at_once, was_full_soon, is_full) == (False, False, True)
    assert not profile.is_full()


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
