"""A server in this process, with a made-up program to stop, and clients of it."""

from __future__ import annotations

import socket

import pytest

from dap.made_up import Program
from tracedbg.dap.client import Client, Events
from tracedbg.dap.server import Server
from tracedbg.engine import Engine


class Session:
    """One client with its events."""

    def __init__(self, server):
        ours, theirs = socket.socketpair()
        server.add(theirs, is_trusted=True)
        self.events = Events()
        self.socket = ours
        self.client = Client(ours, self.events)

    def request(self, command, **arguments):
        return self.client.request(command, **arguments)

    def attach(self, **hello):
        self.capabilities = self.request("initialize", adapterID="tracedbg", **hello)
        self.request("attach")
        self.events.wait("initialized")
        return self

    def configure(self):
        self.request("configurationDone")
        return self

    def stopped(self):
        """The body of the next stop."""
        return self.events.wait("stopped")

    def top(self, thread):
        """The innermost frame of a stopped thread."""
        return self.request("stackTrace", threadId=thread, levels=1)["stackFrames"][0]

    def locals(self, thread):
        """The locals of the innermost frame: name -> variable."""
        scopes = self.request("scopes", frameId=self.top(thread)["id"])["scopes"]
        reference = next(one["variablesReference"] for one in scopes if one["name"] == "Locals")
        found = self.request("variables", variablesReference=reference)["variables"]
        return {one["name"]: one for one in found}

    def close(self):
        self.client.close()


@pytest.fixture
def engine():
    return Engine(None)


@pytest.fixture
def server(engine):
    server = Server(engine)
    engine.frontend = server
    server.start()
    yield server
    server.close()


@pytest.fixture
def connect(server):
    """Makes connected clients."""
    sessions = []

    def make():
        sessions.append(Session(server))
        return sessions[-1]

    yield make
    for session in sessions:
        session.close()


@pytest.fixture
def session(connect):
    """An attached client."""
    return connect().attach()


@pytest.fixture
def file(tmp_path):
    """The source of the made-up program."""
    path = tmp_path / "model.py"
    path.write_text("def step(x):\n    x = x * 2\n    x = x + 1\n    return relu(x)\n")
    return str(path)


@pytest.fixture
def program(engine, file):
    """The made-up program, not started."""
    program = Program(engine, file)
    yield program
    if program.ident is not None:
        engine.let_go()
        program.join(10)
        assert not program.is_alive()
