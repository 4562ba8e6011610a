"""Runs a program twice, by plain Python and under `tracedbg run`, and holds the two together."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

TRACEDBG = os.path.join(os.path.dirname(sys.executable), "tracedbg")
_ADDRESS = re.compile(rb"0x[0-9a-f]+")
TIMEOUT_S = 180


@dataclass(frozen=True)
class Result:
    """What somebody outside sees of a program that has ended."""

    code: int
    stdout: bytes
    stderr: bytes
    ours: list[str] = field(default_factory=list, compare=False)
    """The lines that tracedbg itself has put on stderr."""
    run: Path | None = field(default=None, compare=False)


class Lab:
    """A folder with a program, run in either way."""

    def __init__(self, folder: Path, runs: Path) -> None:
        self.folder = folder
        self.launcher = [sys.executable, TRACEDBG]
        self._runs = runs
        self._count = 0

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def plain_command(self, program: list[str], flags: list[str]) -> list[str]:
        return [sys.executable, *flags, *program]

    def traced_command(
        self, program: list[str], flags: list[str], options: list[str]
    ) -> tuple[list[str], Path]:
        self._count += 1
        out = self._runs / str(self._count)
        python = ["--python", " ".join([sys.executable, *flags])] if flags else []
        return [*self.launcher, "run", "--no-tui", "--out", str(out), *python, *options, *program], out

    def plain(self, *program: str, flags: list[str] | None = None, **how) -> Result:
        ended = self._run(self.plain_command(list(program), flags or []), **how)
        return Result(ended.returncode, ended.stdout, ended.stderr)

    def traced(
        self, *program: str, flags: list[str] | None = None, options: list[str] | None = None, **how
    ) -> Result:
        command, out = self.traced_command(list(program), flags or [], options or [])
        return self.split(self._run(command, **how), out)

    @staticmethod
    def split(ended, out: Path) -> Result:
        ours = re.findall(rb"^tracedbg: (.*)\n", ended.stderr, re.MULTILINE)
        theirs = re.sub(rb"^tracedbg: .*\n", b"", ended.stderr, flags=re.MULTILINE)
        return Result(ended.returncode, ended.stdout, theirs, [line.decode() for line in ours], out)

    def same(self, *program: str, **how) -> Result:
        """Run plain and at each level, and hold them together; the result of the plain run."""
        plain = self.plain(*program, **how)
        for options in ([], ["--ops"]):
            traced = self.traced(*program, options=options, **how)
            assert _comparable(traced) == _comparable(plain), options
            assert traced.ours == ["nothing was traced: the program imported neither torch nor tensorflow"]
        return plain

    def _run(self, command: list[str], env: dict[str, str] | None = None, **how):
        how.setdefault("stdin", None if "input" in how else subprocess.DEVNULL)
        return subprocess.run(
            command,
            cwd=how.pop("cwd", self.folder),
            env={**clean_environment(), **(env or {})},
            stdout=how.pop("stdout", subprocess.PIPE),
            stderr=how.pop("stderr", subprocess.PIPE),
            timeout=how.pop("timeout", TIMEOUT_S),
            check=False,
            **how,
        )


def without_addresses(output: bytes) -> bytes:
    return _ADDRESS.sub(b"0x", output)


def _comparable(result: Result) -> Result:
    return replace(result, stdout=without_addresses(result.stdout), stderr=without_addresses(result.stderr))


def clean_environment() -> dict[str, str]:
    """Ours, without what a test runner may have added for itself."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TRACEDBG_", "PYTHON", "COV_", "PYTEST_"))
    }


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """A folder to run programs in. Imported by the `conftest.py` of the folders that use it."""
    (tmp_path / "program").mkdir()
    (tmp_path / "runs").mkdir()
    return Lab(tmp_path / "program", tmp_path / "runs")
