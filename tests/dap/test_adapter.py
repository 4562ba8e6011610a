"""`tracedbg dap`: programs started, ended, restarted and attached to, as an editor does it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from dap.process import PATIENCE_S, line_of, start_adapter
from security.leaks import leaks
from tracedbg.dap.client import Client, ClientError, Events
from tracedbg.redaction import LEFT_OUT
from tracedbg.store.run import read_run_file

PROGRAM = """
import sys

def add(n):
    total = 0
    for i in range(n):
        total += i  # @loop
    return total

print("hello", sys.argv[1:])
print("trouble", file=sys.stderr)
answer = add(3)
print(answer)
"""


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "program.py"

    def write(text=PROGRAM):
        path.write_text(text)
        return path

    return write


def test_a_program_runs_as_alone_and_its_end_is_told(adapted, program):
    editor = adapted().launch(program(PROGRAM + "sys.exit(7)\n"), args=["a", "b c"])
    assert editor.exit_code() == 7
    assert editor.output() == "hello ['a', 'b c']\n3\n"
    assert editor.output("stderr") == "trouble\n"


def test_a_breakpoint_a_condition_and_a_step(adapted, program):
    path = program()
    line = line_of(path, "loop")
    editor = adapted().launch(path, stops=[{"line": line, "condition": "i == 2"}])
    stop = editor.stopped()
    thread = stop["threadId"]
    assert editor.locals(thread)["total"]["value"] == "1"
    frame = editor.top(thread)
    assert (frame["name"], frame["line"], frame["source"]["path"]) == ("add", line, str(path))
    editor.request("setExpression", expression="total", value="40", frameId=frame["id"])
    editor.request("stepOut", threadId=thread)
    assert editor.stopped()["reason"] == "step"
    assert editor.top(thread)["name"] == "<module>"
    editor.request("continue", threadId=thread)
    assert editor.exit_code() == 0
    assert editor.output().endswith("42\n")


def test_it_stops_at_the_first_line_of_the_program_if_that_is_wanted(adapted, program):
    path = program()
    editor = adapted().launch(path, stopOnEntry=True)
    stop = editor.stopped()
    frame = editor.top(stop["threadId"])
    assert (stop["reason"], frame["name"], frame["source"]["path"]) == ("entry", "<module>", str(path))
    editor.request("continue", threadId=stop["threadId"])
    assert editor.exit_code() == 0


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL])
def test_a_program_that_is_killed_is_told_of_with_the_signal(adapted, program, number):
    editor = adapted().launch(program(f"import os\nos.kill(os.getpid(), {int(number)})\n"))
    assert editor.exit_code() == 128 + number
    assert editor.output("important").startswith(f"the program was killed by {number.name}\n")


def test_a_module_its_environment_and_folder(adapted, tmp_path):
    (tmp_path / "tool.py").write_text(
        "import os, sys\nprint(os.environ['A'], 'HOME' in os.environ, sys.argv[1:])\n"
    )
    editor = adapted()
    answer = editor.client.send(
        "launch", module="tool", args="one 'two three'", cwd=str(tmp_path), env={"A": "1", "HOME": None}
    )
    editor.events.wait("initialized")
    editor.configure()
    assert answer.result(10) == {}
    assert editor.exit_code() == 0
    assert editor.output() == "1 False ['one', 'two three']\n"


@pytest.mark.torch
@pytest.mark.parametrize("wanted", [{"redact": True}, {"env": {"TRACEDBG_REDACT": "1"}}, {}])
def test_values_are_kept_out_of_the_recording_if_that_is_wanted(adapted, tmp_path, wanted):
    pytest.importorskip("torch")
    out = tmp_path / "run"
    secret = Path(__file__).parents[1] / "security" / "secret_torch.py"
    editor = adapted().launch(secret, args=["--password", "hunter2argument"], out=str(out), **wanted)
    editor.exit_code()
    info = read_run_file(str(out))
    assert info.redacted == bool(wanted)
    assert info.argv[1:] == ((LEFT_OUT,) if wanted else ("--password", "hunter2argument"))
    assert (leaks(out) == []) == bool(wanted)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({}, "'launch' needs either 'program', a script, or 'module', a module's name"),
        ({"program": "no.py", "cwd": "/"}, "there is no script /no.py"),
        ({"module": "x", "cwd": "/no"}, "there is no folder /no to run in"),
        ({"module": "x", "console": "x"}, "no console 'x'; there are internalConsole, integratedTerminal, externalTerminal"),
        ({"module": "x", "args": "'"}, "argument 'args' of 'launch': No closing quotation"),
        ({"module": "x", "python": "no-python"}, "no Python at 'no-python'; name an executable with --python EXE"),
        ({"module": "x", "env": {"A": 1}}, "argument 'A' of 'launch' is not a string but an integer"),
    ],
)  # fmt: skip
def test_a_launch_that_makes_no_sense_is_refused_and_can_be_mended(adapted, program, arguments, why):
    editor = adapted()
    with pytest.raises(ClientError) as raised:
        editor.request("launch", **arguments)
    assert str(raised.value) == why
    editor.launch(program())
    assert editor.exit_code() == 0


def test_requests_before_a_launch_are_refused(adapted, program):
    editor = adapted()
    with pytest.raises(ClientError, match=r"^'threads' before 'launch' or 'attach'$"):
        editor.request("threads")
    editor.launch(program())
    with pytest.raises(ClientError, match=r"^'launch' comes once$"):
        editor.request("launch")
    assert editor.exit_code() == 0
    with pytest.raises(ClientError, match=r"^the program has ended$"):
        editor.request("threads")


def test_terminating_lets_the_program_clean_up(adapted, program):
    text = """
    import signal, sys, threading
    signal.signal(signal.SIGTERM, lambda *_: (print("cleaning", flush=True), sys.exit(5)))
    print("ready")
    threading.Event().wait()
    """
    editor = adapted().launch(program("\n".join(line[4:] for line in text.splitlines())))
    while "ready" not in editor.output():
        editor.events.wait("output")
    editor.request("terminate")
    assert editor.exit_code() == 5
    assert "cleaning" in editor.output()


def test_a_stopped_program_can_be_terminated(adapted, program):
    path = program()
    editor = adapted().launch(path, stops=[line_of(path, "loop")])
    editor.stopped()
    editor.request("terminate")
    assert editor.exit_code() == 128 + signal.SIGTERM


def test_disconnecting_ends_what_was_launched(adapted, program):
    path = program()
    editor = adapted().launch(path, stops=[line_of(path, "loop")])
    editor.stopped()
    editor.request("disconnect")
    assert editor.process.wait(PATIENCE_S) == 0


def test_disconnecting_may_leave_the_program_to_itself(adapted, program, tmp_path):
    path = program(PROGRAM + "print('much ' * 100_000)\nopen('done', 'w').close()\nimport time\n")
    os.mkfifo(tmp_path / "fifo")
    path.write_text(path.read_text() + "open('fifo', 'w').close()\n")
    editor = adapted().launch(path, stops=[line_of(path, "loop")])
    editor.stopped()
    editor.request("disconnect", terminateDebuggee=False)
    with open(tmp_path / "fifo") as fifo:  # opened by the program when it has come to its end
        fifo.read()
    assert (tmp_path / "done").exists()


def test_restarting_begins_anew_with_the_same_breakpoints(adapted, program):
    path = program()
    line = line_of(path, "loop")
    editor = adapted().launch(path, stops=[line])
    assert editor.hello["supportsRestartRequest"] is True
    first = editor.request(
        "evaluate",
        expression="__import__('os').getpid()",
        frameId=editor.top(editor.stopped()["threadId"])["id"],
    )
    answer = editor.client.send("restart")
    editor.events.wait("initialized", PATIENCE_S)
    answer.result(10)
    editor.set(path, line)
    editor.configure()
    thread = editor.stopped()["threadId"]
    second = editor.request(
        "evaluate", expression="__import__('os').getpid()", frameId=editor.top(thread)["id"]
    )
    assert first["result"] != second["result"]
    editor.set(path)
    editor.request("continue", threadId=thread)
    assert editor.exit_code() == 0


def test_an_editor_that_vanishes_takes_its_program_with_it(tmp_path, program):
    path = program("import os, time\nprint(os.getpid())\ntime.sleep(1000)\n")
    process, connection = start_adapter(tmp_path)
    events = Events()
    client = Client(connection, events)
    client.request("initialize")
    client.send("launch", program=str(path), cwd=str(tmp_path))
    events.wait("initialized")
    pid = next(body for name, body in events.seen if name == "process")["systemProcessId"]
    client.request("configurationDone")
    events.wait("output")
    client.close()
    assert process.wait(PATIENCE_S) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_without_debugging_a_program_runs_alone(adapted, program):
    path = program()
    editor = adapted().launch(path, stops=[line_of(path, "loop")], noDebug=True)
    assert editor.exit_code() == 0
    assert editor.output().endswith("3\n")


def test_a_program_in_a_terminal_of_the_editors(adapted, program, tmp_path):
    path = program(PROGRAM + "sys.exit(9)\n")
    editor = adapted()
    shown = []

    def run(message):
        arguments = message["arguments"]
        shown.append(arguments)
        terminal = subprocess.Popen(
            arguments["args"], cwd=arguments["cwd"], stdout=subprocess.PIPE, text=True
        )
        shown.append(terminal.communicate()[0])

    def answer(message):
        terminal.append(threading.Thread(target=run, args=(message,)))
        terminal[0].start()
        return {}

    terminal = []
    editor.client.on_request = answer
    editor.launch(path, stops=[line_of(path, "loop")], console="integratedTerminal")
    thread = editor.stopped()["threadId"]
    editor.set(path)
    editor.request("continue", threadId=thread)
    assert editor.exit_code() == 9
    terminal[0].join()
    assert (shown[0]["kind"], shown[0]["cwd"]) == ("integrated", str(tmp_path))
    assert shown[1] == "hello []\n3\n"


def test_a_terminal_that_the_editor_refuses_is_said_to_be_the_reason(adapted, program):
    def refuse(_message):
        raise RuntimeError("no room")

    editor = adapted()
    editor.client.on_request = refuse
    with pytest.raises(ClientError, match=r"^the editor's terminal has not started the program: no room$"):
        editor.request("launch", program=str(program()), console="integratedTerminal")


def test_children_of_the_program_run_unharmed(adapted, program):
    text = """
import multiprocessing, subprocess, sys

def work(n):
    return n * n  # @work

if __name__ == "__main__":
    for kind in ("fork", "spawn", "forkserver"):
        with multiprocessing.get_context(kind).Pool(2) as pool:
            print(kind, pool.map(work, [1, 2, 3]))
    print(subprocess.run([sys.executable, "-c", "print(6)"], capture_output=True, text=True).stdout)
    print(work(5))
"""
    path = program(text)
    editor = adapted().launch(path, stops=[line_of(path, "work")])
    thread = editor.stopped()["threadId"]
    assert editor.locals(thread)["n"]["value"] == "5"
    editor.request("continue", threadId=thread)
    assert editor.exit_code() == 0
    assert editor.output() == "fork [1, 4, 9]\nspawn [1, 4, 9]\nforkserver [1, 4, 9]\n6\n\n25\n"


def test_a_person_who_starts_it_is_told_what_it_is_for(tmp_path):
    import pty

    near, far = pty.openpty()
    with os.fdopen(near), os.fdopen(far):
        ended = subprocess.run(
            [sys.executable, "-m", "tracedbg", "dap"], stdin=far, capture_output=True, text=True, check=False
        )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert (
        "tracedbg dap is started by an editor, and speaks with it; see docs/how-to/editors.md" in ended.stderr
    )
