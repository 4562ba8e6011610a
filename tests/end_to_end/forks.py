"""Runs scripts by Python alone, each in a fork of a process that has imported its framework, once for all.

`python forks.py torch|tensorflow` reads an order a line, and answers with the status in which the script ended.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import subprocess
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path

MODULES = {"torch": "torch._dynamo", "tensorflow": "tensorflow"}
"""What is imported before: nothing whose threads would be missing in a fork."""


@dataclass(frozen=True)
class Ended:
    exit_code: int
    stdout: str
    stderr: str


class Forks:
    """A process with a framework. Use it in a `with` block."""

    def __init__(self, framework: str, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, framework],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def __enter__(self) -> Forks:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:
            self._process.stdin.close()

    def run(self, script: Path, folder: Path) -> Ended:
        """Run a script to its end in a folder, in which its output is left."""
        self._process.stdin.write(json.dumps([str(script), str(folder)]) + "\n")
        self._process.stdin.flush()
        code = os.waitstatus_to_exitcode(int(self._process.stdout.readline()))
        return Ended(code, *((folder / name).read_text() for name in ("stdout", "stderr")))


def _serve(framework: str) -> None:
    importlib.import_module(MODULES[framework])
    gc.freeze()  # or each fork copies it all, by collecting garbage
    for line in sys.stdin:
        script, folder = json.loads(line)
        pid = os.fork()
        if not pid:
            _run(script, folder)
        print(os.waitpid(pid, 0)[1], flush=True)


def _run(script: str, folder: str) -> None:
    code = 1
    try:
        os.chdir(folder)
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.argv, sys.path[0] = [script], os.path.dirname(script)
        runpy.run_path(script, run_name="__main__")
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve(sys.argv[1])
