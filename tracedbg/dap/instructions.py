"""Requests about the ops of a graph, which stand for the instructions of a machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.dap.arguments import RequestError
from tracedbg.dap.commands import Command
from tracedbg.dap.graphs import op_text

if TYPE_CHECKING:
    from tracedbg.dap.commands import Call
    from tracedbg.dap.graphs import Graph
    from tracedbg.dap.protocol import Body

MOST_INSTRUCTIONS = 10_000
_FEW = 100


def disassemble(call: Call) -> Body:
    """`disassemble`: exactly as many ops as are asked for; those beyond the ends of the graph are none."""
    arguments, server = call.request.arguments, call.server
    count = arguments.number("instructionCount")
    if not 0 <= count <= MOST_INSTRUCTIONS:
        raise RequestError(f"at most {MOST_INSTRUCTIONS} instructions at once, and not {count}")
    graph, at = server.graphs.place(arguments.text("memoryReference"), arguments.number("offset", 0))
    first = at + arguments.number("instructionOffset", 0)
    return {"instructions": [_instruction(call, graph, index) for index in range(first, first + count)]}


def _instruction(call: Call, graph: Graph, index: int) -> Body:
    address = hex(max(0, graph.address(index)))
    if not 0 <= index < len(graph.sites):
        return {"address": address, "instruction": "", "presentationHint": "invalid"}
    site = graph.sites[index]
    found: Body = {"address": address, "instruction": op_text(site), "symbol": site.name}
    if site.file and (source := call.server.sources.of_file(site.file)) is not None:
        found["location"] = source
        found["line"] = call.client.line_out(site.line)
    return found


def ops(call: Call) -> Body:
    """`tracedbg/ops`: a page of the ops of a graph: the one a thread has stopped in, or by its name."""
    arguments, server = call.request.arguments, call.server
    if "graph" in arguments:
        graph = server.graphs.find(arguments.text("graph"))
        at = None
    else:
        view = server.halted(arguments.number("threadId")).stop.view
        seen = server.graphs.see(view)
        if seen is None:
            raise RequestError("the thread has stopped in eager code, which has no list of ops")
        graph, at = seen, view.op.index if view.op else None
    start = max(0, arguments.number("start", 0))
    count = arguments.number("count", _FEW)
    indexes = range(start, min(start + max(0, min(count, MOST_INSTRUCTIONS)), len(graph.sites)))
    return {
        "function": graph.function,
        "graph": graph.name,
        "notes": list(graph.notes),
        "total": len(graph.sites),
        "at": at,
        "ops": [_op(call, graph, index) for index in indexes],
    }


def _op(call: Call, graph: Graph, index: int) -> Body:
    site = graph.sites[index]
    return {
        "index": index,
        "address": hex(graph.address(index)),
        "name": site.name,
        "op": site.op,
        "inputs": list(site.inputs),
        "output": site.output,
        "file": site.file,
        "line": call.client.line_out(site.line) if site.line else None,
    }


def graphs(call: Call) -> Body:
    """`tracedbg/graphs`: the graphs that threads have stopped in."""
    return {
        "graphs": [
            {"function": one.function, "graph": one.name, "total": len(one.sites), "notes": list(one.notes)}
            for one in call.server.graphs.all()
        ]
    }


COMMANDS = {
    "disassemble": Command(disassemble),
    "tracedbg/ops": Command(ops),
    "tracedbg/graphs": Command(graphs),
}
