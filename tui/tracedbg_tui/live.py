"""The program while it runs: its state, how it goes on, what happens to it. Nothing here blocks the screens.

All its state belongs to the thread of the event loop; what the connection's own thread reads is handed over
to it. It must not know any screen.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from enum import Enum
from typing import TYPE_CHECKING, Any

from tracedbg.dap.client import Client, ClientError, ClosedError
from tracedbg_tui import live_messages as messages
from tracedbg_tui.answers import Filter, Stop, Thread
from tracedbg_tui.breakpoints import Book, unsent
from tracedbg_tui.requests import Requests

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from textual.message import Message

    from tracedbg.dap.client import Answer
    from tracedbg_tui.answers import Body

_BEAT_S = 1.0
_TYPED_AHEAD_S = 1.0
_FAR = frozenset(("continue", "to"))
"""Ways of going on that may take as long as the program does."""
_SILENT_S = 2.0
"""After so long without an answer to a question that needs no thread, the program does not respond."""
_MAIN_THREAD = 1


class State(Enum):
    """How far the program is."""

    CONNECTING = "connecting"
    READY = "ready"
    """It waits to begin."""
    RUNNING = "running"
    STOPPED = "stopped"
    """At least one of its threads."""
    ENDED = "ended"


class Live(Requests):
    """The debugger of a running program. Only for the thread of the event loop."""

    def __init__(
        self, connection: socket.socket, post: Callable[[Message], object], book: Book | None = None
    ) -> None:
        """Prepare; `start` begins to talk.

        Args:
            connection: to the debugger.
            post: told of all that happens: see `live_messages`.
            book: where to stop.
        """
        super().__init__()
        self.state = State.CONNECTING
        self.is_responding = True
        self.is_pausing = False
        """Whether a stop was asked for that has not come."""
        self.stops: dict[int, Stop] = {}
        """The threads that stand still, by number."""
        self.current: int | None = None
        """The thread that is looked at."""
        self.program = ""
        """As Python calls it: the path of a script."""
        self.pid: int | None = None
        self.filters: tuple[Filter, ...] = ()
        """What the program can stop at, other than a place."""
        self.book = book or Book()
        self.book.on_change = self._book_changed
        self._connection = connection
        self._listeners = [post]
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._sent: dict[str, Body] = {}
        self._syncing: asyncio.Task[None] | None = None
        self._hold = self._is_held = False
        self._initialized = asyncio.Event()
        self._turn = asyncio.Lock()
        self._stepped = asyncio.Event()
        """Cleared while a step is under way, which ends soon as a rule."""
        self._stepped.set()

    # --- life ----------------------------------------------------------------------------------

    def listen(self, post: Callable[[Message], object]) -> None:
        """Tell one more of all that happens."""
        self._listeners.append(post)

    def unlisten(self, post: Callable[[Message], object]) -> None:
        """Tell it no more."""
        if post in self._listeners:
            self._listeners.remove(post)

    def start(self, *, hold: bool = False) -> None:
        """Begin to talk; nothing happens if that has begun.

        Args:
            hold: whether a program that has not begun waits for `begin`.
        """
        if self._loop is not None:
            return
        self._hold = hold
        self._loop = asyncio.get_running_loop()
        self._client = Client(self._connection, self._heard, self._closed)
        self._run(self._introduce())
        self._run(self._listen_for_the_heart())

    async def begin(self) -> None:
        """Have a program that waits to begin do so.

        Raises:
            ClientError: it could not be told.
        """
        await self._synced()
        if self.state is State.READY:
            self.state = State.RUNNING
            self._post(messages.Running(_MAIN_THREAD))
            await self.ask("configurationDone")

    def close(self) -> None:
        """Go away; the program goes on, unless it is ended otherwise."""
        for task in self._tasks:
            task.cancel()
        self._listeners.clear()
        if self._client is not None:
            self._client.close()
        else:
            self._connection.close()

    async def terminate(self) -> None:
        """End the program, as a SIGTERM does."""
        await self.ask("terminate")

    @property
    def stop(self) -> Stop | None:
        """That of the thread that is looked at."""
        return None if self.current is None else self.stops.get(self.current)

    def focus(self, thread: int) -> None:
        """Look at another thread that stands still."""
        if thread in self.stops and thread != self.current:
            self.current = thread
            self._post(messages.Stopped(self.stops[thread]))

    # --- going on ------------------------------------------------------------------------------

    async def go(self, how: str, **arguments: Any) -> None:
        """Let the thread that is looked at go on.

        Args:
            how: `continue`, or a `go` of `tracedbg/step`: `over`, `into`, `out`, `op`, `op_over`, `graph`.
            arguments: for it.

        Raises:
            ClientError: it could not; it stands as before.
        """
        if self.state is State.READY and how == "continue":
            await self.begin()
            return
        async with self._turn:  # what is typed while a step is under way waits for its end
            await self._synced()
            with suppress(TimeoutError, asyncio.TimeoutError):
                await asyncio.wait_for(self._stepped.wait(), _TYPED_AHEAD_S)
            await self._go(how, arguments)

    async def _go(self, how: str, arguments: dict[str, Any]) -> None:
        stop = self.stop
        if stop is None:
            raise ClientError(_not_stopped(self.state))
        self._resumed(stop.thread)  # before the answer: the next stop may come right behind it
        if how not in _FAR:
            self._stepped.clear()
        try:
            if how == "continue":
                await self.ask("continue", threadId=stop.thread)
            else:
                await self.ask("tracedbg/step", threadId=stop.thread, go=how, **arguments)
        except ClientError:
            if stop.thread not in self.stops and self.state is not State.ENDED:
                self._stopped(stop)
            raise

    async def run_to(self, file: str, line: int) -> None:
        """Go on to a line.

        Raises:
            ClientError: it could not.
        """
        await self.go("to", source={"path": file}, line=line)

    async def pause(self) -> None:
        """Stop the program's main thread at its next line.

        Raises:
            ClientError: it is not running.
        """
        if self.state is not State.RUNNING:
            raise ClientError(f"the program is {self.state.value}: there is nothing to pause")
        self.is_pausing = True
        await self.ask("pause", threadId=_MAIN_THREAD)

    async def threads(self) -> list[Thread]:
        """All threads that run Python."""
        body = await self.ask("threads")
        return [Thread(int(one["id"]), str(one["name"])) for one in body["threads"]]

    def _send(self, command: str, **arguments: Any) -> Answer:
        if self.state is State.ENDED:
            raise ClosedError("the program has ended")
        return super()._send(command, **arguments)

    # --- what happens ---------------------------------------------------------------------------

    async def _introduce(self) -> None:
        """Say hello, and where to stop. A program that starts slowly may let us wait for long."""
        body = await asyncio.wrap_future(self._send("initialize", **_HELLO))
        self.filters = tuple(map(Filter.read, body.get("exceptionBreakpointFilters") or ()))
        await self.ask("attach")
        await self._initialized.wait()
        await self._sync()
        if self._hold and self._is_held:
            self.state = State.READY
            self._post(messages.Ready())
            return
        if self.state is State.CONNECTING:
            self.state = State.RUNNING
            self._post(messages.Running(_MAIN_THREAD))
        await self.ask("configurationDone")

    async def _listen_for_the_heart(self) -> None:
        """Ask for what needs no thread, again and again: who holds Python's lock cannot answer."""
        while self.state is not State.ENDED:
            await asyncio.sleep(_BEAT_S)
            if self.state in (State.CONNECTING, State.ENDED):
                continue
            with suppress(ClientError):
                beat = asyncio.ensure_future(asyncio.wrap_future(self._send("threads")))
                done, _ = await asyncio.wait({beat}, timeout=_SILENT_S)
                if not done:
                    self._responds(is_responding=False)
                    await asyncio.wait({beat})
                beat.exception()
                self._responds(is_responding=True)

    def _responds(self, *, is_responding: bool) -> None:
        if self.is_responding != is_responding:
            self.is_responding = is_responding
            self._post(messages.Responding(is_responding=is_responding))

    def _heard(self, name: str, body: Body) -> None:
        """In the connection's thread: an event has come."""
        self._hand_over(self._event, name, body)

    def _closed(self) -> None:
        """In the connection's thread: it has ended."""
        self._hand_over(self._ended)

    def _hand_over(self, do: Callable[..., None], *arguments: Any) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed, and nobody looks any more
                self._loop.call_soon_threadsafe(do, *arguments)

    def _event(self, name: str, body: Body) -> None:
        if name == "stopped":
            self._stopped(Stop.read(body))
        elif name == "continued":
            if int(body["threadId"]) in self.stops:  # another client has let it go
                self._resumed(int(body["threadId"]))
        elif name == "breakpoint":
            self.book.changed(body.get("breakpoint") or {})
            self._post(messages.BreakpointsChanged())
        elif name == "output":
            text, category = str(body.get("output") or ""), str(body.get("category") or "console")
            is_log = category == "console"
            self._post(messages.Log(text) if is_log else messages.Output(text, category))
        elif name == "invalidated":
            self._post(messages.ValuesChanged())
        elif name == "process":
            self.program, self.pid = str(body.get("name") or ""), body.get("systemProcessId")
            self._is_held = bool((body.get("tracedbg") or {}).get("isHeld"))
        elif name == "initialized":
            self._initialized.set()
        elif name == "terminated":
            self._ended()

    def _stopped(self, stop: Stop) -> None:
        self.stops[stop.thread] = stop
        self._stepped.set()
        self.is_pausing = False
        self.state = State.STOPPED
        if self.current not in self.stops or self.current == stop.thread:
            self.current = stop.thread
        self._post(messages.Stopped(stop))

    def _resumed(self, thread: int) -> None:
        self.stops.pop(thread, None)
        if self.current == thread and self.stops:
            self._post(messages.Running(thread))
            self.current = next(iter(self.stops))
            self._post(messages.Stopped(self.stops[self.current]))
            return
        if not self.stops:
            self.state = State.RUNNING
        self._post(messages.Running(thread))

    def _ended(self) -> None:
        if self.state is State.ENDED:
            return
        self.state = State.ENDED
        self._stepped.set()
        self.stops.clear()
        self.current = None
        self.is_pausing = False
        self._sent.clear()
        self.book.forget()
        self._responds(is_responding=True)
        self._post(messages.Exited())
        self._post(messages.BreakpointsChanged())

    def _post(self, message: Message) -> None:
        for post in tuple(self._listeners):
            post(message)

    # --- breakpoints ----------------------------------------------------------------------------

    def _book_changed(self) -> None:
        self._post(messages.BreakpointsChanged())
        if self.state in (State.CONNECTING, State.ENDED):
            return
        if self._syncing is None or self._syncing.done():
            self._syncing = self._run(self._sync())

    async def _synced(self) -> None:
        """Wait until the debugger knows of all breakpoints: what has just been set is to stop the program."""
        if self._syncing is not None and not self._syncing.done():
            await asyncio.wait({self._syncing})

    async def _sync(self) -> None:
        """Tell the debugger what it does not know yet of the book, until there is nothing more."""
        while (changed := unsent(self.book, self._sent)) is not None:
            key, command, arguments, wanted = changed
            self._sent[key] = arguments
            try:
                body = await self.ask(command, **arguments)
            except ClosedError:
                return
            except ClientError as error:
                self._post(messages.Refused(str(error)))
                continue
            self.book.told(wanted, body.get("breakpoints") or ())
            self._post(messages.BreakpointsChanged())

    def _run(self, do: Any) -> asyncio.Task[None]:
        """Start something that nobody waits for; what goes wrong there is told."""
        task = asyncio.get_running_loop().create_task(self._told(do))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _told(self, do: Any) -> None:
        try:
            await do
        except ClosedError:
            return
        except ClientError as error:
            self._post(messages.Refused(str(error)))


_HELLO: Body = {
    "clientID": "tracedbg",
    "adapterID": "tracedbg",
    "pathFormat": "path",
    "linesStartAt1": True,
    "columnsStartAt1": True,
    "supportsInvalidatedEvent": True,
}


def _not_stopped(state: State) -> str:
    if state is State.RUNNING:
        return "the program runs: Ctrl+C or Pause stops it"
    if state is State.READY:
        return "the program has not begun: c lets it run to the first breakpoint"
    return f"the program is {state.value}" if state is State.CONNECTING else "the program has ended"
