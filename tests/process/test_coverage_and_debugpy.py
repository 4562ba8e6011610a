"""Programs under coverage and debugpy, which trace them: they see of the program what they see of it alone."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from process.compare import TIMEOUT_S, clean_environment
from process.levels import LEVELS
from tracedbg.dap.client import Client, Events

pytestmark = pytest.mark.torch
TRAINS = """
import threading
import torch

@torch.compile(backend="eager")
def loss(weight, n):
    y = weight * n
    return y.square().mean()

def step(weight, n):
    value = loss(weight, n)
    value.backward()
    if n > 2:
        print("step", n, round(value.item(), 3), weight.grad.tolist())  # @printed
    return value

def train():
    weight = torch.ones(2, requires_grad=True)
    for n in range(4):
        step(weight, n)

train()
worker = threading.Thread(target=train)
worker.start()
worker.join()
"""


def both_ways(lab, program: list[str]):
    yield "plain", lab.plain_command(program, [])
    for level in ("default", "ops"):
        yield level, lab.traced_command(program, [], [*LEVELS[level], "--quiet"])[0]


def run(lab, command: list[str], **how) -> subprocess.CompletedProcess:
    return subprocess.run(
        command, cwd=lab.folder, env=clean_environment(), capture_output=True, check=False, **how
    )


def test_coverage_counts_the_same_lines_and_branches(lab):
    lab.write("p.py", TRAINS)
    seen = {}
    program = ["-m", "coverage", "run", "--branch", "--include=*/p.py", "--data-file=data", "p.py"]
    for level, command in both_ways(lab, program):
        ended = run(lab, command, timeout=TIMEOUT_S)
        told = run(lab, [*lab.plain_command(["-m", "coverage", "json"], []), "--data-file=data", "-o", "-"])
        seen[level] = (ended.returncode, ended.stdout, ended.stderr, json.loads(told.stdout)["files"]["p.py"])
    assert seen["plain"][0] == 0, seen["plain"]
    assert seen["plain"][3]["executed_lines"]
    assert seen["default"] == seen["plain"]
    assert seen["ops"] == seen["plain"]


WAITS = """
import debugpy
host, port = debugpy.listen(("127.0.0.1", 0))
print(port, flush=True)
debugpy.wait_for_client()
"""


OF_DEBUGPY = re.compile(r"^\d+\.\d\ds - .*\n", re.MULTILINE)
"""What it says of itself, such as that a thread which it looks at has not begun: a matter of chance."""


def debugged(lab, command: list[str]) -> tuple:
    """What debugpy tells of each stop at a line, and how the program has ended."""
    process = subprocess.Popen(
        command,
        cwd=lab.folder,
        env={**clean_environment(), "PYDEVD_DISABLE_FILE_VALIDATION": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    events, stops = Events(), []
    with Client.connect(f"127.0.0.1:{process.stdout.readline().strip()}", events) as client:
        client.request("initialize", adapterID="debugpy")
        attached = client.send("attach", justMyCode=True)
        events.wait("initialized", TIMEOUT_S)
        lines = [at for at, line in enumerate(DEBUGGED.splitlines(), 1) if "@" in line and "#" in line]
        client.request(
            "setBreakpoints",
            source={"path": str(lab.folder / "p.py")},
            breakpoints=[{"line": line} for line in lines],
        )
        client.request("configurationDone")
        attached.result(TIMEOUT_S)
        for _ in range(STOPS):
            stops.append(stop(client, events.wait("stopped", TIMEOUT_S)["threadId"]))
        events.wait("terminated", TIMEOUT_S)
    stdout, stderr = process.communicate(timeout=TIMEOUT_S)
    return stops, process.returncode, stdout, OF_DEBUGPY.sub("", stderr)


def stop(client: Client, thread: int) -> list[tuple[str, int, str]]:
    """The program's frames of a stop, with what the innermost one says of `n`; then it goes on."""
    frames = client.request("stackTrace", threadId=thread)["stackFrames"]
    value = client.request("evaluate", expression="n", frameId=frames[0]["id"], context="watch")["result"]
    client.request("continue", threadId=thread)
    return [(frame["name"], frame["line"], value) for frame in frames]


DEBUGGED = WAITS + TRAINS
STOPS = 2
"""Of the line that prints, one in each thread; compiled code runs no line of Python that could stop."""


def test_debugpy_stops_where_it_stops_alone(lab):
    lab.write("p.py", DEBUGGED)
    seen = {level: debugged(lab, command) for level, command in both_ways(lab, ["p.py"])}
    stops, code, *_ = seen["plain"]
    assert code == 0
    assert [stop[0][0] for stop in stops] == ["step", "step"]
    assert seen["default"] == seen["plain"]
    assert seen["ops"] == seen["plain"]
