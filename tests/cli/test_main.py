"""The `tracedbg` command itself: finding a subcommand, help, errors and what it costs to ask."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from process.compare import TRACEDBG, clean_environment
from tracedbg import __version__, plugins
from tracedbg.cli.main import main
from tracedbg.cli.parser import Parser
from tracedbg.errors import UsageError

HEAVY = (
    "torch",
    "tensorflow",
    "keras",
    "textual",
    "numpy",
    "sqlite3",
    "subprocess",
    "importlib.metadata",
    "html",
    "importlib.resources",
)


def modules_after(code: str) -> set[str]:
    ended = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print('MODULES', *sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        env=clean_environment(),
    )
    return set(ended.stdout.partition("MODULES ")[2].split())


@pytest.mark.parametrize(
    "code",
    ["import tracedbg", "from tracedbg.cli.main import main; main(['--help'])", "import tracedbg.cli.run"],
)
def test_nothing_heavy_is_imported(code):
    assert not modules_after(code) & set(HEAVY)


def test_the_look_at_imports_sees_a_heavy_one():
    assert "sqlite3" in modules_after("import tracedbg.store.reader")


def test_a_command_does_not_import_the_others():
    loaded = modules_after("from tracedbg.cli.main import main; main(['runs', '--help'])")
    assert "tracedbg.cli.runs" in loaded
    assert not {"tracedbg.cli.doctor", "tracedbg.cli.run", "tracedbg.cli.report"} & loaded


def test_help_lists_every_command_with_its_line(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    width = max(map(len, plugins.command_names()))
    for name in plugins.COMMANDS:
        command = plugins.load_command(name)
        assert command.name == name
        assert f"  {name:<{width}}  {command.help}\n" in text


@pytest.mark.parametrize("name", plugins.COMMANDS)
def test_each_command_has_help(name, capsys):
    assert main([name, "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"usage: tracedbg {name} ")
    assert max(map(len, out.splitlines())) <= 80


def test_no_command_shows_the_list_and_fails(capsys):
    assert main([]) == 2
    assert "commands:" in capsys.readouterr().out


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"tracedbg {__version__}\n"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["rum"], f"no command named 'rum'; installed: {', '.join(sorted(plugins.command_names()))}"),
        (["--wat"], "unknown option --wat; see tracedbg --help"),
        (["runs", "--wat"], "unrecognized arguments: --wat; see tracedbg runs --help"),
        (
            ["report", "--format", "xml"],
            "argument --format: invalid choice: 'xml' (choose from 'text', 'json', 'html', 'dot', 'svg'); see tracedbg report --help",
        ),
        (["runs", "nowhere"], "no such folder: nowhere"),
    ],
)
def test_an_error_is_one_line_and_exit_code_2(words, line, capsys):
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert (
        captured.err.replace("(choose from text, json)", "(choose from 'text', 'json')")
        == f"tracedbg: {line}\n"
    )


def test_ctrl_c_is_quiet(capsys, monkeypatch):
    def interrupt(_name):
        raise KeyboardInterrupt

    monkeypatch.setattr(plugins, "load_command", interrupt)
    assert main(["runs"]) == 130
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("words", [["--help"], ["doctor"]])
def test_a_reader_that_leaves_is_no_error(words):
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        [sys.executable, TRACEDBG, *words], stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (141, b"")


def test_python_m_tracedbg_is_the_same_command(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-m", "tracedbg", "--version"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
    )
    assert ended.stdout == f"tracedbg {__version__}\n"


@pytest.mark.parametrize(
    ("words", "ours", "program"),
    [
        (["p.py", "--json", "x"], [], ["p.py", "--json", "x"]),
        (["--json", "f", "p.py"], ["--json", "f"], ["p.py"]),
        (["--json=f", "p.py", "--quiet"], ["--json=f"], ["p.py", "--quiet"]),
        (["--quiet", "-m", "mod", "-m"], ["--quiet"], ["-m", "mod", "-m"]),
        (["-mmod"], [], ["-mmod"]),
        (["--", "p.py", "--", "x"], [], ["p.py", "--", "x"]),
        (["--quiet", "--", "-m", "mod"], ["--quiet"], ["-m", "mod"]),
        (["-", "x"], [], ["-", "x"]),
        (["--json", "--", "p.py"], None, None),
        ([], [], []),
    ],
)
def test_our_options_end_where_the_program_begins(words, ours, program):
    parser = Parser(prog="tracedbg run")
    parser.add_argument("--json")
    parser.add_argument("--quiet", action="store_true")
    parser.take_program()
    if ours is None:
        with pytest.raises(UsageError, match="expected one argument"):
            parser.parse(words)
        return
    args = parser.parse(words)
    assert args.program == program
    assert args.quiet == ("--quiet" in ours)
    assert (args.json == "f") == any("json" in word for word in ours)
