"""The parts of a look into a process: what /proc says, whose frames are, how samples add up."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

from live import running, waiting
from tracedbg.activities import Activity, Doing, Reach, Rule
from tracedbg.attach import cpu
from tracedbg.attach.cpu import CpuMeter
from tracedbg.attach.process import LiveProcess, look_up, our_rights, pythons_below
from tracedbg.attach.reading import Reader, library_path, module_of
from tracedbg.attach.tally import Place, Source, Tally
from tracedbg.pyspy import Frame, Recording, Samples

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
LIB = "/v/lib/python3.12/site-packages"
STEP = Frame("/home/me/train.py", 7, "step")
MAIN = Frame("/home/me/train.py", 9, "<module>")
OP = Frame(f"{LIB}/frame/ops.py", 3, "add")
TRACE = Frame(f"{LIB}/frame/trace.py", 4, "trace")
RULES = [
    Rule("frame/trace.py", Activity.TRACING, "tracer", Reach.ALL),
    Rule("frame/", Activity.EAGER_OPS),
]
PYTHON, WAITING, EAGER = Doing(Activity.PYTHON), Doing(Activity.WAITING), Doing(Activity.EAGER_OPS)


@linux
def test_a_live_process_is_described(tmp_path):
    with waiting(tmp_path) as process:
        found = look_up(process.pid)
    assert found.command == (sys.executable, "waiting.py")
    assert found.python == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert (found.folder, found.user_id, found.os_threads, found.state) == (
        str(tmp_path),
        os.geteuid(),
        1,
        "S",
    )
    assert 0 <= found.age_s < 60
    assert not found.is_closed
    assert found.run == ""


@linux
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a process files of its own")
def test_the_lines_of_a_process_with_files_of_its_own_are_read_there(tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "f.py").write_text("ours = 1\n")
    (tmp_path / "theirs" / "f.py").write_text("theirs = 1\n")
    mount = f'mount --bind {tmp_path}/theirs {tmp_path}/ours && exec {sys.executable} -c "$0"'
    program = "print('ready', flush=True); input()"
    with running("unshare", "--mount", "sh", "-c", mount, program) as process:
        found = look_up(process.pid)
        assert found.root == f"/proc/{process.pid}/root"
        assert Reader(RULES, found).text_of(f"{tmp_path}/ours/f.py", 1) == "theirs = 1"
        process.communicate("\n")
    assert Reader(RULES, LiveProcess(7)).text_of(f"{tmp_path}/ours/f.py", 1) == "ours = 1"


@linux
def test_the_number_of_a_thread_is_none_of_a_process():
    release = threading.Event()
    thread = threading.Thread(target=release.wait)
    thread.start()
    assert look_up(thread.native_id) is None
    release.set()
    thread.join()


@linux
def test_only_pythons_are_told_of_what_a_process_has_started():
    with running(
        "sh", "-c", f"cat & {sys.executable} -c \"print('ready', flush=True); input()\"; wait"
    ) as shell:
        (python,) = pythons_below(shell.pid)
        assert python.command[0] == sys.executable
        shell.communicate("\n")


@linux
def test_the_rights_of_root_are_seen():
    assert our_rights().is_root == (os.geteuid() == 0)


def test_a_frame_is_a_user_s_by_its_file_whatever_python_it_belongs_to():
    reader = Reader(RULES, LiveProcess(7, ("python", "train.py")))
    assert reader.is_users(STEP)
    assert not reader.is_users(OP)
    assert not reader.is_users(Frame("/opt/lib/python3.13/json/decoder.py", 1, "decode"))
    assert not reader.is_users(Frame("<string>", 1, "__init__"))
    assert not reader.is_users(Frame("/home/me/native.so", 0, "read", is_native=True))
    typed = Reader(RULES, LiveProcess(7, ("python", "-c", "pass")))
    assert typed.is_users(Frame("<string>", 1, "f"))


def test_files_that_are_named_relatively_lie_where_the_process_runs():
    reader = Reader(RULES, LiveProcess(7, folder="/home/me"))
    assert reader.file_of(Frame("train.py", 1, "f")) == "/home/me/train.py"
    assert reader.file_of(Frame("<stdin>", 1, "f")) == "<stdin>"


def test_native_frames_count_only_where_they_are_a_package_s():
    reader = Reader(RULES, LiveProcess(7))
    libc = Frame("/usr/lib/libc.so.6", 0, "read", is_native=True)
    op = Frame(f"{LIB}/frame/lib/libframe.so", 0, "add_kernel", is_native=True)
    assert reader.doing([libc, STEP]) == PYTHON
    assert reader.doing([libc, op, STEP]) == EAGER
    assert reader.doing([libc, STEP], is_idle=True) == WAITING
    assert reader.doing([STEP, TRACE, MAIN]) == Doing(Activity.TRACING, "tracer")


@pytest.mark.parametrize(
    ("file", "module"),
    [
        (f"{LIB}/torch/nn/modules/module.py", "torch.nn.modules.module"),
        (f"{LIB}/tensorflow/python/eager/__init__.py", "tensorflow.python.eager"),
        (f"{LIB}/torch/_functorch/codegen.py:codegen(forward)", "torch._functorch.codegen"),
        ("/usr/lib/python3.12/json/decoder.py", "json.decoder"),
        ("/home/me/train.py", "train"),
        ("<frozen importlib._bootstrap>", "importlib._bootstrap"),
    ],
)
def test_a_file_is_a_module_as_its_import_names_it(file, module):
    assert module_of(Frame(file, 1, "f")) == module


def test_a_native_library_is_named_without_its_way_and_version():
    assert module_of(Frame("/usr/lib/libc.so.6", 0, "read", is_native=True)) == "libc"
    assert library_path(f"{LIB}/torch/x.py") == "torch/x.py"
    assert library_path("/usr/lib/python3.12/json/x.py") == "json/x.py"


@pytest.fixture
def proc(tmp_path, monkeypatch):
    monkeypatch.setattr(cpu, "PROC", str(tmp_path))
    return tmp_path


def set_clock(proc: Path, thread: int, ran_s: float, queued_s: float = 0) -> None:
    folder = proc / "7" / "task" / str(thread)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "schedstat").write_text(f"{ran_s * 1e9:.0f} {queued_s * 1e9:.0f} 1\n")


def test_the_meter_tells_how_much_of_a_moment_a_thread_could_run(proc):
    meter = CpuMeter([7, 8])
    set_clock(proc, 7, 1.0)
    meter.read(10.0)
    assert meter.share(7, 10.0) is None
    set_clock(proc, 7, 1.1, 0.2)
    meter.read(11.0)
    set_clock(proc, 7, 2.1, 0.2)
    meter.read(12.0)
    assert meter.share(7, 10.5) == pytest.approx(0.3)
    assert meter.share(7, 11.5) == pytest.approx(1.0)
    assert meter.share(7, 99.0) == pytest.approx(1.0)
    assert meter.share(9, 10.5) is None
    assert meter.queued_s(7) == pytest.approx(0.2)
    assert (meter.span(7), meter.span(9)) == ((10.0, 12.0), None)


@pytest.fixture
def source(proc):
    """Thread 7 ran all the time from 0 to 2 s, thread 8 never."""
    meter = CpuMeter([7])
    for now_s in (0.0, 1.0, 2.0):
        set_clock(proc, 7, now_s)
        set_clock(proc, 8, 0.0)
        meter.read(now_s)
    return Source(Reader(RULES, LiveProcess(7)), meter)


def test_time_in_which_the_process_was_held_is_neither_running_nor_waiting(proc):
    meter = CpuMeter([7])
    set_clock(proc, 7, 0.0)
    meter.read(0.0)
    for now_s, state in ((0.1, "t"), (0.3, "R"), (0.5, "t"), (0.7, "S"), (3.0, "R")):
        (proc / "7" / "stat").write_text(f"7 (a) b) {state} 1 1\n")
        meter.look(now_s)
    set_clock(proc, 7, 0.25)
    meter.read(1.0)
    assert (meter.held(), meter.held(0.5), meter.held(3.0)) == (0.4, 0.5, 0.0)
    assert meter.share(7, 0.5) == pytest.approx(0.5)
    assert CpuMeter([7]).held() == 0.0


def test_samples_add_up_to_the_time_by_activity_line_and_moment(source):
    tally = Tally(rate_hz=4)
    stacks = ((OP, STEP, MAIN), (MAIN,))
    recording = Recording(4, stacks, (Samples(0, 7, "MainThread", (0, 0, 0, 0, 0, 0, 1, 1)),))
    tally.add(recording, 7, (0.0, 2.0), source)
    thread = tally.threads[7, 7]
    assert (tally.total_s, tally.samples, thread.name) == (2.0, 8, "MainThread")
    assert thread.seconds == {EAGER: 1.5, PYTHON: 0.5}
    assert tally.lines == {
        Place("/home/me/train.py", 7, "step"): {EAGER: 1.5},
        Place("/home/me/train.py", 9, "<module>"): {PYTHON: 0.5},
    }
    assert thread.curve(EAGER, 2.0, 4) == [1.0, 1.0, 1.0, 0.0]
    assert thread.curve(PYTHON, 2.0, 4) == [0.0, 0.0, 0.0, 1.0]
    assert tally.stacks == {((7, 7), stacks[0]): 6, ((7, 7), stacks[1]): 2}


def test_python_that_did_not_run_waited(source):
    tally = Tally(rate_hz=2)
    threads = (Samples(0, 7, "MainThread", (0, 0, 0, 0)), Samples(0, 8, "sleeper", (0, 0, 0, 0)))
    tally.add(Recording(2, ((MAIN,),), threads), 7, (0.0, 2.0), source)
    assert tally.threads[7, 7].seconds == {PYTHON: 2.0}
    assert tally.threads[7, 8].seconds == {WAITING: 2.0}
    assert tally.lines == {Place("/home/me/train.py", 9, "<module>"): {PYTHON: 2.0, WAITING: 2.0}}


def test_a_comprehension_counts_for_the_function_that_it_stands_in(source):
    stack = (Frame("/home/me/train.py", 9, "C.f.<locals>.g.<locals>.<listcomp>.<genexpr>"),)
    tally = Tally(rate_hz=2)
    tally.add(Recording(2, (stack,), (Samples(0, 7, "m", (0, 0, 0, 0)),)), 7, (0.0, 2.0), source)
    assert list(tally.lines) == [Place("/home/me/train.py", 9, "C.f.g")]


def test_ops_that_did_not_run_on_the_thread_are_ops_still(source):
    tally = Tally(rate_hz=2)
    tally.add(Recording(2, ((OP, MAIN),), (Samples(0, 8, "x", (0, 0, 0, 0)),)), 7, (0.0, 2.0), source)
    assert tally.threads[7, 8].seconds == {EAGER: 2.0}


def test_pieces_add_up_one_after_the_other(source):
    tally = Tally(rate_hz=2)
    for number in (0, 1):
        recording = Recording(
            2, ((OP, MAIN), (MAIN,)), (Samples(0, 7, "m", (number, number)),), has_ended=number == 1
        )
        tally.add(recording, 7, (number * 1.0, number + 1.0), source)
    thread = tally.threads[7, 7]
    assert (tally.total_s, tally.has_ended) == (2.0, True)
    assert thread.curve(EAGER, 2.0, 2) == [1.0, 0.0]
    assert thread.curve(PYTHON, 2.0, 2) == [0.0, 1.0]


def test_a_thread_that_ended_early_counts_for_as_long_as_it_was_seen(proc):
    meter = CpuMeter([7])
    set_clock(proc, 8, 0.0)
    meter.read(0.0)
    set_clock(proc, 8, 1.0)
    meter.read(1.0)
    tally = Tally(rate_hz=2)
    threads = (Samples(0, 7, "MainThread", (0, 0, 0, 0)), Samples(0, 8, "short", (1, 1)))
    recording = Recording(2, ((MAIN,), (OP, MAIN)), threads)
    tally.add(recording, 7, (0.0, 2.0), Source(Reader(RULES, LiveProcess(7)), meter))
    short = tally.threads[7, 8]
    assert short.seconds == {EAGER: 1.0}
    assert short.curve(EAGER, 2.0, 2) == [1.0, 0.0]


def test_nothing_that_was_seen_is_no_time(source):
    tally = Tally(rate_hz=2)
    tally.add(Recording(2, (), ()), 7, (0.0, 2.0), source)
    assert (tally.total_s, tally.samples, tally.threads) == (0.0, 0, {})
