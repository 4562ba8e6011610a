"""The console pane on a real terminal's other end: reading, typing, scrolling, and whose keys are whose."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable

import pytest
from textual.app import App
from textual.binding import Binding
from textual.widgets import Input

from tracedbg_tui.console import Console
from tracedbg_tui.contract import Ended, ProgramEnded

PATIENCE_S = 10.0


class Program:
    """A program whose terminal is in the hands of the test."""

    title = "p.py"
    folder = ""
    connection = None
    pid = None

    def __init__(self) -> None:
        ours, self.inside = socket.socketpair()
        self._ours = ours
        self.terminal: int | None = ours.fileno()
        self.ended: Ended | None = None
        self.sizes: list[tuple[int, int]] = []
        self.signals: list[int] = []

    def resize(self, rows: int, columns: int) -> None:
        self.sizes.append((rows, columns))

    def signal(self, number: int) -> None:
        self.signals.append(number)

    def typed(self) -> bytes:
        self.inside.setblocking(False)
        try:
            return self.inside.recv(1 << 16)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        self.inside.close()
        self._ours.close()


class Small(App):
    BINDINGS = [Binding("c", "count"), Binding("f5", "count")]
    CSS = "Console { height: 10; }"

    def __init__(self, program) -> None:
        super().__init__()
        self.program = program
        self.count = 0
        self.ends: list[Ended] = []

    def compose(self):
        yield Console(self.program)
        yield Input()

    def action_count(self) -> None:
        self.count += 1

    def on_program_ended(self, message: ProgramEnded) -> None:
        self.ends.append(message.ended)

    @property
    def console_pane(self) -> Console:
        return self.query_one(Console)


@pytest.fixture
def program():
    one = Program()
    yield one
    one.close()


async def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def shown(app: Small) -> list[str]:
    pane = app.console_pane
    return [pane.render_line(y).text.rstrip() for y in range(pane.size.height)]


def drive(test):
    """Run an asynchronous test: the project needs no plugin for so few."""

    def run(*arguments, **named):
        asyncio.run(test(*arguments, **named))

    run.__name__ = test.__name__
    run.__signature__ = __import__("inspect").signature(test)
    return run


@drive
async def test_output_is_shown_and_its_end_followed(program):
    app = Small(program)
    async with app.run_test(size=(40, 20)):
        for n in range(30):
            program.inside.send(b"line %d\r\n" % n)
        await until(lambda: "line 29" in shown(app))
        assert shown(app)[-2:] == ["line 29", ""]


@drive
async def test_who_has_scrolled_up_stays_there(program):
    app = Small(program)
    async with app.run_test(size=(40, 20)) as pilot:
        program.inside.send(b"".join(b"line %d\r\n" % n for n in range(100)))
        await until(lambda: "line 99" in shown(app))
        app.console_pane.scroll_to(y=20, animate=False, immediate=True)
        before = shown(app)
        assert before[0] == "line 20"
        program.inside.send(b"more\r\n" * 50)
        await until(lambda: app.console_pane.text.count("more") == 50)
        assert shown(app) == before
        app.console_pane.focus()
        await pilot.press("x")  # who types wants to see it
        assert shown(app)[-2] == "more"


@drive
async def test_a_flood_ends_with_its_last_line(program):
    app = Small(program)
    async with app.run_test(size=(40, 20)):
        lines = 120_000

        def flood() -> None:
            for n in range(0, lines, 1000):
                program.inside.sendall(b"".join(b"line %d\r\n" % at for at in range(n, n + 1000)))

        await asyncio.to_thread(flood)
        await until(lambda: f"line {lines - 1}" in shown(app))


@drive
async def test_keys_go_to_the_program_while_its_pane_has_the_focus(program):
    app = Small(program)
    async with app.run_test(size=(40, 20)) as pilot:
        app.console_pane.focus()
        await pilot.press("c", "Q", "1", "enter", "backspace", "up", "ctrl+c", "ctrl+d", "é")
        assert app.count == 0
        assert program.typed() == "cQ1\r\x7f\x1b[A\x03\x04é".encode()
        await pilot.press("f5")
        assert app.count == 1


@drive
async def test_cursor_keys_take_the_form_that_the_program_has_asked_for(program):
    app = Small(program)
    async with app.run_test(size=(40, 20)) as pilot:
        app.console_pane.focus()
        program.inside.send(b"\x1b[?1hkeys")
        await until(lambda: "keys" in shown(app)[0])
        await pilot.press("up", "home")
        assert program.typed() == b"\x1bOA\x1bOH"


@drive
async def test_keys_are_the_interfaces_again_when_the_program_has_ended(program):
    app = Small(program)
    async with app.run_test(size=(40, 20)) as pilot:
        app.console_pane.focus()
        program.inside.send(b"last words")
        program.ended = Ended(0, None)
        await until(lambda: bool(app.ends))
        assert app.ends == [Ended(0, None)]
        assert "last words" in shown(app)
        await pilot.press("c")
        assert app.count == 1
        assert program.typed() == b""


@drive
async def test_tab_leaves_the_pane(program):
    app = Small(program)
    async with app.run_test(size=(40, 20)) as pilot:
        app.console_pane.focus()
        await pilot.press("tab")
        assert isinstance(app.focused, Input)
        assert program.typed() == b""


@drive
async def test_the_program_is_told_the_size_of_the_pane(program):
    app = Small(program)
    async with app.run_test(size=(40, 20)) as pilot:
        await until(lambda: bool(program.sizes))
        assert program.sizes[-1] == (10, 39)
        await pilot.resize_terminal(60, 20)
        await until(lambda: program.sizes[-1] == (10, 59))


@drive
async def test_what_is_typed_and_not_read_waits(program):
    app = Small(program)
    async with app.run_test(size=(40, 20)):
        text = "x" * 1_000_000
        app.console_pane._type(text.encode())
        read = bytearray()
        while len(read) < len(text):
            read += program.typed()
            await asyncio.sleep(0)
        assert bytes(read) == text.encode()


@drive
async def test_without_a_terminal_the_pane_says_where_the_output_is(program):
    program.terminal = None
    app = Small(program)
    async with app.run_test(size=(50, 20)) as pilot:
        assert shown(app)[0] == "The program's output is in its own terminal."
        app.console_pane.focus()
        await pilot.press("c")
        assert app.count == 1


@drive
async def test_without_a_program_there_is_nothing(program):
    app = Small(None)
    async with app.run_test(size=(50, 20)):
        assert set(shown(app)) == {""}


@drive
async def test_a_real_terminal_turns_ctrl_c_into_the_signal(program):
    """A control for the tests above: what they take to be Ctrl-C is that for a terminal."""
    ours, theirs = os.openpty()
    pid = os.fork()
    if not pid:
        os.setsid()
        import fcntl
        import termios

        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGINT, lambda *_: os._exit(7))
        os.write(theirs, b"ready")
        signal.pause()
        os._exit(1)
    program.terminal = ours
    app = Small(program)
    async with app.run_test(size=(40, 20)) as pilot:
        await until(lambda: "ready" in shown(app))
        app.console_pane.focus()
        await pilot.press("ctrl+c")
        _, status = await asyncio.to_thread(os.waitpid, pid, 0)
        assert os.waitstatus_to_exitcode(status) == 7
    os.close(ours)
    os.close(theirs)
