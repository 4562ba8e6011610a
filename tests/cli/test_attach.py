"""`tracedbg attach` on real processes, as somebody types it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from live import TRACEDBG, WAITING, line_of, running, until, until_sampled, waiting
from tracedbg.attach.record import Recorder
from tracedbg.cli.main import main

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere, only root may look into a process"
)
WAIT, TURN, CALL = (line_of(WAITING, marker) for marker in ("wait", "turn", "call"))


def attach(capsys, pid: int, *options: str) -> str:
    assert main(["attach", str(pid), *options]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    return shown.out


def test_each_thread_is_shown_with_what_it_does_and_the_user_s_lines(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with waiting(tmp_path, "busy") as process:
        out = attach(capsys, process.pid)
    head, main_thread, busy = out.rstrip("\n").split("\n\n")
    assert head.startswith(f"process {process.pid}  {sys.executable} waiting.py busy\n")
    facts = re.sub(r"\s+", " ", head.partition("\n")[2]).strip()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    threads = f"2 threads of the operating system, in {tmp_path}"
    assert re.sub(r"\d+ s,", "N s,", facts) == f"Python {version}, running for N s, {threads}"
    assert main_thread.splitlines() == [
        f"MainThread ({process.pid}): waiting",
        f"  ▸ waiting.py:{CALL} in <module>",
        "        wait()  # @call",
        f"  ▸ waiting.py:{WAIT} in wait",
        "        sys.stdin.read()  # @wait",
    ]
    number = re.search(r"\((\d+)\)", busy)[1]
    assert busy.splitlines() == [
        rf"busy \x1b[31m ({number}): running Python",
        "    … 3 frames of threading",
        f"  ▸ waiting.py:{TURN} in turn",
        "        sum(range(1000))  # @turn",
    ]


def test_every_frame_is_shown_where_that_is_asked_for(tmp_path, capsys):
    with waiting(tmp_path, "busy") as process:
        out = attach(capsys, process.pid, "--full")
    assert re.search(r"^    threading\.py:\d+ in Thread\._bootstrap$", out, re.MULTILINE)
    assert "frames of" not in out


def test_native_frames_are_shown_as_such(tmp_path, capsys):
    with waiting(tmp_path) as process:
        out = attach(capsys, process.pid, "--native")
    assert re.search(r" in \S*read\S* \(native\)$", out, re.MULTILINE)
    assert f"MainThread ({process.pid}): waiting" in out


def test_the_json_says_the_same(tmp_path, capsys):
    with waiting(tmp_path) as process:
        data = json.loads(attach(capsys, process.pid, "--json", "-"))
    assert data["schema"] == 1
    assert data["process"]["pid"] == process.pid
    assert data["process"]["command"] == [sys.executable, "waiting.py"]
    assert data["process"]["run"] is None
    file = str(tmp_path / "waiting.py")
    assert data["threads"] == [
        {
            "pid": process.pid,
            "os_thread_id": process.pid,
            "name": "MainThread",
            "is_active": False,
            "activity": "waiting",
            "phase": None,
            "frames": [
                {"file": file, "line": WAIT, "function": "wait", "is_native": False, "is_user": True},
                {"file": file, "line": CALL, "function": "<module>", "is_native": False, "is_user": True},
            ],
        }
    ]


def test_collapsed_stacks_go_to_a_file(tmp_path, capsys):
    target = tmp_path / "stacks.txt"
    with waiting(tmp_path) as process:
        assert attach(capsys, process.pid, "--format", "collapsed", "--output", str(target)) == ""
    assert target.read_text() == f"MainThread;waiting:<module>:{CALL};waiting:wait:{WAIT} 1\n"


def test_seconds_are_added_up_by_activity_and_line(tmp_path, capsys):
    with waiting(tmp_path, "busy") as process:
        data = json.loads(attach(capsys, process.pid, "--seconds", "1", "--rate", "50", "--json", "-"))
    recorded = data["recorded"]
    assert recorded["seconds"] >= 1
    assert (recorded["rate_hz"], recorded["has_ended"], recorded["was_interrupted"]) == (50, False, False)
    main_thread, busy = sorted(data["threads"], key=lambda thread: thread["os_thread_id"])
    assert main_thread["activities"][0]["activity"] == "waiting"
    assert "python" in [one["activity"] for one in busy["activities"]]
    assert recorded["samples"] == main_thread["samples"] + busy["samples"]
    for thread in (main_thread, busy):  # on a busy machine, a sample may be missed
        total = sum(one["seconds"] for one in thread["activities"])
        assert 0.5 * recorded["seconds"] < total < 1.01 * recorded["seconds"]
    lines = {(Path(one["file"]).name, one["line"]): one["seconds"] for one in data["lines"]}
    assert lines["waiting.py", WAIT] > 0.5 * recorded["seconds"]
    assert lines["waiting.py", TURN] > 0.5 * recorded["seconds"]


def test_the_table_names_threads_activities_and_lines(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with waiting(tmp_path, "busy") as process:
        out = attach(capsys, process.pid, "--seconds", "0.5")
    assert re.search(r"^\d\.\d s at 50 Hz: \d+ samples of 2 threads$", out, re.MULTILINE)
    assert re.search(r"^  share  seconds              activity {32}over time$", out, re.MULTILINE)
    assert re.search(r"^ +\d+\.\d%     \d\.\d\d  █\S* +waiting +[▁▂▃▄▅▆▇█ ]+$", out, re.MULTILINE)
    assert re.search(rf"^ +\d+\.\d%     \d\.\d\d  █\S* +waiting\.py:{WAIT} in wait$", out, re.MULTILINE)
    assert max(map(len, out.splitlines())) <= 80


def test_an_interrupt_ends_it_early_and_shows_what_was_seen(tmp_path, capsys):
    with waiting(tmp_path) as process:
        command = [sys.executable, TRACEDBG, "attach", str(process.pid), "--seconds", "600"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as looking:
            until_sampled(looking.pid)
            looking.send_signal(signal.SIGINT)
            out, err = looking.communicate()
        assert process.poll() is None
    assert (looking.returncode, err) == (0, "")
    assert re.search(r"; interrupted, 600 s were asked for$", out, re.MULTILINE)


def test_what_was_seen_of_a_process_that_is_killed_is_shown(tmp_path):
    with waiting(tmp_path) as process:
        command = [sys.executable, TRACEDBG, "attach", str(process.pid), "--seconds", "600", "--json", "-"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as looking:
            until_sampled(looking.pid)
            process.kill()
            out, err = looking.communicate()
    assert (looking.returncode, err) == (0, "")
    assert json.loads(out)["recorded"]["has_ended"] is True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_signal_that_ends_it_ends_py_spy_as_well(tmp_path, number):
    with waiting(tmp_path) as process:
        command = [sys.executable, TRACEDBG, "attach", str(process.pid), "--seconds", "60"]
        looking = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until_sampled(looking.pid)
        assert len(py_spies_on(process.pid)) == 1
        looking.send_signal(number)
        assert looking.wait(30) == -number
        until(lambda: not py_spies_on(process.pid))


def py_spies_on(pid: int) -> list[str]:
    """The processes of py-spy that look at `pid`."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().split(b"\0")
        except OSError:  # it has ended
            continue
        if words[0].endswith(b"py-spy") and str(pid).encode() in words:
            found.append(file.parent.name)
    return found


def test_a_second_interrupt_ends_it_without_a_word(tmp_path, capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    with waiting(tmp_path) as process:
        monkeypatch.setattr(Recorder, "wait", interrupted)
        monkeypatch.setattr(Recorder, "stop", interrupted)
        assert main(["attach", str(process.pid), "--seconds", "5"]) == 130
    assert capsys.readouterr() == ("", "")


def test_processes_that_it_has_started_are_looked_into_where_that_is_asked_for(tmp_path, capsys):
    (tmp_path / "child.py").write_text(WAITING)
    program = "import subprocess, sys; subprocess.run([sys.executable, 'child.py'])"
    with running(sys.executable, "-c", program, cwd=tmp_path) as process:
        alone = attach(capsys, process.pid)
        both = attach(capsys, process.pid, "--subprocesses")
        process.communicate("")
    assert "child.py" not in alone
    assert f"MainThread ({process.pid} of process {process.pid}): waiting\n" in both
    assert f"child.py:{WAIT} in wait\n" in both


def test_a_process_that_tracedbg_records_is_said_to_be(tmp_path, capsys):
    (tmp_path / "waiting.py").write_text(WAITING)
    run = tmp_path / "the run"
    command = [sys.executable, TRACEDBG, "run", "--no-tui", "--quiet", "--out", str(run), "waiting.py"]
    with running(*command, cwd=tmp_path) as recorded:
        pid = int(Path(f"/proc/{recorded.pid}/task/{recorded.pid}/children").read_text())
        out = attach(capsys, pid)
        recorded.communicate("")
    words = re.sub(r"\s+", " ", out.partition("\n\n")[0])
    assert f"recorded by tracedbg, which knows more of it: tracedbg view '{run}'" in words
    assert f"waiting.py:{WAIT} in wait" in out


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--rate", "10"], "--rate needs --seconds: stacks as they are now are taken once"),
        (["--seconds", "1", "--rate", "101"], "--rate 101: at most 100, above which py-spy falls behind"),
        (
            ["--seconds", "1", "--rate", "60", "--native"],
            "--rate 60: at most 50 with --native, above which py-spy falls behind",
        ),
        (
            ["--seconds", "nan"],
            "argument --seconds: invalid number of seconds value: 'nan'; see tracedbg attach --help",
        ),
        (
            ["--seconds", "0"],
            "argument --seconds: invalid number of seconds value: '0'; see tracedbg attach --help",
        ),
        (["--json", "/nowhere/x.json"], "--output /nowhere/x.json: there is no folder /nowhere"),
        (
            ["--json", "a.json", "--format", "collapsed"],
            "--json and --format collapsed: name one; --output says where it goes",
        ),
    ],
)
def test_a_wrong_option_is_named_before_anything_is_done(capsys, options, complaint):
    assert main(["attach", str(os.getppid()), *options]) == 2
    assert capsys.readouterr() == ("", f"tracedbg: {complaint}\n")
