"""A server in this process, with a made-up program to stop, and clients of it."""

from __future__ import annotations

import socket

import pytest

from dap.made_up import Program
from dap.process import PATIENCE_S, start_adapter
from dap.schema import problem
from tracedbg.dap.client import Client, Events
from tracedbg.dap.server import Server
from tracedbg.engine import Engine


class Checked(Client):
    """A client that holds all that it is sent to the protocol's schema."""

    def __init__(self, connection, on_event):
        self.problems = []
        super().__init__(connection, on_event)

    def _take(self, message):
        if found := problem(message):
            self.problems.append(found)
        super()._take(message)


class Session:
    """One client with its events."""

    def __init__(self, connection):
        self.events = Events()
        self.socket = connection
        self.client = Checked(connection, self.events)

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
        assert self.client.problems == []


def in_process(server, *, is_trusted=True):
    """A client of a server in this process."""
    ours, theirs = socket.socketpair()
    server.add(theirs, is_trusted=is_trusted)
    return Session(ours)


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

    def make(**options):
        sessions.append(in_process(server, **options))
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


class Adapted(Session):
    """An editor, as it sees the adapter."""

    def __init__(self, folder):
        self.folder = folder
        self.process, connection = start_adapter(folder)
        super().__init__(connection)
        self.hello = self.request("initialize", adapterID="tracedbg", supportsRunInTerminalRequest=True)

    def launch(self, program, *, stops=(), **options):
        """Launch, set breakpoints at the lines of the program, and have it begin."""
        answer = self.client.send("launch", program=str(program), cwd=str(self.folder), **options)
        self.events.wait("initialized")
        answer.result(10)
        self.set(program, *stops)
        self.configure()
        return self

    def set(self, program, *lines):
        wanted = [one if isinstance(one, dict) else {"line": one} for one in lines]
        found = self.request("setBreakpoints", source={"path": str(program)}, breakpoints=wanted)
        return found["breakpoints"]

    def stopped(self):
        return self.events.wait("stopped", PATIENCE_S)

    def exit_code(self):
        """How the program has ended, when it has."""
        code = self.events.wait("exited", PATIENCE_S)["exitCode"]
        self.events.wait("terminated")
        return code

    def output(self, category="stdout"):
        """All that was said until now."""
        texts = [
            body["output"]
            for name, body in self.events.seen
            if (name, body.get("category")) == ("output", category)
        ]
        return "".join(texts)

    def close(self):
        super().close()
        assert self.process.wait(PATIENCE_S) == 0


@pytest.fixture
def adapted(tmp_path):
    """Makes editors, each with an adapter."""
    made = []

    def make():
        made.append(Adapted(tmp_path))
        return made[-1]

    yield make
    for one in made:
        one.close()
