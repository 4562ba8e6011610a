"""The page of the prompt says what its commands say; `python tests/prompt/test_reference.py` writes it anew."""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path

from tracedbg.engine import FILTERS
from tracedbg.prompt.command import commands_of
from tracedbg.prompt.console import Console

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "debugger-prompt.md"
MARK = "<!-- written by `python tests/prompt/test_reference.py` -->\n"
TABLES = re.compile(f"{re.escape(MARK)}\n(?P<text>.*?)(?=Anything else, or)", re.DOTALL)


def tables() -> str:
    found = []
    for group, commands in groupby(
        sorted(commands_of(Console), key=lambda one: one.group), key=lambda one: one.group
    ):
        found += [f"### {group}", "", "| command | what it does |", "|---|---|"]
        for one in commands:
            names = ", ".join(f"`{name}`" for name in one.names)
            arguments = f" `{one.arguments}`".replace("|", "\\|") if one.arguments else ""
            found.append(f"| {names}{arguments} | {one.help} |")
        found.append("")
    return "\n".join(found) + "\n"


def test_the_page_lists_every_command():
    assert TABLES.search(PAGE.read_text())["text"] == tables()


def test_the_page_names_every_filter():
    named = PAGE.read_text().partition("## Commands")[0]
    assert [name for name in FILTERS if f"`{name}`" not in named] == []


def test_every_command_is_listed_by_help_and_described():
    described = {name for one in commands_of(Console) for name in one.names if one.help and one.group}
    methods = {name.removeprefix("do_") for name in dir(Console) if name.startswith("do_")}
    assert methods - described == {"EOF"}


if __name__ == "__main__":
    text = PAGE.read_text()
    PAGE.write_text(TABLES.sub(lambda _: f"{MARK}\n{tables()}", text))
