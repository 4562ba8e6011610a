"""What takes long says so on a terminal, and leaves nothing behind; elsewhere it says nothing."""

from __future__ import annotations

import io
import threading

import pytest

from tracedbg.cli.progress import working


class Terminal(io.StringIO):
    def __init__(self, is_terminal=True):
        super().__init__()
        self.is_terminal = is_terminal
        self.told = threading.Event()

    def isatty(self):
        return self.is_terminal

    def write(self, text):
        if "reading" in text:
            self.told.set()
        return super().write(text)


def test_a_terminal_is_told_and_its_line_cleared(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    with working("reading trace.json", terminal, 0.001):
        assert terminal.told.wait(10)
    assert terminal.getvalue().startswith("\r\x1b[Ktracedbg: reading trace.json, 0 s")
    assert terminal.getvalue().endswith("\r\x1b[K")


@pytest.mark.parametrize(("is_terminal", "kind"), [(False, "xterm"), (True, "dumb")])
def test_anything_else_is_told_nothing(monkeypatch, is_terminal, kind):
    monkeypatch.setenv("TERM", kind)
    stream = Terminal(is_terminal)
    with working("reading trace.json", stream, 0.001):
        pass
    assert stream.getvalue() == ""
