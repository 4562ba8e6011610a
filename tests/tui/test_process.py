"""The process between a terminal, the interface and the program: what each of them does to the others.

In a real terminal, with an interface as small as can be; the program's end, its terminal and its signals.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from pathlib import Path

import pytest

from tui.tmux import Tmux, is_there, wait_until_gone

pytestmark = pytest.mark.serial  # a terminal of real processes, each with its own time
SMALL = str(Path(__file__).with_name("small_interface.py"))
NOTHING = "tracedbg: nothing was traced: the program imported neither torch nor tensorflow"
WAITS = "import signal\nprint('waits', flush=True)\nsignal.pause()\n"


class Started:
    """`tracedbg run` in a terminal, with the small interface."""

    def __init__(self, tmux: Tmux, folder: Path) -> None:
        self.tmux = tmux
        self.folder = folder

    def run(self, program: str, *options: str, until: str | None = None) -> str:
        (self.folder / "p.py").write_text(program)
        self.tmux.run(sys.executable, SMALL, "run", "--out", "run", *options, "p.py")
        return self.tmux.wait_for(until) if until is not None else ""

    @property
    def pids(self) -> tuple[int, int]:
        """Of the interface and of the program."""
        found = re.search(r"pid=(\d+) program=(\d+)", self.tmux.wait_for("program="))
        return int(found[1]), int(found[2])

    @property
    def supervisor(self) -> int:
        return int(Path(f"/proc/{self.pids[0]}/stat").read_text().rpartition(")")[2].split()[1])

    def recorded(self) -> dict[str, object]:
        return json.loads((self.folder / "run" / "run.json").read_text())

    def ended(self) -> str:
        """What the terminal shows when all is over; it is in order."""
        screen = self.tmux.wait_until(
            lambda screen: bool(re.search(r"^rc:\d", screen, re.MULTILINE)), "the end"
        )
        self.check_terminal()
        return screen

    def check_terminal(self) -> None:
        """It is as the shell needs it."""
        assert not self.tmux.is_alternate
        assert not self.tmux.has_mouse
        self.tmux.run("stty", "-a")
        assert " echo " in self.tmux.wait_for(" icanon")


@pytest.fixture
def started(tmp_path):
    with Tmux(str(tmp_path)) as tmux:
        yield Started(tmux, tmp_path)


# --- the program's end --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("program", "shown", "code"),
    [
        ("print('hi')", "Ended(exit_code=0, signal=None)", 0),
        ("raise SystemExit(7)", "Ended(exit_code=7, signal=None)", 7),
        ("import no_such_module", "No module named 'no_such_module'", 1),
        ("import os; os.kill(os.getpid(), 9)", "Ended(exit_code=137, signal=9)", 137),
        ("import ctypes; ctypes.string_at(0)", "Ended(exit_code=139, signal=11)", 139),
    ],
)
def test_the_interface_stays_when_the_program_has_ended_and_then_its_end_is_ours(
    started, program, shown, code
):
    started.run(program, until=shown)
    started.tmux.wait_for("Ended(")
    assert started.recorded()["exit_code"] == code
    started.tmux.press("q")
    assert f"rc:{code}\n" in started.ended()


def test_the_report_follows_the_interface_unless_it_is_not_wanted(started):
    started.run("print('hi')", until="Ended(")
    started.tmux.press("q")
    assert NOTHING in started.ended()
    (started.folder / "run").rename(started.folder / "first")
    started.run("print('hi')", "--quiet", until="Ended(")
    started.tmux.press("q")
    assert "tracedbg" not in started.ended()


def test_a_python_that_cannot_be_started_is_told_in_a_line(started):
    (started.folder / "python").write_bytes(b"\x7fELF nothing")
    (started.folder / "python").chmod(0o755)
    started.run("", "--python", "./python")
    path = "./python"
    assert f"tracedbg: cannot start {path}: Exec format error" in started.ended()


def test_what_the_program_has_left_behind_goes_on(started):
    started.run(
        "import os, time\nif os.fork() == 0:\n    open('left','w').write(str(os.getpid())); time.sleep(60)\n",
        until="Ended(",
    )
    left = int((started.folder / "left").read_text())
    started.tmux.press("q")
    started.ended()
    assert is_there(left)
    os.kill(left, signal.SIGKILL)


# --- its terminal -------------------------------------------------------------------------------------------


def test_the_program_has_a_terminal_of_the_size_of_its_pane(started):
    screen = started.run(
        "import os, sys\nprint(os.get_terminal_size(), sys.stdin.isatty(), os.environ.get('COLUMNS'))",
        until=" None",
    )
    assert "os.terminal_size(columns=99, lines=29) True None" in screen


def test_the_program_hears_that_its_pane_has_another_size(started):
    started.run(
        "import os, signal\ndef say(*_):\n    print(os.get_terminal_size(), flush=True)\n"
        "signal.signal(signal.SIGWINCH, say)\nprint('waits', flush=True)\nwhile True:\n    signal.pause()\n",
        until="waits",
    )
    started.tmux.resize(60, 20)
    started.tmux.wait_for("os.terminal_size(columns=59, lines=19)")


def test_what_is_typed_reaches_input(started):
    started.run("name = input('name? ')\nprint('hello', name)", until="name?")
    started.tmux.type("qué")
    started.tmux.press("BSpace", "Enter")
    started.tmux.wait_for("hello qu\n")
    started.tmux.wait_for("Ended(exit_code=0")


def test_ctrl_c_interrupts_the_program_and_what_it_has_started(started):
    started.run(
        "import signal, subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; print(flush=True); time.sleep(60)'], stdout=-1, stderr=-3)\n"
        "child.stdout.readline()  # an interpreter that starts takes an interrupt for an error\n"
        "print('waits', flush=True)\ntry:\n    signal.pause()  # Popen.wait may lose the child's end when it is interrupted\nexcept KeyboardInterrupt:\n    print('child', child.wait())\n    raise SystemExit(5)\n",
        until="waits",
    )
    started.tmux.press("C-c")
    started.tmux.wait_for("child -2")
    started.tmux.wait_for("Ended(exit_code=5")


def test_colours_and_bars_look_as_in_a_terminal(started):
    screen = started.run(
        "print('\\033[31mred\\033[0m')\nfor n in range(0, 101, 20):\n    print(f'\\r{n:3}% ' + '#' * (n // 20), end='', flush=True)\nprint()",
        until="Ended(",
    )
    assert "red\n100% #####\n" in screen


# --- the end of the interface ------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL, signal.SIGSEGV])
def test_a_killed_interface_leaves_the_terminal_in_order_and_the_program_at_work(started, number):
    started.run("print('hello', input('name? '))\nraise SystemExit(4)", until="name?")
    view, program = started.pids
    os.kill(view, number)
    name = signal.Signals(number).name
    # Python's own report of the signal is in the file, where there is one.
    screen = started.tmux.wait_for("the program goes on, and this is its output")
    assert f"tracedbg: the interface has ended by {name}" in screen
    assert is_there(program)
    started.tmux.type("you")
    started.tmux.press("Enter")
    started.tmux.wait_for("hello you")
    screen = started.ended()
    assert "rc:4" in screen
    assert started.recorded()["exit_code"] == 4


def test_a_fault_of_the_interface_leaves_the_program_at_work(started):
    started.run("input('name?')\nraise SystemExit(4)", until="name?")
    started.tmux.press("F8")
    started.tmux.wait_for(
        "the interface has ended by exit code 1; the program goes on, and this is its output"
    )
    started.tmux.press("Enter")
    assert "rc:4" in started.ended()


def test_an_interface_that_fails_at_once_is_told_in_a_line_and_the_program_runs(started):
    (started.folder / "p.py").write_text("print('ran')\nraise SystemExit(4)")
    started.tmux.run("env", "SMALL_FAILS=1", sys.executable, SMALL, "run", "--out", "run", "p.py")
    screen = started.ended()
    log = started.folder / "run" / "interface.log"
    told = f"tracedbg: the interface has ended by exit code 1 (see {log}); the program goes on, and this is its output"
    assert screen.replace("\n", "").replace(" ", "").startswith(f"{told}ran".replace(" ", ""))
    assert "rc:4" in screen
    assert "RuntimeError: a fault of ours, at once" in log.read_text()


def test_ctrl_c_reaches_the_program_when_the_interface_is_gone(started):
    started.run(
        WAITS.replace(
            "signal.pause()",
            "try:\n    signal.pause()\nexcept KeyboardInterrupt:\n    print('stopped'); raise SystemExit(3)",
        ),
        until="waits",
    )
    os.kill(started.pids[0], signal.SIGKILL)
    started.tmux.wait_for("goes on")
    started.tmux.press("C-c")
    screen = started.ended()
    assert "stopped" in screen
    assert "rc:3" in screen


def test_the_interface_can_end_the_program(started):
    started.run(WAITS, until="waits")
    view, program = started.pids
    started.tmux.press("F7")
    assert "rc:143" in started.ended()
    wait_until_gone(view, program)


def test_a_program_that_does_not_want_to_end_is_killed(started):
    started.run(
        "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        + WAITS.replace("signal.pause()", "while True:\n    signal.pause()"),
        until="waits",
    )
    started.tmux.press("F7")
    assert "rc:137" in started.ended()


def test_the_interface_can_leave_the_program_running(started):
    started.run("print('hello', input('name? '))", until="name?")
    started.tmux.press("F6")
    started.tmux.wait_until(lambda _: not started.tmux.is_alternate)
    started.tmux.type("you")
    started.tmux.press("Enter")
    started.tmux.wait_for("hello you")
    assert "rc:0" in started.ended()


# --- the end of the others --------------------------------------------------------------------------------


def test_a_signal_to_us_is_for_the_program_and_ends_all(started):
    started.run(WAITS, until="waits")
    view, program = started.pids
    os.kill(started.supervisor, signal.SIGTERM)
    assert "rc:143" in started.ended()
    wait_until_gone(view, program)


def test_a_signal_of_the_users_is_for_the_program_alone(started):
    started.run(
        "import signal\nsignal.signal(signal.SIGUSR1, lambda *_: print('noted', flush=True))\n"
        + WAITS.replace("signal.pause()", "while True:\n    signal.pause()"),
        until="waits",
    )
    os.kill(started.supervisor, signal.SIGUSR1)
    started.tmux.wait_for("noted")
    started.tmux.wait_for("program=")
    started.tmux.press("C-c")
    started.tmux.wait_for("Ended(")


def test_a_killed_supervisor_takes_all_with_it(started):
    started.run(WAITS, until="waits")
    view, program = started.pids
    os.kill(started.supervisor, signal.SIGKILL)
    wait_until_gone(view, program)
    started.check_terminal()  # the shell has spoken by now, perhaps while the screen was still the interface's


def test_a_vanished_terminal_ends_all(started):
    started.run(
        "import os, signal\ndef end(*_):\n    open('hung up', 'w').write('yes'); os._exit(6)\nsignal.signal(signal.SIGHUP, end)\n"
        + WAITS,
        until="waits",
    )
    view, program = started.pids
    supervisor = started.supervisor
    started.tmux.vanish()
    wait_until_gone(view, program, supervisor)
    assert (started.folder / "hung up").read_text() == "yes"
    assert started.recorded()["exit_code"] == 6


def test_an_interface_that_hangs_does_not_hold_up_the_program(started):
    started.run(
        "input('go?')\nfor n in range(200_000): print('line', n)\nopen('done', 'w').close()\n", until="go?"
    )
    started.tmux.press("Enter", "F5")  # it hangs until the program is done
    started.tmux.wait_for("Ended(exit_code=0")
    started.tmux.wait_for("line 199999")


def test_a_suspended_interface_gives_the_terminal_back_until_it_is_woken(started):
    started.run("print('hello', input('name?'))", until="name?")
    os.kill(started.pids[0], signal.SIGTSTP)
    started.tmux.wait_for("Stopped")
    assert not started.tmux.is_alternate
    started.tmux.type("fg")
    started.tmux.press("Enter")
    started.tmux.wait_for("program=")
    started.tmux.type("you")
    started.tmux.press("Enter")
    started.tmux.wait_for("Ended(exit_code=0")
    assert "hello you" in started.tmux.screen()
    started.tmux.press("q")
    started.ended()
