"""Requests about scopes and variables of a stopped thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tracedbg.dap.arguments import RequestError
from tracedbg.dap.commands import Command, Where
from tracedbg.dap.stack import frame_index, of_frame, of_frame_or_any
from tracedbg.engine.inspector import Scope, Variable

if TYPE_CHECKING:
    from tracedbg.dap.commands import Call
    from tracedbg.dap.halted import Halted
    from tracedbg.dap.protocol import Body, Request
    from tracedbg.dap.server import Server
    from tracedbg.engine.tree import Part

MOST_AT_ONCE = 1000
"""Children that one answer holds where the client has not said how many it wants."""
_HINTS = {"locals": "locals", "inputs": "arguments", "outputs": "returnValue", "graph": "registers"}
_PARTS: dict[str, Part] = {"": "all", "named": "named", "indexed": "indexed"}


@dataclass(frozen=True)
class Container:
    """What the number of a scope or a variable stands for."""

    parent: Scope | Variable
    frame: int


def of_variable(server: Server, request: Request) -> Halted:
    """The stopped thread of the scope or variable that a request names."""
    number = request.arguments.number("variablesReference")
    return server.references.find(number, Container, "variable").halted


def container(call: Call) -> Container:
    """The scope or variable that a request names."""
    number = call.request.arguments.number("variablesReference")
    found: Container = call.server.references.find(number, Container, "variable").target
    return found


def scopes(call: Call) -> Body:
    """`scopes`: locals, what the op takes and has made, the graph, globals."""
    frame = frame_index(call)
    return {"scopes": [_scope(call, one, frame) for one in call.on.inspector.scopes(frame)]}


def _scope(call: Call, scope: Scope, frame: int) -> Body:
    found: Body = {
        "name": scope.name,
        "variablesReference": call.server.references.add(call.on, Container(scope, frame)),
        "namedVariables": scope.count,
        "expensive": scope.is_expensive,
    }
    if scope.kind in _HINTS:
        found["presentationHint"] = _HINTS[scope.kind]
    return found


def variables(call: Call) -> Body:
    """`variables`: a page of what is in a scope or a variable."""
    arguments = call.request.arguments
    at = container(call)
    wanted = arguments.text("filter", "")
    if wanted not in _PARTS:
        raise RequestError(f"no filter {wanted!r} of variables; there are named, indexed")
    start, count = max(0, arguments.number("start", 0)), max(0, arguments.number("count", 0))
    page = call.on.inspector.children(at.parent, start, count or MOST_AT_ONCE + 1, _PARTS[wanted])
    shown = [described(call, one, at.frame) for one in (page if count else page[:MOST_AT_ONCE])]
    makers = call.on.inspector.makers(at.parent) if isinstance(at.parent, Scope) else {}
    for one in shown:
        if one["name"] in makers:
            one["tracedbg"] = {"madeBy": makers[one["name"]]}
    if len(shown) < len(page):
        more = f"more than {MOST_AT_ONCE:,}; ask for the others by their index"
        shown.append({"name": "...", "value": more, "variablesReference": 0})
    return {"variables": shown}


def described(call: Call, variable: Variable, frame: int) -> Body:
    """A variable as clients know it."""
    return {"name": variable.name, "value": variable.text, **_handle(call, variable, frame)}


def result(call: Call, variable: Variable, frame: int, text: str = "") -> Body:
    """A value as the answer to `evaluate`."""
    return {"result": text or variable.text, **_handle(call, variable, frame)}


def _handle(call: Call, variable: Variable, frame: int) -> Body:
    """What a client needs to go on from a value."""
    found: Body = {"type": variable.type_name, "variablesReference": 0}
    if variable.expression:
        found["evaluateName"] = variable.expression
    if variable.has_children:
        number = call.server.references.add(call.on, Container(variable, frame))
        found["variablesReference"] = number
        if variable.indexed:
            found["indexedVariables"] = variable.indexed
        if variable.named:
            found["namedVariables"] = variable.named
        if variable.is_tensor:
            found["memoryReference"] = f"tensor-{number}"
    return found


def set_variable(call: Call) -> Body:
    """`setVariable`: by its place in a scope or a variable."""
    arguments, at = call.request.arguments, container(call)
    name, value = arguments.text("name"), arguments.text("value")
    return changed(call, call.on.inspector.set(at.parent, name, value, at.frame), at.frame)


def set_expression(call: Call) -> Body:
    """`setExpression`: whatever an expression names."""
    arguments, frame = call.request.arguments, frame_index(call)
    made = call.on.inspector.set_expression(arguments.text("expression"), arguments.text("value"), frame)
    return changed(call, made, frame)


def changed(call: Call, variable: Variable, frame: int) -> Body:
    """The answer to a request that has set something; the other clients are told that something is new."""
    call.afterwards.append(lambda: tell_changed(call))
    return {"value": variable.text, **_handle(call, variable, frame)}


def tell_changed(call: Call) -> None:
    """Values of a stopped thread are not what clients have seen."""
    body = {"areas": ["variables"], "threadId": call.on.number}
    for client in call.server.clients():
        if client.supports_invalidated:
            client.tell("invalidated", body)


def value_of(call: Call) -> Any:
    """The value that a request names: by an expression in a frame, or by the number of a variable."""
    arguments = call.request.arguments
    if "variablesReference" in arguments:
        parent = container(call).parent
        if isinstance(parent, Scope):
            raise RequestError(f"{parent.name} is a scope, and no value")
        return parent.value
    return call.on.inspector.value(arguments.text("expression"), frame_index(call))


def of_value(server: Server, request: Request) -> Halted:
    """The stopped thread of the value that a request names."""
    if "variablesReference" in request.arguments:
        return of_variable(server, request)
    return of_frame_or_any(server, request)


COMMANDS = {
    "scopes": Command(scopes, Where.STOPPED, of_frame),
    "variables": Command(variables, Where.STOPPED, of_variable, is_breakable=True),
    "setVariable": Command(set_variable, Where.STOPPED, of_variable, is_breakable=True),
    "setExpression": Command(set_expression, Where.STOPPED, of_frame_or_any, is_breakable=True),
}
