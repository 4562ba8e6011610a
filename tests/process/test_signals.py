"""Signals: from the terminal, from another process, and the one that the program dies of."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import termios

import pytest

from process.compare import TIMEOUT_S, clean_environment

IN_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""

COUNTS_INTERRUPTS = r"""
import os, signal, sys  # os.write: print in a handler may meet the print that it interrupts
seen = []
def note(number, frame):
    seen.append(number)
    os.write(1, b"interrupt %d\n" % len(seen))
    if len(seen) == 2:
        sys.exit(0)
signal.signal(signal.SIGINT, note)
os.write(1, b"ready\n")
while True:
    signal.pause()
"""

CLEANS_UP = r"""
import os, signal, sys
def end(number, frame):
    os.write(1, b"cleaning up after %d\n" % number)
    sys.exit(11)
for name in sys.argv[1:]:
    signal.signal(getattr(signal, name), end)
os.write(1, b"ready\n")
while True:
    signal.pause()
"""

WAITS = "import signal\nprint('ready', flush=True)\nsignal.pause()\n"


class Started:
    """A program that has said that it is ready."""

    def __init__(self, process: subprocess.Popen, stdout) -> None:
        self.process = process
        self.stdout = stdout
        self.wait_for(b"ready")

    def wait_for(self, word: bytes) -> None:
        while word not in (line := self.stdout.readline()):
            assert line, "it has ended"

    def end(self) -> tuple[int, bytes]:
        with self.stdout:
            rest = self.stdout.read()
        return self.process.wait(TIMEOUT_S), rest


def both(lab, *program: str):
    yield lab.plain_command(list(program), [])
    yield lab.traced_command(list(program), [], ["--quiet"])[0]


def start(lab, command: list[str]) -> Started:
    process = subprocess.Popen(
        command,
        cwd=lab.folder,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    return Started(process, process.stdout)


def start_in_terminal(lab, command: list[str]) -> tuple[Started, int]:
    """The program with a terminal of its own; what is written to the descriptor is typed."""
    ours, theirs = os.openpty()
    attributes = termios.tcgetattr(theirs)
    attributes[3] &= ~termios.ECHO
    termios.tcsetattr(theirs, termios.TCSANOW, attributes)
    process = subprocess.Popen(
        [sys.executable, "-c", IN_TERMINAL, *command],
        cwd=lab.folder,
        env=clean_environment(),
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(theirs)
    return Started(process, process.stdout), ours


def test_one_ctrl_c_ends_a_program_as_it_would_alone(lab):
    lab.write("p.py", WAITS)
    seen = []
    for command in both(lab, "p.py"):
        started, keyboard = start_in_terminal(lab, command)
        os.write(keyboard, b"\x03")
        seen.append(started.end())
        os.close(keyboard)
    assert seen == [(-signal.SIGINT, b"")] * 2


def test_each_ctrl_c_reaches_the_program_once(lab):
    lab.write("p.py", COUNTS_INTERRUPTS)
    seen = []
    for command in both(lab, "p.py"):
        started, keyboard = start_in_terminal(lab, command)
        os.write(keyboard, b"\x03")
        started.wait_for(b"interrupt 1")
        os.write(keyboard, b"\x03")
        seen.append(started.end())
        os.close(keyboard)
    assert seen == [(0, b"interrupt 2\n")] * 2


def test_quit_from_the_keyboard_reaches_the_program_once(lab):
    lab.write("p.py", CLEANS_UP)
    for command in both(lab, "p.py", "SIGQUIT"):
        started, keyboard = start_in_terminal(lab, command)
        os.write(keyboard, b"\x1c")
        assert started.end() == (11, b"cleaning up after 3\n")
        os.close(keyboard)


def test_a_terminal_that_vanishes_hangs_up_the_program(lab):
    lab.write("p.py", CLEANS_UP)
    for command in both(lab, "p.py", "SIGHUP"):
        started, keyboard = start_in_terminal(lab, command)
        os.close(keyboard)
        assert started.end() == (11, b"cleaning up after 1\n")


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGQUIT"])
def test_a_signal_to_us_is_passed_on(lab, name):
    lab.write("p.py", CLEANS_UP)
    number = getattr(signal, name)
    for command in both(lab, "p.py", name):
        started = start(lab, command)
        started.process.send_signal(number)
        assert started.end() == (11, f"cleaning up after {number.value}\n".encode())


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1"])
def test_we_die_by_the_signal_that_the_program_died_by(lab, name):
    lab.write("p.py", WAITS)
    number = getattr(signal, name)
    for command in both(lab, "p.py"):
        started = start(lab, command)
        started.process.send_signal(number)
        assert started.end() == (-number, b"")


COUNTS_UNTIL_IT_ENDS = r"""
import atexit, os, signal, sys, time
seen = []
def note(number, frame):
    is_first = not seen
    seen.append(number)
    os.write(1, b"noted\n")
    if is_first:
        sys.exit(0)
signal.signal(signal.SIGTERM, note)
atexit.register(lambda: os.write(1, b"seen %d\n" % len(seen)))
atexit.register(time.sleep, 0.01)  # cleaning up
time.sleep(0.3)  # until nobody is starting up: signals that come at once count as one
os.write(1, b"ready\n")
while True:
    signal.pause()
"""


def test_a_signal_to_the_whole_group_is_not_sent_again_to_a_program_that_ends(lab):
    lab.write("p.py", COUNTS_UNTIL_IT_ENDS)
    for command in both(lab, "p.py"):
        started = start(lab, command)
        os.killpg(started.process.pid, signal.SIGTERM)
        assert started.end() == (0, b"noted\nseen 1\n")


def test_a_program_that_is_killed_from_outside_is_reported(lab):
    lab.write("p.py", "import os, signal\nprint('ready', os.getpid(), flush=True)\nsignal.pause()\n")
    command, out = lab.traced_command(["p.py"], [], [])
    process = subprocess.Popen(
        command, cwd=lab.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment()
    )
    pid = int(process.stdout.readline().split()[1])
    os.kill(pid, signal.SIGKILL)
    _, stderr = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == -signal.SIGKILL
    assert b"nothing was traced" in stderr
    assert '"exit_code": 137' in (out / "run.json").read_text()


def test_our_own_death_leaves_no_core(lab):
    lab.write(
        "p.py",
        "import os, resource, signal\nresource.setrlimit(resource.RLIMIT_CORE, (0, 0))\nos.kill(os.getpid(), signal.SIGABRT)\n",
    )
    command, _ = lab.traced_command(["p.py"], [], [])
    ended = subprocess.run(
        ["sh", "-c", 'ulimit -c unlimited 2>/dev/null; "$@"; echo $?', "sh", *command],
        cwd=lab.folder,
        capture_output=True,
        check=False,
    )
    assert ended.stdout == b"134\n"
    assert not [name for name in os.listdir(lab.folder) if "core" in name]


def test_a_stopped_run_continues(lab):
    lab.write("p.py", CLEANS_UP)
    started, keyboard = start_in_terminal(lab, list(both(lab, "p.py", "SIGTERM"))[1])
    os.killpg(started.process.pid, signal.SIGSTOP)
    _, status = os.waitpid(started.process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    os.killpg(started.process.pid, signal.SIGCONT)
    started.process.send_signal(signal.SIGTERM)
    assert started.end()[0] == 11
    os.close(keyboard)
