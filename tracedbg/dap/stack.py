"""Requests about the stack of a stopped thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracedbg.dap.arguments import RequestError
from tracedbg.dap.commands import Command, Where

if TYPE_CHECKING:
    from tracedbg.dap.commands import Call
    from tracedbg.dap.halted import Halted
    from tracedbg.dap.protocol import Body, Request
    from tracedbg.dap.server import Server

_MOST_LEVELS = 1000


@dataclass(frozen=True)
class FrameNumber:
    """What a frame's number stands for."""

    index: int
    """Into `Inspector.frames`."""


def of_thread(server: Server, request: Request) -> Halted:
    """The stopped thread that a request names."""
    return server.halted(request.arguments.number("threadId"))


def of_frame(server: Server, request: Request) -> Halted:
    """The stopped thread of the frame that a request names."""
    return server.references.find(request.arguments.number("frameId"), FrameNumber, "frame").halted


def of_frame_or_any(server: Server, request: Request) -> Halted:
    """The same; whichever thread stands still if no frame is named.

    Raises:
        RequestError: none does.
    """
    if "frameId" in request.arguments:
        return of_frame(server, request)
    for halted in server.all_halted():
        return halted
    raise RequestError("no thread stands still")


def frame_index(call: Call) -> int:
    """Which frame of its thread a request means: the innermost one if it names none."""
    if "frameId" not in call.request.arguments:
        return 0
    number = call.request.arguments.number("frameId")
    index: int = call.server.references.find(number, FrameNumber, "frame").target.index
    return index


def stack_trace(call: Call) -> Body:
    """`stackTrace`: traced lines, their inlined callers, then Python's own frames."""
    arguments, halted = call.request.arguments, call.on
    frames = halted.inspector.frames
    start = max(0, arguments.number("startFrame", 0))
    levels = arguments.number("levels", 0)
    if not 0 < levels <= _MOST_LEVELS:
        levels = _MOST_LEVELS
    indexes = range(start, min(start + levels, len(frames)))
    return {"stackFrames": [_frame(call, index) for index in indexes], "totalFrames": len(frames)}


def _frame(call: Call, index: int) -> Body:
    server, halted = call.server, call.on
    frame = halted.inspector.frames[index]
    found: Body = {
        "id": server.references.add(halted, FrameNumber(index)),
        "name": frame.function,
        "line": call.client.line_out(frame.line),
        "column": call.client.first_column,
        "tracedbg": {"isTraced": frame.is_traced, **(_turn(halted) if index == 0 else {})},
    }
    source = server.sources.of_frame(frame)
    if source is not None:
        found["source"] = source
    if not frame.is_user:
        found["presentationHint"] = "subtle"
    if index == 0 and (address := server.graphs.pointer(halted.stop.view)) is not None:
        found["instructionPointerReference"] = address
    return found


def _turn(halted: Halted) -> Body:
    view = halted.stop.view
    return {
        "iteration": view.iteration,
        "isBackward": view.is_backward,
        "op": view.op.site.op if view.op else None,
    }


def exception_info(call: Call) -> Body:
    """`exceptionInfo`: the event that a thread has stopped at."""
    stop = call.on.stop
    if not stop.filter:
        raise RequestError(f"thread {call.on.number} has stopped at a {stop.reason}, and at no event")
    details = {"message": stop.text, "typeName": stop.filter}
    return {"exceptionId": stop.filter, "description": stop.text, "breakMode": "always", "details": details}


COMMANDS = {
    "exceptionInfo": Command(exception_info, Where.STOPPED, of_thread),
    "stackTrace": Command(stack_trace, Where.STOPPED, of_thread),
}
