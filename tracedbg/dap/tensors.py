"""Requests about tensors of a stopped thread: their bytes, their numbers, how two differ."""

from __future__ import annotations

import base64
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tracedbg.dap.arguments import RequestError
from tracedbg.dap.commands import Command, Where
from tracedbg.dap.stack import frame_index, of_frame_or_any
from tracedbg.dap.variables import Container, of_value, value_of

if TYPE_CHECKING:
    from tracedbg.dap.commands import Call
    from tracedbg.dap.halted import Halted
    from tracedbg.dap.protocol import Body, Request
    from tracedbg.dap.server import Server

MOST_BYTES = 4 << 20
_MOST_BINS = 1000
_MOST_FIRST = 10_000
_PREFIX = "tensor-"


def _container(server: Server, request: Request) -> tuple[Halted, Container]:
    reference = request.arguments.text("memoryReference")
    digits = reference.removeprefix(_PREFIX)
    if not reference.startswith(_PREFIX) or not digits.isdecimal():
        raise RequestError(f"{reference!r} is no tensor's memory")
    found = server.references.find(int(digits), Container, "tensor")
    return found.halted, found.target


def of_memory(server: Server, request: Request) -> Halted:
    """The stopped thread of the tensor that a request names."""
    return _container(server, request)[0]


def read_memory(call: Call) -> Body:
    """`readMemory`: elements as they would lie in contiguous memory."""
    arguments = call.request.arguments
    count, offset = arguments.number("count"), arguments.number("offset", 0)
    value = _container(call.server, call.request)[1].parent
    tensors = call.on.inspector.tensors_of(getattr(value, "value", None))
    if tensors is None:
        raise RequestError("only tensors have memory that can be read")
    wanted = max(0, min(count, MOST_BYTES))
    data = b"" if offset < 0 or not wanted else tensors.bytes(value.value, offset, wanted)  # type: ignore[union-attr]
    body: Body = {"address": hex(max(0, offset)), "unreadableBytes": max(0, count - len(data))}
    return {**body, "data": base64.b64encode(data).decode("ascii")} if data else body


def tensor(call: Call) -> Body:
    """`tracedbg/tensor`: a summary; a histogram and a slice where they are asked for."""
    arguments, inspector = call.request.arguments, call.on.inspector
    value = value_of(call)
    first = max(0, min(arguments.number("first", 8), _MOST_FIRST))
    body: Body = {"summary": _plain(asdict(inspector.summary(value, first)))}
    bins = arguments.number("bins", 0)
    if bins > 0:
        edges, counts = inspector.histogram(value, min(bins, _MOST_BINS))
        body["histogram"] = {"edges": edges, "counts": counts}
    if "window" in arguments:
        body["window"] = _plain(inspector.window(value, arguments.text("window")))
    return body


def compare(call: Call) -> Body:
    """`tracedbg/compare`: how two tensors, given by expressions, differ."""
    arguments, inspector, frame = call.request.arguments, call.on.inspector, frame_index(call)
    left, right = arguments.text("left"), arguments.text("right")
    found = inspector.compare(inspector.value(left, frame), inspector.value(right, frame))
    return {"difference": _plain(asdict(found)), "text": inspector.compare_text(left, right, frame)}


def _plain(value: Any) -> Any:
    """`value` in what JSON knows; the rest as text."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


COMMANDS = {
    "readMemory": Command(read_memory, Where.STOPPED, of_memory, is_breakable=True),
    "tracedbg/tensor": Command(tensor, Where.STOPPED, of_value, is_breakable=True),
    "tracedbg/compare": Command(compare, Where.STOPPED, of_frame_or_any, is_breakable=True),
}
