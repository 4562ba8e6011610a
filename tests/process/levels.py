"""Runs a program of `programs/` by plain Python once, and at each level of recording; holds them together."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from process.compare import TIMEOUT_S, Lab, Result, without_addresses

PROGRAMS = Path(__file__).parent / "programs"
LEVELS = {"default": [], "ops": ["--ops"], "ops-1000": ["--ops", "--rate", "1000"]}
_LOGGED = re.compile(rb"^([VIWE])\d{4} [\d:.]+ +\d+ ", re.MULTILINE)
"""How torch and TensorFlow begin a line of a log: the time, and a number of a process or thread."""
_OF_THIS_RUN = re.compile(
    rb"(?<=__compiled_fn_)(\d+)_[0-9a-f_]+|\b\d{12,}\b|(?<=latency = )[\d.]+ us|(?<=autograph_generated_file)\w+"
)
"""What logs and tracebacks tell of graphs and guards: names made by chance, identities of objects, times."""
_PROFILER = re.compile(rb"^USDT:.*\n", re.MULTILINE)
_OURS = re.compile(
    rb'^  File "[^"]*/tracedbg/adapters/torch_compile/adapter.py".*\n(    .*\n)*', re.MULTILINE
)
"""Frames of ours around what Dynamo does, in a traceback that it does not shorten: see Limits."""
_OF_TAPES = re.compile(rb'^  File "[^"]*/tensorflow/python/pywrap_tfe.py", line \d+, in .*\n', re.MULTILINE)
"""Frames of ours around a gradient, under the names of what they stand for: likewise."""
_EXTENSIONS = re.compile(rb"^Extension modules: .*\n", re.MULTILINE)
"""What faulthandler tells beside the stack: the observer of ops is one."""


@dataclass(frozen=True)
class Seen:
    """What a program has shown, but for what differs from run to run."""

    code: int
    stdout: str
    stderr: str

    @classmethod
    def of(cls, result: Result) -> Seen:
        return cls(result.code, _steady(result.stdout), _steady(result.stderr))


def _steady(output: bytes) -> str:
    for pattern, replacement in (
        (_LOGGED, rb"\1 "),
        (_OF_THIS_RUN, rb"\1"),
        (_PROFILER, b""),
        (_OURS, b""),
        (_OF_TAPES, b""),
        (_EXTENSIONS, b""),
    ):
        output = pattern.sub(replacement, output)
    return without_addresses(output).decode(errors="backslashreplace")


def _difference(plain: Seen, seen: Seen) -> str:
    """What was shown in one of two runs, a line each; empty where they are the same."""
    one, other = (
        [str(a.code), *a.stdout.splitlines(), "stderr:", *a.stderr.splitlines()] for a in (plain, seen)
    )
    return "\n".join(difflib.unified_diff(one, other, "plain", "traced", lineterm="", n=1))


class Levels:
    """One folder in which programs run, with what each has shown by plain Python."""

    def __init__(self, folder: Path) -> None:
        (folder / "program").mkdir()
        (folder / "runs").mkdir()
        self.lab = Lab(folder / "program", folder / "runs")
        self._plain: dict[tuple, Seen] = {}
        for path in PROGRAMS.glob("*.py"):
            self.lab.write(path.name, path.read_bytes())

    def plain(self, *program: str, **how) -> Seen:
        key = (program, repr(how))
        if key not in self._plain:
            self._plain[key] = Seen.of(self.lab.plain(*program, timeout=TIMEOUT_S, **how))
        return self._plain[key]

    def same(self, level: str, *program: str, **how) -> Result:
        """Run at a level what was run plainly, and hold the two together; the result of the former."""
        plain = self.plain(*program, **how)
        result = self.lab.traced(*program, options=[*LEVELS[level], "--quiet"], timeout=TIMEOUT_S, **how)
        seen = Seen.of(result)
        assert not _difference(plain, seen), _difference(plain, seen)
        return result


@pytest.fixture(scope="module")
def levels(tmp_path_factory) -> Levels:
    return Levels(tmp_path_factory.mktemp("levels"))


at_each_level = pytest.mark.parametrize("level", LEVELS)
at_both_levels = pytest.mark.parametrize("level", ["default", "ops"])
"""For programs that take seconds: sampling a thousand times a second shows in others what it would in these."""
