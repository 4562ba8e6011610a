"""A server in this process with a made-up program: what screens see of it is real, and takes no time."""

from __future__ import annotations

import socket
import threading

import pytest

from dap.made_up import Point, Program
from tracedbg.dap.server import Server
from tracedbg.engine import Engine


class Held(Program):
    """The made-up program, which waits as real ones do until its debugger is told to begin."""

    def __init__(self, server, file, turns=1, event=""):
        super().__init__(server.engine, file, turns)
        self.server, self.event = server, event

    def run(self):
        self.server.wait_until_configured()
        if self.event:
            self.engine.happened("retrace", Point(self.file, 1, self.locals), self.event)
        super().run()
        self.server.close()


class Silent:
    """The other end of a connection at which nobody answers."""

    def __init__(self):
        self.ours, self.theirs = socket.socketpair()

    def close(self):
        self.theirs.close()


@pytest.fixture
def file(tmp_path):
    """The source of the made-up program."""
    path = tmp_path / "model.py"
    path.write_text("def step(x):\n    x = x * 2\n    x = x + 1\n    return relu(x)\n")
    return str(path)


@pytest.fixture
def held(file):
    """Makes the made-up program: (it, a connection to its debugger)."""
    made = []

    def make(turns=1, event=""):
        server = Server(Engine(None))
        server.engine.frontend = server
        server.holds_program = True
        server.start()
        ours, theirs = socket.socketpair()
        server.add(theirs, is_trusted=True)
        program = Held(server, file, turns, event)
        program.start()
        made.append((server, program))
        return program, ours

    yield make
    for server, program in made:
        program.is_to_end = True
        server.configured()
        server.engine.let_go()
        program.join(10)
        server.close()
        assert not program.is_alive()
        assert program.error is None
    assert [one.name for one in threading.enumerate() if one.name.startswith("tracedbg")] == []
