"""The page of the protocol says what the server does."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tracedbg.dap import commands, console, protocol
from tracedbg.dap.adapter.launch import Launch
from tracedbg.dap.arguments import Arguments
from tracedbg.engine import FILTERS

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "reference" / "dap.md").read_text()
HOW_TO = (DOCS / "how-to" / "editors.md").read_text()


def test_it_lists_every_request_and_where_it_is_done():
    rows = dict(re.findall(r"^\| `([\w/]+)` \| (service|stopped|worker) \|$", PAGE, re.MULTILINE))
    assert rows == {name: command.where.value for name, command in commands.load().items()}


def test_it_describes_every_request_of_our_own():
    described = re.findall(r"^`(tracedbg/\w+)`$", PAGE, re.MULTILINE)
    assert sorted(described) == sorted(name for name in commands.load() if name.startswith("tracedbg/"))


def test_it_lists_every_capability_and_filter():
    (listed,) = re.findall(r"^Set: (.*)\.$", PAGE, re.MULTILINE)
    known = protocol.capabilities(FILTERS)
    assert re.findall(r"`(\w+)`", listed) == [name for name, value in known.items() if value is True]
    for name in FILTERS:
        assert f"`{name}`" in PAGE


def test_every_capability_has_its_request():
    requests = {
        "supportsConfigurationDoneRequest": "configurationDone", "supportsFunctionBreakpoints": "setFunctionBreakpoints",
        "supportsInstructionBreakpoints": "setInstructionBreakpoints", "supportsExceptionInfoRequest": "exceptionInfo",
        "supportsBreakpointLocationsRequest": "breakpointLocations", "supportsDisassembleRequest": "disassemble",
        "supportsReadMemoryRequest": "readMemory", "supportsSetVariable": "setVariable", "supportsSetExpression": "setExpression",
        "supportsCompletionsRequest": "completions", "supportsLoadedSourcesRequest": "loadedSources",
        "supportsCancelRequest": "cancel", "supportsTerminateRequest": "terminate",
    }  # fmt: skip
    says = {
        name
        for name, value in protocol.capabilities(FILTERS).items()
        if value is True and name.endswith("Request")
    }
    assert says <= requests.keys()
    assert set(requests.values()) <= commands.load().keys()


def test_the_how_to_lists_every_command_of_the_console():
    for name in console.NAMES:
        assert f"`%{name}" in HOW_TO or name == "help"


def test_the_example_of_vs_code_knows_all_that_a_launch_may_say(tmp_path):
    extension = json.loads((DOCS / "examples" / "vscode" / "package.json").read_text())
    (debugger,) = extension["contributes"]["debuggers"]
    said = debugger["configurationAttributes"]["launch"]["properties"]
    read = set()

    class Noted(Arguments):
        def _get(self, name, kind, default):
            read.add(name)
            return super()._get(name, kind, default)

    Launch.read(Noted({"module": "x", "cwd": str(tmp_path)}, "launch"))
    assert set(said) == read - {"noDebug"} | {"stopOnEntry"}  # VS Code's own; read by the server
    for name in read:
        assert f"`{name}`" in HOW_TO
