"""`tracedbg run --listen`, `connect` and `view`: what they open, and what they refuse in a line."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from process.compare import TIMEOUT_S, clean_environment
from tracedbg.dap.client import Client
from tracedbg.store.run import create_run
from tui.tmux import Tmux

SMALL = str(Path(__file__).with_name("small_interface.py"))
TRACEDBG = [sys.executable, "-m", "tracedbg"]
WAITING = re.compile(r"^tracedbg: waiting for: tracedbg connect (.*)$", re.MULTILINE)


def tracedbg(folder: Path, *words: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [*TRACEDBG, *words],
        cwd=folder,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )


class Listening:
    """A program that waits for somebody to connect."""

    def __init__(self, folder: Path, program: str, *options: str) -> None:
        (folder / "p.py").write_text(program)
        self.process = subprocess.Popen(
            [*TRACEDBG, "run", "--out", "run", *(options or ["--listen"]), "p.py"],
            cwd=folder,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.socket = WAITING.match(self.process.stderr.readline())[1]
        while not os.path.exists(self.socket):
            assert self.process.poll() is None

    def __enter__(self) -> Listening:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()  # and the program with it
        self.process.communicate(timeout=TIMEOUT_S)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["view"], "no run in {cwd}/.tracedbg yet; make one with tracedbg run SCRIPT"),
        (["view", "gone"], None),
        (["connect"], "the following arguments are required: SOCKET; see tracedbg connect --help"),
        (
            ["connect", "gone"],
            "connect needs a terminal (stdin, stdout and stderr, TERM not dumb); run it in one",
        ),
        (
            ["run", "--listen=open/socket", "p.py"],
            "{cwd}/open is open to other users: a debugger's socket needs a folder of mode 0700",
        ),
        (
            ["run", "--listen=" + "x" * 200, "p.py"],
            "cannot listen at {cwd}/" + "x" * 200 + ": AF_UNIX path too long",
        ),
    ],
)
def test_what_cannot_work_is_refused_in_a_line(tmp_path, words, line):
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "open").chmod(0o755)
    tmp_path.chmod(0o700)
    (tmp_path / "p.py").write_text("open('it ran', 'w')")
    ended = tracedbg(tmp_path, *words)
    assert ended.returncode == 2
    if line is not None:
        assert ended.stderr == f"tracedbg: {line.format(cwd=tmp_path)}\n"
    assert len(ended.stderr.splitlines()) == 1
    assert not (tmp_path / "it ran").exists()


def test_a_run_of_another_schema_is_refused_in_a_line(tmp_path):
    folder = Path(create_run(str(tmp_path / "run"), ["p.py"]).path)
    told = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**told, "schema": 99}))
    ended = tracedbg(tmp_path, "view", "run")
    assert (ended.returncode, ended.stderr) == (
        2,
        "tracedbg: run was written by a newer tracedbg (run.json 99, this one reads up to 1):"
        " upgrade with python -m pip install -U tracedbg\n",
    )


def test_without_a_terminal_the_report_is_named_instead(tmp_path):
    create_run(str(tmp_path / "run"), ["p.py"])
    ended = tracedbg(tmp_path, "view", "run")
    assert ended.stderr == (
        "tracedbg: view needs a terminal (stdin, stdout and stderr, TERM not dumb);"
        " read it with: tracedbg report run\n"
    )


def test_a_program_waits_where_only_its_user_can_reach_it_and_goes_on_when_somebody_has_come(tmp_path):
    with Listening(tmp_path, "print('ran')\nraise SystemExit(3)") as listening:
        folder = Path(listening.socket).parent
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert not (tmp_path / "ran").exists()
        with Client.connect(listening.socket) as client:
            client.request("initialize", adapterID="test")
            client.request("attach")
            client.request("configurationDone")
            out, err = listening.process.communicate(timeout=TIMEOUT_S)
        assert (listening.process.returncode, out) == (3, "ran\n")
        assert "nothing was traced" in err
        assert not folder.exists()


def test_the_socket_can_be_named(tmp_path):
    tmp_path.chmod(0o700)
    with Listening(tmp_path, "print('ran')", "--listen=here") as listening:
        assert listening.socket == str(tmp_path / "here")
        with Client.connect(listening.socket) as client:
            client.request("initialize", adapterID="test")
            client.request("attach")
        assert listening.process.communicate(timeout=TIMEOUT_S)[0] == "ran\n"  # the client has gone
    assert not (tmp_path / "here").exists()


def test_what_follows_listen_is_the_program():
    from tracedbg.cli.parser import Parser
    from tracedbg.cli.run import Run

    parser = Parser(prog="tracedbg run")
    Run().configure(parser)
    args = parser.parse(["--listen", "p.py", "--listen"])
    assert (args.listen, args.program) == ("", ["p.py", "--listen"])
    args = parser.parse(["--listen=/x", "--quiet", "-m", "m"])
    assert (args.listen, args.quiet, args.program) == ("/x", True, ["-m", "m"])
    assert parser.parse(["p.py"]).listen is None


def test_an_interface_that_connects_lets_the_program_go_on_when_it_ends(tmp_path):
    program = "print('begun', flush=True)\nprint(open('go').read())"
    os.mkfifo(tmp_path / "go")
    with Listening(tmp_path, program) as listening, Tmux(str(tmp_path)) as tmux:
        tmux.run(sys.executable, SMALL, "connect", listening.socket)
        tmux.wait_for("The program's output is in its own terminal.")
        assert listening.process.stdout.readline() == "begun\n"
        tmux.press("q")
        tmux.wait_for("rc:0")
        (tmp_path / "go").write_text("on")
        assert listening.process.communicate(timeout=TIMEOUT_S)[0] == "on\n"
        tmux.run(sys.executable, SMALL, "connect", listening.socket)
        screen = tmux.wait_for("rc:2").replace("\n", "")
        assert (
            f"tracedbg: no program waits at {listening.socket}: No such file or directory;"
            " start one with tracedbg run --listen" in screen
        )


def test_a_recorded_run_is_opened_in_a_terminal(tmp_path):
    create_run(str(tmp_path / "run"), ["p.py"])
    with Tmux(str(tmp_path)) as tmux:
        tmux.run(sys.executable, SMALL, "view", "run")
        tmux.wait_for("program=None")
        tmux.press("q")
        tmux.wait_for("rc:0")


@pytest.mark.parametrize("variable", ["TERM=dumb", "CI=1"])
def test_there_is_no_interface_where_nobody_could_see_it(tmp_path, variable):
    (tmp_path / "p.py").write_text("print('ran')")
    with Tmux(str(tmp_path)) as tmux:
        tmux.run("env", variable, sys.executable, SMALL, "run", "p.py")
        screen = tmux.wait_for("rc:0")
        assert screen.startswith("ran\ntracedbg: nothing was traced")


def test_the_process_around_the_interface_loads_no_textual():
    code = (
        "import sys, tracedbg_tui.commands; print({'textual', 'rich', 'pyte', 'asyncio'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
