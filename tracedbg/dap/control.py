"""Requests about the life of the connection and of the program, and how threads go on."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from tracedbg.dap.arguments import RequestError
from tracedbg.dap.commands import Command
from tracedbg.dap.protocol import capabilities
from tracedbg.dap.security import is_token
from tracedbg.engine import FILTERS, Action, Go
from tracedbg.frames import real_path

if TYPE_CHECKING:
    from tracedbg.dap.commands import Call
    from tracedbg.dap.protocol import Body

_GRANULARITIES = ("statement", "line", "instruction")
_GO_BY_LINE = {"next": Go.OVER, "stepIn": Go.INTO, "stepOut": Go.OUT}
_GO_BY_OP = {"next": Go.OP_OVER, "stepIn": Go.OP, "stepOut": Go.OUT}
_GO_ON = {go.value: go for go in (Go.OVER, Go.INTO, Go.OUT, Go.OP, Go.OP_OVER, Go.GRAPH)}


def initialize(call: Call) -> Body:
    """`initialize`: who the client is, and what we can do."""
    call.client.introduce(call.request.arguments)
    _admit(call, is_last_chance=False)
    return capabilities(FILTERS)


def attach(call: Call) -> None:
    """`attach` and `launch`: the program runs already, so that both are the same here."""
    _admit(call, is_last_chance=True)
    if call.client.is_attached:
        raise RequestError("the client is attached already")
    if call.request.arguments.flag("stopOnEntry"):
        call.server.stops_on_entry = True
        call.server.engine.pause(threading.main_thread().ident or 0)
    call.client.is_attached = True
    call.afterwards.append(lambda: _introduce(call))


def _admit(call: Call, *, is_last_chance: bool) -> None:
    client, token = call.client, call.request.arguments.text("token", "")
    if client.is_trusted:
        return
    if is_token(token, call.server.token):
        client.is_trusted = True
    elif token or is_last_chance:
        call.afterwards.append(client.channel.finish)
        raise RequestError("the token is missing or wrong")


def _introduce(call: Call) -> None:
    body: Body = {
        "name": sys.argv[0] if getattr(sys, "argv", None) else "",
        "systemProcessId": os.getpid(),
        "isLocalProcess": True,
        "startMethod": call.request.command,
        "tracedbg": {"isHeld": call.server.holds_program},
    }
    call.client.tell("process", body)
    call.client.tell("initialized")
    for halted in call.server.all_halted():
        call.client.tell("stopped", call.server.stopped(halted))


def configuration_done(call: Call) -> None:
    """`configurationDone`: the client has said where to stop."""
    call.server.configured()


def threads(call: Call) -> Body:
    """`threads`: all that run Python."""
    return {"threads": [{"id": number, "name": name} for number, name in call.server.threads.all()]}


def pause(call: Call) -> None:
    """`pause`: a thread is to stop at its next line."""
    number = call.request.arguments.number("threadId")
    ident = call.server.threads.ident(number)
    if ident is None:
        raise RequestError(f"there is no thread {number}")
    if all(halted.number != number for halted in call.server.all_halted()):
        call.server.engine.pause(ident)


def go_on(call: Call) -> Body:
    """`continue`: one thread, as each stops by itself."""
    _go(call, Action(Go.CONTINUE))
    return {"allThreadsContinued": False}


def step(call: Call) -> None:
    """`next`, `stepIn`, `stepOut`: by lines, or by ops where the granularity is `instruction`."""
    granularity = call.request.arguments.text("granularity", "statement")
    if granularity not in _GRANULARITIES:
        raise RequestError(f"no granularity {granularity!r}; there are {', '.join(_GRANULARITIES)}")
    table = _GO_BY_OP if granularity == "instruction" else _GO_BY_LINE
    _go(call, Action(table[call.request.command]))


def custom_step(call: Call) -> None:
    """`tracedbg/step`: the ways of going on that the protocol has no word for."""
    arguments = call.request.arguments
    go = arguments.text("go")
    if go == "to":
        line = call.client.line_in(arguments.number("line"))
        _go(call, Action(Go.TO, real_path(arguments.inner("source").text("path")), line))
    elif go == "abort":
        _go(call, Action(Go.ABORT))
    elif go in _GO_ON:
        _go(call, Action(_GO_ON[go]))
    else:
        raise RequestError(
            f"no way of going on named {go!r}; there are {', '.join([*_GO_ON, 'to', 'abort'])}"
        )


def _go(call: Call, action: Action) -> None:
    """Check now; let the thread go when the client has been answered."""
    halted = call.server.halted(call.request.arguments.number("threadId"))
    call.afterwards.append(lambda: call.server.go(halted, action, call.client))


def terminate(call: Call) -> None:
    """`terminate`: the program may clean up, as after any SIGTERM."""
    call.afterwards.append(_send_sigterm)


def _send_sigterm() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def disconnect(call: Call) -> None:
    """`disconnect`: the client goes; the program goes on, unless it is to end."""
    client = call.client
    call.afterwards.extend([lambda: call.server.detach(client), client.channel.finish])
    if client.is_trusted and call.request.arguments.flag("terminateDebuggee"):
        call.afterwards.append(_send_sigterm)


def restart(_call: Call) -> None:
    """`restart`: only who has started the program can start it again."""
    raise RequestError("only a program that 'tracedbg dap' has launched can be restarted")


def cancel(call: Call) -> None:
    """`cancel`: nobody waits for the answer to a request any more."""
    call.client.cancel(call.request.arguments.number("requestId", -1))


COMMANDS = {
    "initialize": Command(initialize),
    "attach": Command(attach),
    "launch": Command(attach),
    "configurationDone": Command(configuration_done),
    "threads": Command(threads),
    "pause": Command(pause),
    "continue": Command(go_on),
    "next": Command(step),
    "stepIn": Command(step),
    "stepOut": Command(step),
    "tracedbg/step": Command(custom_step),
    "terminate": Command(terminate),
    "disconnect": Command(disconnect),
    "restart": Command(restart),
    "cancel": Command(cancel),
}
