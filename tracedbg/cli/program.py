"""The program that a command is given, and its options that count."""

from __future__ import annotations

import os

from tracedbg.errors import UsageError


def positive(text: str) -> int:
    """A count from 1, for argparse."""
    number = int(text)
    if number < 1:
        raise ValueError
    return number


positive.__name__ = "positive number"  # argparse: "invalid positive number value: '0'"


def check_program(command: str, program: list[str]) -> None:
    """Find out before anything is recorded what Python would only say in its own words.

    Raises:
        UsageError: it cannot be run.
    """
    if not program:
        raise UsageError(f"no program to run: tracedbg {command} SCRIPT [arguments], or -m MODULE")
    script = program[0]
    if script == "-":
        return
    if script.startswith("-m"):
        if program == ["-m"]:
            raise UsageError("-m needs the name of a module")
        return
    if not os.path.exists(script):
        raise UsageError(f"no such script: {script}")
    if not os.access(script, os.R_OK):
        raise UsageError(f"no permission to read {script}")
    if os.path.isdir(script) and not any(
        os.path.exists(os.path.join(script, f"__main__.{ending}")) for ending in ("py", "pyc")
    ):
        raise UsageError(f"{script} is a folder without a __main__.py; name a script in it")
