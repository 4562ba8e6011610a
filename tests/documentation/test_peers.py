"""The comparison with the other tools: every command of ours can be typed, and what it is said to show comes out."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tracedbg import plugins
from tracedbg.cli.parser import Parser
from tracedbg.errors import UsageError

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "explanation" / "peers.md").read_text(encoding="utf-8")
PEERS = (
    *("TORCH_LOGS", "tlparse", "depyf", "bytecode debugger", "explain", "stance", "TensorBoard Debugger V2"),
    *("torch.profiler", "HTA", "XProf", "Scalene", "py-spy", "VizTracer"),
)
TABLES = ("Traces and compiled code", "Ops, kernels and memory", "Python's time")


def section(title: str) -> str:
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", TEXT, re.DOTALL | re.MULTILINE)[1]


def cells(title: str) -> list[list[str]]:
    """The table of a section, without its rule."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in rows if not set("".join(row)) <= {"-"}]


def commands() -> list[str]:
    table = cells("Ours, with the command that shows it")[1:]
    return [command for row in table for command in re.findall(r"`([^`]+)`", row[-1])]


def problem(command: str) -> str:
    """Why it could not be typed; mostly nothing. The real parser is asked, and nothing is run."""
    program, *words = shlex.split(command)
    files = [word for word in words if word.startswith("docs/")]
    if missing := [file for file in files if not (ROOT / file).exists()]:
        return f"no file {missing[0]}"
    if program == "pytest":
        return ""
    if program != "tracedbg" or words[0] not in plugins.command_names():
        return f"no command {' '.join([program, *words[:1]])}"
    loaded = plugins.load_command(words[0])()
    parser = Parser(prog=f"tracedbg {words[0]}", description=loaded.help)
    loaded.configure(parser)
    try:
        parser.parse(["12" if word == "PID" else word for word in words[1:]])
    except UsageError as error:
        return str(error)
    return ""


def test_every_command_of_ours_can_be_typed():
    assert len(commands()) > 15
    assert [wrong for command in commands() if (wrong := problem(command))] == []


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        ("tracedbg runn docs/examples/torch_train.py", "no command tracedbg runn"),
        ("tracedbg run docs/examples/none.py", "no file docs/examples/none.py"),
        ("tracedbg report --no", "unrecognized arguments: --no; see tracedbg report --help"),
    ],
)
def test_a_command_that_cannot_be_typed_is_noticed(command, wrong):
    assert problem(command) == wrong


@pytest.mark.parametrize("title", TABLES)
def test_each_row_has_a_cell_for_each_tool(title):
    head, *rows = cells(title)
    assert {len(row) for row in rows} == {len(head)}
    assert [cell for row in rows for cell in row if not cell] == []


def test_every_tool_has_a_column_and_its_page():
    head = " ".join(cell for title in TABLES for cell in cells(title)[0])
    pages = dict(re.findall(r"^\[([^\]]+)\]: (https://\S+)$", TEXT, re.MULTILINE))
    assert [peer for peer in PEERS if peer not in head] == []
    used = {key or name for name, key in re.findall(r"\[([^\]\[]+)\](?:\[([^\]]+)\])?(?!\(|:)", TEXT)}
    assert used == set(pages)


def test_the_table_is_honest_in_both_directions():
    ours = [row[1] for title in TABLES for row in cells(title)[1:]]
    assert sum(cell == "no" or cell.startswith(("no:", "not ")) for cell in ours) >= 7


@pytest.mark.torch
def test_what_the_first_row_says_comes_out(tmp_path):
    pytest.importorskip("torch")
    (command, *_) = commands()
    program, *words = shlex.split(command)
    assert program == "tracedbg"
    words = [str(ROOT / word) if word.startswith("docs/") else word for word in words]
    done = subprocess.run(
        [sys.executable, "-m", program, *words], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    for said in ("`net.step_no` took 3 values: 0, 1, 2", "Graph breaks", "Where the time went"):
        assert said in done.stderr


def test_what_works_on_this_machine_is_said(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", *shlex.split(commands()[-1])], capture_output=True, text=True, cwd=tmp_path
    )
    assert "torch" in done.stdout + done.stderr
