"""`with tracedbg.record()`: in-process, nested, in threads, and gone without a trace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import pytest

import tracedbg
from tracedbg import session
from tracedbg.errors import RecordingError, RetraceError, UsageError
from tracedbg.events import CauseKind
from tracedbg.store.reader import Run


@pytest.fixture
def compiled():
    """A compiled function that is compiled again for each new size."""
    torch = pytest.importorskip("torch")

    @torch.compile(backend="eager", dynamic=False)
    def double(x):
        return x * 2

    yield lambda size: double(torch.ones(size))
    torch._dynamo.reset()


@pytest.fixture
def out(tmp_path):
    return str(tmp_path / "run")


def test_a_block_without_a_framework_has_no_traces(out):
    with tracedbg.record(out) as run:
        pass
    assert run.traces == ()
    assert run.retraces == ()
    assert run.causes == ()
    assert run.to_json()["functions"] == []
    assert run.to_html().startswith("<!doctype html>")


def test_the_folder_of_a_block_is_a_run_like_any_other(out):
    with tracedbg.record(out) as run:
        assert run.folder == out
    with Run.open(out) as recorded:
        assert recorded.info.exit_code is None
        assert recorded.info.wall_ns > 0
        assert recorded.processes[0].info.stopped_ns is not None


@pytest.mark.parametrize(("children", "processes"), [(True, 2), (False, 1)])
def test_processes_that_a_block_forks_are_recorded_unless_that_is_not_wanted(out, children, processes):
    with tracedbg.record(out, children=children, rate_hz=100):
        pid = os.fork()
        if not pid:
            is_observed = bool(session._observers._observers) or len(os.listdir("/proc/self/task")) > 1
            os._exit(is_observed)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == children
    with Run.open(out) as recorded:
        assert len(recorded.processes) == processes


@pytest.mark.torch
def test_a_block_names_the_argument_that_changed(out, compiled):
    with tracedbg.record(out) as run:
        compiled(2)
        compiled(3)
    assert [trace.started.label.split("/")[1] for trace in run.traces] == ["0", "1"]
    (retrace,) = run.retraces
    assert retrace.causes[0].kind is CauseKind.SHAPE
    (cause,) = run.causes
    assert (cause.argument, cause.before, cause.after) == ("x", "float32[2]", "float32[3]")
    assert "`x` changed shape from float32[2] to float32[3]" in run.report()
    assert json.loads(json.dumps(run.to_json()))["functions"][0]["retraces"] == 1


@pytest.mark.torch
def test_a_run_can_be_read_inside_its_block(out, compiled):
    with tracedbg.record(out) as run:
        compiled(2)
        assert len(run.traces) == 1
        compiled(3)
        assert len(run.retraces) == 1


@pytest.mark.torch
def test_what_was_traced_before_the_block_is_not_in_it_but_its_retraces_are(out, compiled):
    compiled(2)
    with tracedbg.record(out) as run:
        compiled(2)
        assert run.traces == ()
        compiled(3)
    assert [cause.argument for cause in run.causes] == ["x"]


@pytest.mark.torch
def test_blocks_nest_and_each_has_what_happened_in_it(tmp_path, compiled):
    with tracedbg.record(str(tmp_path / "outer")) as outer:
        compiled(2)
        with tracedbg.record(str(tmp_path / "inner")) as inner:
            compiled(3)
        compiled(4)
    assert len(outer.traces) == 3
    assert len(inner.traces) == 1
    with Run.open(inner.folder) as run:
        assert "torch" in run.processes[0].info.versions


@pytest.mark.torch
def test_traces_of_other_threads_are_recorded(out, compiled):
    with tracedbg.record(out) as run:
        thread = threading.Thread(target=compiled, args=(2,))
        thread.start()
        thread.join()
        compiled(3)
    first, second = run.traces
    assert first.started.thread_id != second.started.thread_id == threading.get_ident()


@pytest.mark.torch
def test_blocks_in_several_threads_do_not_disturb_each_other(tmp_path, compiled):
    compiled(2)
    failures = []

    def work(number):
        try:
            with tracedbg.record(str(tmp_path / f"run{number}")) as run:
                assert isinstance(run.traces, tuple)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


@pytest.mark.torch
def test_nothing_is_observed_after_the_block(out, compiled):
    with tracedbg.record(out) as run:
        compiled(2)
    compiled(3)
    assert len(run.traces) == 1


@pytest.mark.torch
def test_an_error_in_the_block_comes_through_and_the_recording_is_closed(out, compiled):
    with pytest.raises(ZeroDivisionError), tracedbg.record(out) as run:  # noqa: PT012  the block is the point
        compiled(2)
        raise ZeroDivisionError
    assert len(run.traces) == 1
    with Run.open(out) as recorded:
        assert recorded.processes[0].info.stopped_ns is not None


@pytest.mark.torch
def test_assert_no_retraces_tells_each_cause_and_what_to_do(out, compiled):
    with tracedbg.record(out) as run:
        compiled(2)
        run.assert_no_retraces()
        compiled(3)
    with pytest.raises(RetraceError) as caught:
        run.assert_no_retraces()
    (cause,) = run.causes
    assert str(caught.value) == (
        f"1 retrace where none was to be:\n  {cause.file}:{cause.line}: {cause.message}; {cause.advice}"
    )
    assert cause.file == __file__
    assert isinstance(caught.value, AssertionError)


def test_wrong_arguments_are_refused(tmp_path):
    with pytest.raises(UsageError, match="max_mb is 0; it must be 1 or more"):
        tracedbg.record(max_mb=0)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(RecordingError, match="is not empty"), tracedbg.record(str(tmp_path / "full")):
        pass


def test_a_framework_that_is_imported_inside_the_block_is_observed(tmp_path):
    pytest.importorskip("torch")
    code = f"""
import sys, tracedbg
with tracedbg.record({str(tmp_path / "run")!r}) as run:
    assert "torch" not in sys.modules
    import torch
    torch.compile(lambda x: x + 1, backend="eager")(torch.ones(2))
print(len(run.traces), type(sys.meta_path[0]).__module__)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split()[0] == "1", done.stderr
    assert "tracedbg" not in done.stdout.split()[1]


def test_the_public_names_are_these():
    assert sorted(tracedbg.__all__) == [
        "Counts",
        "Run",
        "__version__",
        "breakpoint",
        "count",
        "debug",
        "record",
    ]
    assert all(hasattr(tracedbg, name) for name in tracedbg.__all__)
    with pytest.raises(AttributeError, match="module 'tracedbg' has no attribute 'nonsense'"):
        tracedbg.nonsense  # noqa: B018
