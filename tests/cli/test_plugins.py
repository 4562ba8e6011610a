"""Adapters and commands by name: ours from a table, others from entry points, none imported to be listed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tracedbg import plugins
from tracedbg.cli.main import main
from tracedbg.errors import UnknownPluginError

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = None

OF_THE_INTERFACE = ["connect", "view"]
ENTRY_POINTS = """\
[console_scripts]
other = other:main

[tracedbg.adapters]
foreign = foreign_plugin:Adapter [extra]
torch_compile = tracedbg.adapters.torch_compile:TorchCompileAdapter
; a comment = nothing

[tracedbg.commands]
greet = foreign_plugin:Greet
broken = foreign_plugin_that_is_missing:Command
"""
PLUGIN = """\
class Adapter:
    name = "foreign"
    modules = ("otherframe.core",)

class Greet:
    name = "greet"
    help = "say hello"
    def configure(self, parser):
        parser.add_argument("whom")
    def run(self, args):
        print("hello", args.whom)
        return 7
"""


@pytest.fixture
def foreign(tmp_path, monkeypatch):
    """A package of somebody else's is installed."""
    info = tmp_path / "foreign-1.0.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    (tmp_path / "other-1.0.dist-info").mkdir()
    (tmp_path / "foreign_plugin.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("foreign_plugin", None)


@pytest.mark.skipif(tomllib is None, reason="tomllib came with Python 3.11")
def test_the_tables_and_pyproject_say_the_same():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["tracedbg.adapters"] == plugins.ADAPTERS
    assert project["entry-points"]["tracedbg.comparers"] == plugins.COMPARERS
    assert project["entry-points"]["tracedbg.kernel_sources"] == plugins.SOURCES
    assert project["entry-points"]["tracedbg.op_recorders"] == plugins.OP_RECORDERS
    assert project["entry-points"]["tracedbg.activities"] == plugins.ACTIVITIES
    commands = project["entry-points"]["tracedbg.commands"]
    assert {name: at for name, at in commands.items() if at.startswith("tracedbg.")} == plugins.COMMANDS
    for package, oldest in plugins.FRAMEWORKS.items():
        requirements = project["optional-dependencies"][package]
        assert all(f">={oldest}" in requirement for requirement in requirements)


def test_our_adapters_wait_for_the_watched_packages_and_no_others():
    waits_for = {
        module.partition(".")[0] for name in plugins.ADAPTERS for module in plugins.load_adapter(name).modules
    }
    assert waits_for == set(plugins.FRAMEWORKS)


@pytest.mark.parametrize("name", plugins.ADAPTERS)
def test_an_adapter_is_called_what_the_table_calls_it(name):
    assert plugins.load_adapter(name).name == name


def test_foreign_plugins_are_listed_without_being_imported(foreign):
    assert plugins.adapter_names() == [*plugins.ADAPTERS, "foreign"]
    assert plugins.command_names() == [*plugins.COMMANDS, "greet", "broken", *OF_THE_INTERFACE]
    assert "foreign_plugin" not in sys.modules


def test_a_foreign_adapter_is_loaded_by_name_and_its_framework_watched(foreign):
    assert plugins.load_adapter("foreign").modules == ("otherframe.core",)
    assert plugins.watched_packages() == [*plugins.FRAMEWORKS, "otherframe"]


def test_a_foreign_command_runs(foreign, capsys):
    assert main(["greet", "you"]) == 7
    assert capsys.readouterr().out == "hello you\n"


def test_a_foreign_command_that_cannot_be_loaded_does_not_spoil_the_list(foreign, capsys):
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert "  greet    say hello\n" in out
    assert (
        "  broken   (cannot be loaded: ModuleNotFoundError: No module named 'foreign_plugin_that_is_missing')\n"
        in out
    )


def test_an_unknown_name_is_answered_with_the_known_ones(foreign):
    with pytest.raises(UnknownPluginError) as raised:
        plugins.load_adapter("jaxx")
    known = "autograph, foreign, tf_function, torch_compile, torch_script"
    assert str(raised.value) == f"no adapter named 'jaxx'; installed: {known}"


def test_what_cannot_be_read_is_passed_over(tmp_path, monkeypatch):
    info = tmp_path / "binary-1.0.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_bytes(b"[tracedbg.adapters]\nx = \xff\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert plugins.adapter_names() == list(plugins.ADAPTERS)
