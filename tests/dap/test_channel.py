"""Who may connect, and what becomes of the program when a client does not behave: it goes on."""

from __future__ import annotations

import os
import random
import signal
import socket
import stat
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

from dap.made_up import Program
from tracedbg.dap import commands
from tracedbg.dap.client import Client, ClientError, ClosedError
from tracedbg.dap.security import is_token, split_address
from tracedbg.dap.serve import serve
from tracedbg.dap.wire import encode
from tracedbg.engine import Engine
from tracedbg.errors import UsageError

NOWHERE = {"socket": "", "descriptor": None, "listen": "", "token": "", "wait": False}


@pytest.fixture
def serving():
    """Starts servers as a process is told to."""
    servers = []

    def start(engine=None, **options):
        servers.append(serve(engine or Engine(None), SimpleNamespace(**{**NOWHERE, **options})))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


# --- who may connect --------------------------------------------------------------------------


def test_the_socket_is_in_a_folder_that_is_the_users_alone(serving, tmp_path):
    path = tmp_path / "private" / "dap"
    server = serving(socket=str(path))
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with Client.connect(str(path)) as client:
        assert client.request("initialize")["supportsConfigurationDoneRequest"] is True
    server.close()
    assert not path.exists()


def test_a_folder_that_is_open_to_others_is_refused(serving, tmp_path):
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    with pytest.raises(UsageError) as raised:
        serving(socket=str(folder / "dap"))
    assert (
        str(raised.value)
        == f"{folder} is open to other users: a debugger's socket needs a folder of mode 0700"
    )


def test_what_a_killed_process_has_left_behind_is_no_obstacle(serving, tmp_path):
    path = tmp_path / "private" / "dap"
    path.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    serving(socket=str(path))
    with pytest.raises(UsageError, match=rf"^cannot listen at {path}: Address already in use$"):
        serving(socket=str(path))


def test_a_file_that_is_no_socket_is_left_as_it_is(serving, tmp_path):
    tmp_path.chmod(0o700)
    path = tmp_path / "notes.txt"
    path.write_text("mine")
    with pytest.raises(UsageError, match=rf"^cannot listen at {path}: Address already in use$"):
        serving(socket=str(path))
    assert path.read_text() == "mine"
    assert os.listdir(tmp_path) == ["notes.txt"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_another_user_is_turned_away_even_where_the_folder_lets_them_in(serving, tmp_path):
    path = tmp_path / "private" / "dap"
    serving(socket=str(path))
    for folder in (path.parent, *path.parents[:-1]):
        if str(folder) not in ("/", "/tmp"):
            folder.chmod(0o711)
    path.chmod(0o666)
    code = f"""
import os, socket
os.setgid(65534); os.setuid(65534)
one = socket.socket(socket.AF_UNIX)
one.connect({str(path)!r})
print("connected, then", one.recv(1))
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr) == ("connected, then b''\n", "")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_another_user_cannot_even_find_the_socket(serving, tmp_path):
    path = tmp_path / "private" / "dap"
    serving(socket=str(path))
    code = f"""
import os, socket
os.setgid(65534); os.setuid(65534)
try:
    socket.socket(socket.AF_UNIX).connect({str(path)!r})
except PermissionError:
    print("refused")
"""
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stdout
        == "refused\n"
    )


def test_a_port_needs_a_token():
    with pytest.raises(UsageError) as raised:
        serve(Engine(None), SimpleNamespace(**{**NOWHERE, "listen": "127.0.0.1:0"}))
    assert str(raised.value) == (
        "--listen 127.0.0.1:0 needs a token: whoever reaches the port could run code as you"
    )


@pytest.mark.parametrize("text", ["x", "1.2.3.4", "a:b", "a:70000", "a:-1"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(UsageError, match=rf"^'{text}' is no address such as 127.0.0.1:5678$"):
        split_address(text)


def test_tokens_are_compared_whole_and_an_empty_one_is_none():
    assert is_token("secret", "secret")
    assert not is_token("secre", "secret")
    assert not is_token("", "")
    assert not is_token("\ud800", "secret")


def test_without_the_token_nothing_is_answered(connect, server):
    server.token = "secret"
    session = connect(is_trusted=False)
    session.request("initialize", adapterID="x")
    with pytest.raises(ClientError, match=r"^'threads' before an 'attach' with the token$"):
        session.request("threads")
    with pytest.raises(ClientError, match=r"^the token is missing or wrong$"):
        session.request("attach", token="wrong")
    with pytest.raises(ClosedError):
        session.request("attach", token="secret")


@pytest.mark.parametrize("where", ["initialize", "attach"])
def test_the_token_may_be_given_in_either_request(connect, server, where):
    server.token = "secret"
    session = connect(is_trusted=False)
    session.request("initialize", adapterID="x", **({"token": "secret"} if where == "initialize" else {}))
    session.request("attach", **({"token": "secret"} if where == "attach" else {}))
    assert session.request("threads")["threads"]


def test_a_client_over_a_network(serving):
    server = serving(listen="127.0.0.1:0", token="secret")
    (listener,) = server._service._admits
    host, port = listener.getsockname()
    with Client.connect(f"{host}:{port}") as client:
        client.request("initialize")
        client.request("attach", token="secret")
        assert client.request("threads")["threads"]


# --- clients that vanish, and programs that fork --------------------------------------------------


def test_a_stopped_program_goes_on_when_its_only_client_vanishes(session, program, engine, file):
    session.request("setBreakpoints", source={"path": file}, breakpoints=[{"line": 2}])
    program.start()
    session.stopped()
    session.client.close()
    program.join(10)
    assert program.locals["total"] == 3
    assert engine.breakpoints.all == ()


def test_a_stopped_program_waits_for_the_clients_that_are_left(session, connect, program, file):
    other = connect().attach()
    other.request("setBreakpoints", source={"path": file}, breakpoints=[{"line": 2}])
    session.request("setBreakpoints", source={"path": file}, breakpoints=[{"line": 4}])
    program.start()
    thread = other.stopped()["threadId"]
    session.client.close()
    assert other.top(thread)["line"] == 2
    other.request("continue", threadId=thread)
    program.join(10)
    assert program.locals["total"] == 3


def test_a_program_that_waits_for_its_client_begins_when_that_vanishes(serving):
    ours, theirs = socket.socketpair()
    ours.sendall(encode({"seq": 1, "type": "request", "command": "initialize"}))
    ours.sendall(encode({"seq": 2, "type": "request", "command": "attach"}))
    threading.Thread(target=lambda: (ours.recv(1), ours.close())).start()
    serving(descriptor=theirs.detach(), wait=True)  # returns


def test_a_program_does_not_wait_for_a_client_that_has_gone_before_it_was_attached(serving):
    ours, theirs = socket.socketpair()
    ours.close()
    serving(descriptor=theirs.detach(), wait=True)  # returns: nobody else can come


def test_a_client_that_is_killed_leaves_the_program_running(tmp_path):
    """In a process of its own: kill -9 takes the client while the program is stopped."""
    code = f"""
import socket, sys, time
from tracedbg.dap.client import Client, Events
events = Events()
client = Client.connect({str(tmp_path / "p" / "dap")!r}, events)
client.request("initialize"); client.request("attach")
client.request("setFunctionBreakpoints", breakpoints=[{{"name": "*"}}])
print("armed", flush=True)
events.wait("stopped", 100)
print("stopped", flush=True)
time.sleep(1000)
"""
    engine = Engine(None)
    server = serve(engine, SimpleNamespace(**{**NOWHERE, "socket": str(tmp_path / "p" / "dap")}))
    program = Program(engine, "/model.py", turns=3)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout.readline() == "armed\n"
        program.start()
        assert client.stdout.readline() == "stopped\n"
        client.send_signal(signal.SIGKILL)
    program.join(10)
    server.close()
    assert program.locals["total"] == 9


def test_a_client_that_does_not_read_holds_nobody_up(session, program, file, server):
    program.turns = 20_000
    deaf, theirs = socket.socketpair()
    server.add(theirs, is_trusted=True)
    for seq, command in enumerate(("initialize", "attach"), 1):
        deaf.sendall(encode({"seq": seq, "type": "request", "command": command}))
    session.request("threads")
    session.request(
        "setBreakpoints", source={"path": file}, breakpoints=[{"line": 3, "logMessage": "x" * 500}]
    )
    program.start()
    program.join(60)
    assert program.locals["total"] == 60_000
    deaf.close()


def test_a_forked_child_neither_speaks_nor_stops(session, program, server, engine, file):
    session.request("setBreakpoints", source={"path": file}, breakpoints=[{"line": 2}])
    pid = os.fork()
    if pid == 0:
        child = Program(engine, file)
        child.run()  # stops nowhere
        os._exit(0 if child.locals["total"] == 3 and child.error is None else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    program.start()
    thread = session.stopped()["threadId"]
    session.request("continue", threadId=thread)
    program.join(10)
    assert program.locals["total"] == 3


def test_a_child_forked_by_what_is_typed_goes_its_own_way(session, program):
    session.request("setFunctionBreakpoints", breakpoints=[{"name": "aten.add"}])
    program.start()
    thread = session.stopped()["threadId"]
    code = "import os; pid = os.fork(); pid or os._exit(7); status = os.waitpid(pid, 0)[1]"
    session.request("evaluate", expression=code, context="repl")
    assert session.request("evaluate", expression="status >> 8", context="repl")["result"] == "7"
    session.request("continue", threadId=thread)


# --- nonsense ---------------------------------------------------------------------------------


def anything(dice, depth=0):
    choices = [
        None,
        True,
        0,
        -1,
        1,
        2**31,
        2**63,
        1.5,
        "",
        "x",
        "%ops",
        "1/0",
        "'\ud800'",
        "0x1800000010",
        "\0",
    ]
    if depth < 2 and dice.random() < 0.2:
        return [anything(dice, depth + 1) for _ in range(dice.randrange(3))]
    if depth < 2 and dice.random() < 0.2:
        return {dice.choice(NAMES): anything(dice, depth + 1) for _ in range(dice.randrange(3))}
    return dice.choice(choices)


NAMES = [
    "threadId", "frameId", "variablesReference", "expression", "source", "path", "breakpoints", "line", "name", "value",
    "memoryReference", "instructionReference", "instructionCount", "count", "start", "filter", "filters", "filterOptions",
    "filterId", "condition", "hitCondition", "logMessage", "granularity", "context", "text", "column", "go", "graph",
    "left", "right", "bins", "window", "first", "offset", "sourceReference", "requestId", "trace", "function", "levels",
]  # fmt: skip


def sensible(dice):
    """Requests that mostly make sense, so that stops come and go meanwhile."""
    return dice.choice(
        [
            ("continue", {"threadId": 2}),
            ("next", {"threadId": 2, "granularity": dice.choice(["line", "instruction"])}),
            ("stepIn", {"threadId": 2}),
            ("stackTrace", {"threadId": 2}),
            ("scopes", {"frameId": dice.randrange(1000, 1400)}),
            ("variables", {"variablesReference": dice.randrange(1000, 1400)}),
            ("evaluate", {"expression": dice.choice(["x", "total", "%ops", "%breaks", "total = 3"]), "context": "repl"}),
            ("setFunctionBreakpoints", {"breakpoints": [{"name": dice.choice(["*", "*relu*", "["])}]}),
            ("setFunctionBreakpoints", {"breakpoints": [{"name": "*", "condition": dice.choice(["total > 5", "1/0"])}]}),
            ("pause", {"threadId": 2}),
            ("cancel", {"requestId": dice.randrange(10_000)}),
        ]
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_random_requests_are_all_answered_and_the_program_goes_on(session, engine, file, seed):
    dice = random.Random(seed)
    names = [name for name in commands.load() if name not in ("disconnect", "terminate", "tracedbg/step")]
    program = Program(engine, file, turns=10**9)
    program.start()
    futures = []
    try:
        for _ in range(2500):
            if dice.random() < 0.6:
                command, arguments = sensible(dice)
            else:
                command = dice.choice(names)
                arguments = {dice.choice(NAMES): anything(dice) for _ in range(dice.randrange(4))}
            futures.append(session.client.send(command, **arguments))
        assert session.request("threads")["threads"]
        session.client.send("continue", threadId=2).exception(10)
        assert sum(future.exception(30) is None for future in futures) > 100
        session.client.close()
        before = program.locals["turn"]
        while program.locals["turn"] < before + 100:  # it goes on
            program.heartbeat.wait(10)
            program.heartbeat.clear()
        assert program.error is None
    finally:
        program.is_to_end = True
        engine.let_go()
        program.join(30)
    assert not program.is_alive()


@pytest.mark.parametrize("seed", range(3))
def test_random_bytes_end_the_connection_at_worst(session, connect, server, seed):
    dice = random.Random(seed)
    for _ in range(60):
        raw, theirs = socket.socketpair()
        server.add(theirs, is_trusted=True)
        data = dice.randbytes(dice.randrange(200))
        if dice.random() < 0.5:
            data = b"Content-Length: %d\r\n\r\n" % dice.randrange(-5, 300) + data
        raw.sendall(data)
        raw.close()
    assert session.request("threads")["threads"]


def test_a_client_is_told_why_its_connection_is_closed(connect):
    session = connect().attach()
    session.socket.sendall(b"GET / HTTP/1.1\r\n\r\n")
    said = session.events.wait("output")
    assert said["output"] == "the connection is closed: a header that is none: b'GET / HTTP/1.1'\n"
    with pytest.raises(ClosedError):
        session.request("threads")


def test_a_message_that_is_no_json_is_told_of_and_the_next_one_is_read(session):
    session.socket.sendall(b"Content-Length: 1\r\n\r\n{")
    assert session.events.wait("output")["output"].startswith("a message that is no JSON: ")
    assert session.request("threads")["threads"]
