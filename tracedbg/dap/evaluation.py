"""Requests about what a person types: expressions, statements, and commands that begin with `%`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tracedbg.dap import console
from tracedbg.dap.arguments import RequestError
from tracedbg.dap.commands import Command, Where
from tracedbg.dap.stack import frame_index, of_frame, of_frame_or_any
from tracedbg.dap.variables import result, tell_changed
from tracedbg.engine.inspector import NOTHING

if TYPE_CHECKING:
    from tracedbg.dap.commands import Call
    from tracedbg.dap.halted import Halted
    from tracedbg.dap.protocol import Body, Request
    from tracedbg.dap.server import Server

_WORD = re.compile(r"[A-Za-z_][\w.]*$|$")
_MOST_COMPLETIONS = 200
_COMMAND = "%"


def evaluate(call: Call) -> Body:
    """`evaluate`: an expression; in the console statements, too."""
    arguments, inspector, frame = call.request.arguments, call.on.inspector, frame_index(call)
    text, context = arguments.text("expression"), arguments.text("context", "")
    if context != "repl":
        found = inspector.evaluate(text, frame)
        return result(call, found, frame, inspector.long_text(found.value) if context == "clipboard" else "")
    value = inspector.run(text, frame)
    if value is NOTHING:
        call.afterwards.append(lambda: tell_changed(call))
        return {"result": "", "variablesReference": 0}
    return result(call, inspector.variable(text, value), frame)


def command(call: Call) -> Body:
    """`evaluate` of a line that begins with `%`: one of our commands, see `console`."""
    line = call.request.arguments.text("expression").strip()
    return {"result": console.run(call, line.removeprefix(_COMMAND)), "variablesReference": 0}


def _of_frame_or_none(server: Server, request: Request) -> Halted | None:
    if "frameId" in request.arguments:
        return of_frame(server, request)
    return next(iter(server.all_halted()), None)


def completions(call: Call) -> Body:
    """`completions`: names, attributes and commands that begin as what stands before the cursor."""
    arguments, client = call.request.arguments, call.client
    lines = arguments.text("text").split("\n")
    number = client.line_in(arguments.number("line", client.line_out(1)))
    if not 1 <= number <= len(lines):
        raise RequestError(f"the text has no line {number}")
    end = arguments.number("column") - client.first_column
    before = lines[number - 1][: max(0, end)]
    if before.lstrip().startswith(_COMMAND) and " " not in before.strip():
        typed = before.lstrip()
        return _targets([f"{_COMMAND}{name}" for name in console.NAMES], typed, before, call, "keyword")
    found = _WORD.search(before)
    typed = found.group() if found else ""
    owner, dot, part = typed.rpartition(".")
    if not dot:
        return _targets(call.on.inspector.names(frame_index(call)), part, before, call, "variable")
    value = call.on.inspector.value(owner, frame_index(call))
    return _targets(dir(value), part, before, call, "property")


def _targets(names: list[str], typed: str, before: str, call: Call, kind: str) -> Body:
    hides = not typed.startswith("_")
    start = len(before) - len(typed) + call.client.first_column
    fitting = [name for name in names if name.startswith(typed) and not (hides and name.startswith("_"))]
    return {
        "targets": [
            {"label": name, "type": kind, "start": start, "length": len(typed)}
            for name in fitting[:_MOST_COMPLETIONS]
        ]
    }


_EVALUATE = Command(evaluate, Where.STOPPED, of_frame_or_any, is_breakable=True)
_RUN_COMMAND = Command(command, Where.STOPPED, _of_frame_or_none)


def _choose(request: Request) -> Command:
    is_command = request.arguments.text("expression").lstrip().startswith(_COMMAND)
    return _RUN_COMMAND if is_command else _EVALUATE


COMMANDS = {
    "evaluate": Command(evaluate, choose=_choose),
    "completions": Command(completions, Where.STOPPED, of_frame_or_any, is_breakable=True),
}
