"""Programs in processes of their own, debugged through the adapter on its standard streams."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PATIENCE_S = 120


def start_adapter(folder, *options):
    """(the adapter's process, our end of its standard streams)."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tracedbg", "dap", *options], stdin=theirs, stdout=theirs, cwd=folder
        )
    return process, ours


def line_of(path, mark):
    """The number of the line that ends in `# @mark`."""
    with open(path) as opened:
        lines = opened.read().splitlines()
    (found,) = [number for number, text in enumerate(lines, 1) if text.endswith(f"# @{mark}")]
    return found
