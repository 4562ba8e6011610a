"""The page of the commands says what the commands say; `python tests/cli/test_reference.py` writes it anew."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tracedbg import plugins

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"
SECTION = re.compile(r"^## (?P<command>tracedbg.*)\n\n```text\n(?P<text>(?:.*\n)*?)```", re.MULTILINE)


def help_of(command: str) -> str:
    words = [sys.executable, "-m", *command.split(), "--help"]
    environment = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1", "PYTHON_COLORS": "0"}
    return subprocess.run(words, capture_output=True, text=True, check=True, env=environment).stdout


def sections() -> dict[str, str]:
    return {found["command"]: found["text"] for found in SECTION.finditer(PAGE.read_text())}


def test_every_command_has_a_section():
    assert list(sections()) == ["tracedbg", *(f"tracedbg {name}" for name in plugins.command_names())]


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="argparse words its help anew in each Python")
@pytest.mark.parametrize("command", sections())
def test_a_section_says_what_the_command_says(command):
    assert sections()[command] == help_of(command)


if __name__ == "__main__":
    PAGE.write_text(
        SECTION.sub(
            lambda found: f"## {found['command']}\n\n```text\n{help_of(found['command'])}```",
            PAGE.read_text(),
        )
    )
