"""Real programs in processes of their own, with a debugger in them at the other end of a socket."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import dataclass

from tracedbg.cli.observation import environment
from tracedbg.debugger import DebugOptions
from tracedbg.store.run import create_run

PATIENCE_S = 120


@dataclass
class Debugged:
    """A program that waits until its debugger is told to begin."""

    process: subprocess.Popen
    connection: socket.socket
    folder: str

    def output(self):
        """All that it has written, when it has ended."""
        text, _ = self.process.communicate(timeout=PATIENCE_S)
        return text


def start(script, folder):
    """Start a script; its recording goes below `folder`."""
    ours, theirs = socket.socketpair()
    with theirs:
        run = create_run(str(folder / "run"), [str(script)]).path
        debug = DebugOptions(frontend="dap", descriptor=theirs.fileno(), wait=True)
        process = subprocess.Popen(
            [sys.executable, str(script)],
            env=environment(run, debug),
            pass_fds=[theirs.fileno()],
            cwd=os.path.dirname(script),
            stdout=subprocess.PIPE,
            text=True,
        )
    return Debugged(process, ours, run)
