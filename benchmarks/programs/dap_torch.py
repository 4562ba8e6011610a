"""Stops in a compiled function and goes on, over the debug adapter; prints the median in milliseconds."""

import os
import socket
import subprocess
import sys
import time
from statistics import median

from tracedbg.dap.client import Client, Events

STOPS = 300
PROGRAM = """
import torch

def block(x):
    y = x * 2
    return y + 1

step = torch.compile(block, backend="eager")
x = torch.ones(4)
for _ in range(400):
    step(x)
"""
LINE = 5

path = os.path.abspath("stepped.py")
with open(path, "w", encoding="utf-8") as file:
    file.write(PROGRAM)
ours, theirs = socket.socketpair()
adapter = subprocess.Popen([sys.executable, "-m", "tracedbg", "dap"], stdin=theirs, stdout=theirs)
theirs.close()
events = Events()
with Client(ours, events) as client:
    client.request("initialize")
    launched = client.send("launch", program=path)
    events.wait("initialized")
    client.request("setBreakpoints", source={"path": path}, breakpoints=[{"line": LINE}])
    client.request("configurationDone")
    took_ms = []
    thread = events.wait("stopped", 60)["threadId"]
    for _ in range(STOPS):
        start = time.perf_counter()
        client.request("continue", threadId=thread)
        events.wait("stopped", 60)
        took_ms.append((time.perf_counter() - start) * 1e3)
    client.request("disconnect")
adapter.wait()
print(median(took_ms))
