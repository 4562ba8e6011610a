"""Why a process cannot be looked into: in full, as somebody reads it who wants to."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from live import children_of, running, until, waiting
from tracedbg.attach.process import LiveProcess, Rights
from tracedbg.attach.refusal import why_denied
from tracedbg.cli.main import main
from tracedbg.pyspy import find_py_spy

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
NOBODY = 65534
AS_NOBODY = f"os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})"
ATTACH = f"""\
import codecs, json, os, pwd, subprocess, sys, tempfile
from tracedbg.cli.main import main
import tracedbg.attach.record, tracedbg.attach.refusal, tracedbg.cli.attach, tracedbg.report.live
from tracedbg import plugins
plugins.activity_rules()
codecs.lookup("ascii")
{AS_NOBODY}
sys.exit(main(["attach", sys.argv[1], *sys.argv[2:]]))
"""
CLOSED = f"""\
import os, sys
{AS_NOBODY}
print("ready", flush=True)
sys.stdin.read()
"""
"""A process that changes its user is closed to all but root, until it starts another program."""


@pytest.mark.parametrize(
    ("rights", "text"),
    [
        (
            Rights(ptrace_scope=1),
            "kernel.yama.ptrace_scope is 1, which leaves it to parents and to root:"
            ' sudo env PATH="$PATH" tracedbg attach 7, or sudo sysctl kernel.yama.ptrace_scope=0',
        ),
        (
            Rights(ptrace_scope=2),
            'kernel.yama.ptrace_scope is 2, which leaves it to root: sudo env PATH="$PATH" tracedbg attach 7',
        ),
        (
            Rights(ptrace_scope=3, is_root=True, has_capability=True),
            "kernel.yama.ptrace_scope is 3, which switches it off until the machine is booted with another setting",
        ),
        (
            Rights(is_root=True, in_container=True),
            "this container lacks a capability: start it with `docker run --cap-add SYS_PTRACE`",
        ),
        (
            Rights(in_container=True),
            "this container lacks a capability: start it with `docker run --cap-add SYS_PTRACE`",
        ),
        (Rights(is_root=True), "this root lacks CAP_SYS_PTRACE: use one that has it"),
        (Rights(), 'this user may not: sudo env PATH="$PATH" tracedbg attach 7'),
    ],
)
def test_what_the_machine_forbids_is_named_with_the_way_out(rights, text):
    assert why_denied(rights, LiveProcess(7)) == text


def test_without_a_process_the_way_out_names_none():
    assert why_denied(Rights(ptrace_scope=2)).endswith('sudo env PATH="$PATH" tracedbg attach PID')


def refusal(capsys, *words: str) -> str:
    assert main(["attach", *words]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    return shown.err


@linux
def test_there_is_no_such_process(capsys):
    assert refusal(capsys, "4194305") == "tracedbg: no process has the number 4194305; `ps -ef` lists them\n"


@pytest.mark.parametrize("word", ["0", "-3", "train.py", "1.5"])
def test_what_is_no_number_is_no_process(capsys, word):
    said = refusal(capsys, "--", word)
    assert (
        said
        == f"tracedbg: argument PID: invalid positive number value: '{word}'; see tracedbg attach --help\n"
    )


@linux
def test_it_does_not_look_into_itself(capsys):
    own = os.getpid()
    assert refusal(capsys, str(own)) == f"tracedbg: process {own} is this tracedbg itself; name another\n"


@linux
def test_a_process_that_has_ended_is_said_to_have(capsys):
    with subprocess.Popen(["true"], stdin=subprocess.DEVNULL) as process:
        until(lambda: Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z")
        said = refusal(capsys, str(process.pid))
    expected = f"process {process.pid} has ended, and waits only for its parent to take notice"
    assert said == f"tracedbg: {expected}\n"


@linux
@pytest.mark.parametrize("options", [[], ["--seconds", "1"]])
def test_a_program_that_is_not_python_is_named(capsys, options):
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
        until(lambda: os.readlink(f"/proc/{process.pid}/exe").endswith("cat"))
        said = refusal(capsys, str(process.pid), *options)
        process.communicate(b"")
    expected = f"process {process.pid} (cat) is not Python; `pgrep -af python` lists those that are"
    assert said == f"tracedbg: {expected}\n"


@linux
def test_the_python_that_a_program_has_started_is_pointed_to(capsys, tmp_path):
    (tmp_path / "wait.py").write_text("import sys; print('ready', flush=True); sys.stdin.read()\n")
    command = f"{sys.executable} wait.py; true"
    with running("sh", "-c", command, cwd=tmp_path) as shell:
        (python,) = children_of(shell.pid)
        said = refusal(capsys, str(shell.pid))
        shell.communicate("")
    what = f"{sys.executable} wait.py"[:60]
    expected = f"process {shell.pid} (sh) is not Python; a Python that it has started is: tracedbg attach {python} ({what})"
    assert said == f"tracedbg: {expected}\n"


@contextmanager
def open_to_all():
    """A folder with py-spy that every user may read: where this one was installed may be closed."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        target = Path(folder) / "py-spy"
        target.write_bytes(Path(find_py_spy()).read_bytes())
        target.chmod(0o755)
        yield folder


def attach_as_nobody(pid: int, *options: str) -> subprocess.CompletedProcess:
    with open_to_all() as folder:
        return subprocess.run(
            [sys.executable, "-c", ATTACH, str(pid), *options],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "TMPDIR": "/tmp"},
        )


@linux
@root
def test_another_user_s_process_needs_root(tmp_path):
    with waiting(tmp_path) as process:
        done = attach_as_nobody(process.pid)
    assert done.returncode == 2
    assert done.stderr == (
        f"tracedbg: process {process.pid} belongs to root: looking into it needs root:"
        f' sudo env PATH="$PATH" tracedbg attach {process.pid}\n'
    )


@linux
@root
@pytest.mark.parametrize("options", [[], ["--seconds", "1"]])
def test_a_process_of_ours_that_has_closed_itself_is_refused(options):
    with running(sys.executable, "-c", CLOSED) as process:
        done = attach_as_nobody(process.pid, *options)
    assert done.returncode == 2
    assert done.stderr == (
        f"tracedbg: ptrace of process {process.pid} is not allowed: it has closed itself (it has changed its"
        f' user, or holds secrets): sudo env PATH="$PATH" tracedbg attach {process.pid}\n'
    )


@linux
def test_without_py_spy_the_line_that_installs_it_is_said(capsys, tmp_path, monkeypatch):
    with waiting(tmp_path) as process:
        monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
        monkeypatch.setenv("PATH", str(tmp_path))
        for options in ([], ["--seconds", "1"]):
            assert refusal(capsys, str(process.pid), *options) == (
                "tracedbg: stacks of live processes need py-spy, which is not installed: python -m pip install py-spy\n"
            )
