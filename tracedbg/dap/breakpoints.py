"""Requests about where to stop, and whose breakpoint is whose.

Each client has breakpoints of its own: what it sets replaces what it has set before, and nobody else's.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tracedbg.dap.arguments import Arguments, RequestError
from tracedbg.dap.commands import Command
from tracedbg.dap.lines import breakable_lines
from tracedbg.engine import FILTERS, Breakpoint
from tracedbg.errors import UsageError

if TYPE_CHECKING:
    from tracedbg.dap.clients import Client
    from tracedbg.dap.commands import Call
    from tracedbg.dap.protocol import Body
    from tracedbg.dap.server import Server

_NOT_YET = "no code on this line has been run or traced yet"
_FUNCTIONS, _INSTRUCTIONS, _FILTERS = "function", "instruction", "filter"


class Bindings:
    """Puts the breakpoints of clients into the engine, and tells them what becomes of these."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def put(self, client: Client, kind: str, wanted: list[Breakpoint | RequestError]) -> list[Body]:
        """Have a client's breakpoints of one kind be `wanted`; those that are there already stay as they are.

        Returns:
            What the client is told of each.
        """
        engine = self._server.engine.breakpoints
        alive = {one.id for one in engine.all}
        old = [one for one in client.breakpoints.get(kind, ()) if one.id in alive]
        made: list[Breakpoint | RequestError] = []
        for one in wanted:
            same = next((known for known in old if _is_same(known, one)), None)
            if same is not None:
                old.remove(same)
                made.append(same)
            else:
                made.append(self._add(one) if isinstance(one, Breakpoint) else one)
        engine.remove([one.id for one in old])
        for one in old:
            client.told.pop(one.id, None)
        client.breakpoints[kind] = [one for one in made if isinstance(one, Breakpoint)]
        return [self._description(client, one) for one in made]

    def _add(self, wanted: Breakpoint) -> Breakpoint | RequestError:
        try:
            return self._server.engine.breakpoints.add(wanted)
        except UsageError as error:
            return RequestError(str(error))

    def add(self, client: Client, wanted: Breakpoint) -> Breakpoint:
        """One more, beside what the client sets by requests.

        Raises:
            UsageError: it makes no sense.
        """
        made = self._server.engine.breakpoints.add(wanted)
        client.breakpoints.setdefault("command", []).append(made)
        client.told[made.id] = made.line, made.is_bound
        return made

    def drop(self, client: Client) -> None:
        """A client is gone, and others are there: take its breakpoints out."""
        ids = [one.id for some in client.breakpoints.values() for one in some]
        client.breakpoints.clear()
        client.told.clear()
        self._server.engine.breakpoints.remove(ids)

    def tell_changes(self) -> None:
        """Breakpoints may have been bound or moved: tell those whose they are."""
        for client in self._server.clients():
            for one in [one for some in tuple(client.breakpoints.values()) for one in some]:
                now = one.line, one.is_bound
                if one.id in client.told and client.told[one.id] != now:
                    body = {"reason": "changed", "breakpoint": self._description(client, one)}
                    client.tell("breakpoint", body)

    def _description(self, client: Client, one: Breakpoint | RequestError) -> Body:
        if isinstance(one, RequestError):
            return {"verified": False, "message": str(one)}
        client.told[one.id] = one.line, one.is_bound
        body: Body = {"id": one.id, "verified": one.is_bound}
        if one.file:
            body["source"] = {"name": os.path.basename(one.file), "path": one.file}
            body["line"] = client.line_out(one.line)
            if not one.is_bound:
                body["message"] = _NOT_YET
        if one.op_index is not None:
            body["instructionReference"] = self._server.graphs.address(one.graph, one.op_index)
        return body


def _is_same(known: Breakpoint, wanted: Breakpoint | RequestError) -> bool:
    return isinstance(wanted, Breakpoint) and wanted == replace(
        known, id=0, line=known.asked_line, asked_line=0, is_bound=False, hits=0
    )


def _common(arguments: Arguments) -> dict[str, Any]:
    return {
        "condition": arguments.text("condition", "").strip(),
        "hit_condition": arguments.text("hitCondition", "").strip(),
        "log_message": arguments.text("logMessage", ""),
    }


def set_breakpoints(call: Call) -> Body:
    """`setBreakpoints`: the lines of one file."""
    arguments, client = call.request.arguments, call.client
    path = arguments.inner("source").text("path", "")
    if not path:
        raise RequestError("breakpoints can be set in files only: the source has no path")
    file = os.path.realpath(path)
    wanted: list[Breakpoint | RequestError] = [
        Breakpoint(file=file, line=client.line_in(one.number("line")), **_common(one))
        for one in arguments.objects("breakpoints")
    ]
    return {"breakpoints": call.server.bindings.put(client, file, wanted)}


def set_function_breakpoints(call: Call) -> Body:
    """`setFunctionBreakpoints`: ops by the glob of their name."""
    wanted: list[Breakpoint | RequestError] = [
        Breakpoint(op_pattern=one.text("name").strip().removeprefix("op:"), **_common(one))
        for one in call.request.arguments.objects("breakpoints")
    ]
    return {"breakpoints": call.server.bindings.put(call.client, _FUNCTIONS, wanted)}


def set_instruction_breakpoints(call: Call) -> Body:
    """`setInstructionBreakpoints`: ops by their place in a graph, as `disassemble` has given it."""
    wanted: list[Breakpoint | RequestError] = []
    for one in call.request.arguments.objects("breakpoints"):
        reference, offset = one.text("instructionReference"), one.number("offset", 0)
        try:
            graph, index = call.server.graphs.place(reference, offset)
        except RequestError as error:
            wanted.append(error)
        else:
            wanted.append(Breakpoint(op_index=index, graph=graph.name, **_common(one)))
    return {"breakpoints": call.server.bindings.put(call.client, _INSTRUCTIONS, wanted)}


def set_exception_breakpoints(call: Call) -> Body:
    """`setExceptionBreakpoints`: events, with conditions."""
    arguments = call.request.arguments
    wanted: list[Breakpoint | RequestError] = [_filter(name, "") for name in arguments.strings("filters")]
    wanted += [
        _filter(one.text("filterId"), one.text("condition", "").strip())
        for one in arguments.objects("filterOptions")
    ]
    return {"breakpoints": call.server.bindings.put(call.client, _FILTERS, wanted)}


def _filter(name: str, condition: str) -> Breakpoint | RequestError:
    if name not in FILTERS:
        return RequestError(f"no filter named {name!r}; there are {', '.join(FILTERS)}")
    return Breakpoint(filter=name, condition=condition)


def breakpoint_locations(call: Call) -> Body:
    """`breakpointLocations`: the lines of a file that Python could run."""
    arguments, client = call.request.arguments, call.client
    first = client.line_in(arguments.number("line"))
    last = client.line_in(arguments.number("endLine", client.line_out(first)))
    lines = breakable_lines(arguments.inner("source").text("path", ""))
    return {
        "breakpoints": [{"line": client.line_out(line)} for line in sorted(lines) if first <= line <= last]
    }


COMMANDS = {
    "setBreakpoints": Command(set_breakpoints),
    "setFunctionBreakpoints": Command(set_function_breakpoints),
    "setInstructionBreakpoints": Command(set_instruction_breakpoints),
    "setExceptionBreakpoints": Command(set_exception_breakpoints),
    "breakpointLocations": Command(breakpoint_locations),
}
