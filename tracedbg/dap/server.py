"""The server in the debugged process: the engine's frontend for any number of clients.

A stopped thread waits in `interact` and does on itself what touches its values; all else is done in the
thread that reads. When the last client is gone, however it went, nothing stops any more and the program
goes on. It must not know how any request is done: see `commands`.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import TYPE_CHECKING

from tracedbg.dap import commands
from tracedbg.dap.arguments import RequestError
from tracedbg.dap.breakpoints import Bindings
from tracedbg.dap.clients import Client
from tracedbg.dap.commands import Call, Command, Where
from tracedbg.dap.graphs import Graphs
from tracedbg.dap.halted import Halted, Job
from tracedbg.dap.protocol import Request
from tracedbg.dap.references import References
from tracedbg.dap.service import Service
from tracedbg.dap.sources import Sources
from tracedbg.dap.threads import ThreadNumbers
from tracedbg.dap.wire import Malformed
from tracedbg.dap.worker import Worker
from tracedbg.engine import Action, Go

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from tracedbg.dap.channel import Channel
    from tracedbg.dap.protocol import Body
    from tracedbg.dap.wire import Message
    from tracedbg.engine import Engine, Stop


class Server:
    """The debugger of this process, over the Debug Adapter Protocol."""

    def __init__(self, engine: Engine, token: str = "") -> None:
        """Prepare.

        Args:
            engine: whose frontend it becomes.
            token: what clients have to know that come over a network; empty if none can.
        """
        self.engine = engine
        self.token = token
        self.references = References()
        self.threads = ThreadNumbers()
        self.graphs = Graphs()
        self.sources = Sources()
        self.bindings = Bindings(self)
        self.stops_on_entry = False
        self.holds_program = False
        """Whether the program waits, or is about to, until a client has said where to stop."""
        self._commands = commands.load()
        self._service = Service(self)
        self._worker = Worker()
        self._configured = threading.Event()
        self._lock = threading.Lock()
        self._clients: dict[Channel, Client] = {}
        self._halted: dict[int, Halted] = {}
        self._is_closed = False
        self._can_be_reached = False
        """Whether others may come when all clients have gone."""
        self._on_close: list[Callable[[], None]] = []
        engine.breakpoints.on_change(self.bindings.tell_changes)

    # --- life ----------------------------------------------------------------------------------

    def listen(self, listener: socket.socket, admit: Callable[[socket.socket], bool | None]) -> None:
        """See `Service.listen`."""
        self._can_be_reached = True
        self._service.listen(listener, admit)

    def add(self, connection: socket.socket, *, is_trusted: bool) -> None:
        """Talk to a client that is connected."""
        self._service.add(connection, is_trusted=is_trusted)

    def start(self) -> None:
        """Begin to talk to clients."""
        _servers.add(self)
        self._service.start()

    def wait_until_configured(self) -> None:
        """Return when a client has said where to stop, or has gone without doing so."""
        self._configured.wait()

    def configured(self) -> None:
        """A client has said where to stop."""
        self.holds_program = False
        self._configured.set()

    def on_close(self, do: Callable[[], None]) -> None:
        """Have something done when it is closed."""
        self._on_close.append(do)

    def close(self) -> None:
        """Say that the program has ended, and leave nothing behind."""
        if self._is_closed:
            return
        self._is_closed = True
        self.tell("terminated")
        self._service.stop()
        self._worker.stop()
        for do in self._on_close:
            do()

    def abandon(self) -> None:
        """In a forked child: the clients are the parent's, and nothing stops here."""
        self._is_closed = True
        self._lock = threading.Lock()  # another thread may have held it, and does not exist here
        self._service.abandon()
        self._worker.abandon()
        self.references.reset_after_fork()
        self._clients = {}
        self.engine.reset_after_fork()
        for halted in self._halted.values():
            halted.reset_after_fork(Action(Go.CONTINUE))
        self._configured = threading.Event()
        self._configured.set()

    # --- the engine's frontend -------------------------------------------------------------------

    def interact(self, stop: Stop) -> Action:
        """See `Frontend`; the same for the method below."""
        halted = Halted(stop, self.threads.number(stop.thread_id), self.engine.values)
        with self._lock:
            if self._is_closed or not any(client.is_attached for client in self._clients.values()):
                return Action(Go.CONTINUE)
            self._halted[stop.thread_id] = halted
        try:
            self.graphs.see(stop.view)
            self.tell("stopped", self.stopped(halted))
            return halted.wait()
        finally:
            with self._lock:
                self._halted.pop(stop.thread_id, None)
            self.references.forget(halted)

    def say(self, text: str, stop: Stop | None = None) -> None:  # noqa: ARG002, D102  of the Protocol
        for client in self.clients():
            client.say(text.removesuffix("\n") + "\n")

    def stopped(self, halted: Halted) -> Body:
        """What clients are told of a stop."""
        stop = halted.stop
        reason = "entry" if stop.reason == "pause" and self.stops_on_entry else stop.reason
        self.stops_on_entry = False
        body: Body = {"reason": reason, "threadId": halted.number, "allThreadsStopped": False}
        if stop.text:
            body["text"] = stop.text
            body["description"] = stop.text.splitlines()[0]
        if stop.breakpoint_ids:
            body["hitBreakpointIds"] = list(stop.breakpoint_ids)
        return body

    # --- clients ---------------------------------------------------------------------------------

    def clients(self) -> list[Client]:
        """Those who are attached."""
        with self._lock:
            return [client for client in self._clients.values() if client.is_attached]

    def tell(self, name: str, body: Body | None = None, besides: Client | None = None) -> None:
        """Send an event to all clients, but one that knows it already."""
        for client in self.clients():
            if client is not besides:
                client.tell(name, body)

    def came(self, channel: Channel, *, is_trusted: bool) -> None:
        """See `service.Handler`; the same for the methods below."""
        with self._lock:
            self._clients[channel] = Client(channel, is_trusted=is_trusted)

    def said(self, channel: Channel, message: Message | Malformed) -> None:  # noqa: D102
        client = self._clients[channel]
        if isinstance(message, Malformed):
            client.say(message.why + "\n", "important")
            return
        if message.get("type") != "request":
            return  # an answer to something that we have not asked
        try:
            request = Request.read(message)
            client.check(request)
            self._do(client, request, self._command(request))
        except RequestError as error:
            client.refuse(message, str(error))

    def left(self, channel: Channel, why: str) -> None:  # noqa: D102
        with self._lock:
            client = self._clients.pop(channel, None)
            others = [one for one in self._clients.values() if one.is_attached]
        if client is None:
            return
        if why:
            client.say(f"the connection is closed: {why}\n", "important")
        client.cancel_all()
        if others:
            self.bindings.drop(client)
        elif client.is_attached or not self._can_be_reached:
            self.let_go()

    def detach(self, client: Client) -> None:
        """A client goes, and says so."""
        client.is_attached = False
        self.bindings.drop(client)
        if not self.clients():
            self.let_go()

    def let_go(self) -> None:
        """Nobody is there any more: stop nowhere, and let every thread go on."""
        self.engine.let_go()
        self._configured.set()
        for halted in self.all_halted():
            halted.go(Action(Go.CONTINUE))

    # --- stopped threads -------------------------------------------------------------------------

    def all_halted(self) -> list[Halted]:
        """The threads that stand still."""
        with self._lock:
            return list(self._halted.values())

    def halted(self, number: int) -> Halted:
        """A thread that stands still, by the number that clients have for it.

        Raises:
            RequestError: it does not, or does not exist.
        """
        for halted in self.all_halted():
            if halted.number == number:
                return halted
        if self.threads.ident(number) is None:
            raise RequestError(f"there is no thread {number}")
        raise RequestError(f"thread {number} is running")

    def go(self, halted: Halted, action: Action, client: Client | None = None) -> None:
        """Let a thread go on, as `client` has asked and need not be told."""
        if halted.go(action):
            self.tell("continued", {"threadId": halted.number, "allThreadsContinued": False}, client)

    # --- requests --------------------------------------------------------------------------------

    def _command(self, request: Request) -> Command:
        command = self._commands.get(request.command)
        if command is None:
            raise RequestError(f"unknown request {request.command!r}")
        return command.choose(request) if command.choose is not None else command

    def _do(self, client: Client, request: Request, command: Command) -> None:
        halted = command.find(self, request) if command.find is not None else None
        call = Call(self, client, request, halted)

        def answer(body: Body | None) -> None:
            client.end(request)
            client.answer(request, body)
            for do in call.afterwards:
                do()

        def refuse(why: str) -> None:
            client.end(request)
            client.refuse({"seq": request.seq, "command": request.command}, why)
            for do in call.afterwards:
                do()

        job = Job(lambda: command.do(call), answer, refuse, is_breakable=command.is_breakable)
        if command.where is Where.SERVICE:
            job.run()
            return
        client.begin(request, job)
        if command.where is Where.WORKER or halted is None:
            self._worker.ask(job)
        elif not halted.ask(job):
            refuse("the thread has gone on")


_servers: weakref.WeakSet[Server] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for server in tuple(_servers):
        server.abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
