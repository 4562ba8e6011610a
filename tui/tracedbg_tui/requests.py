"""The requests to a debugger, each with its answer as data. None blocks the event loop.

Each raises `ClientError` if it was not done. It must not know what state the program is in.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tracedbg.dap.client import ClosedError, NotRespondingError
from tracedbg_tui.answers import Frame, GraphInfo, OpsPage, Scope, Source, Tensor, Variable

if TYPE_CHECKING:
    from tracedbg.dap.client import Answer, Client
    from tracedbg_tui.answers import Body

TIMEOUT_S = 10.0
PATIENT_S = 120.0
"""For what runs the user's own code, or reads a long recording."""
_MOST_WAITING = 64
"""Requests on the way: more could fill the connection, and sending would wait for the program."""


class Requests:
    """Asks a debugger. Only for the thread of the event loop."""

    def __init__(self) -> None:
        self._client: Client | None = None
        """Set when there is a connection."""
        self._waiting = 0
        self._evaluating: Answer | None = None

    async def frames(self, thread: int, start: int = 0, levels: int = 100) -> tuple[list[Frame], int]:
        """(a part of a thread's stack, innermost first; how many frames there are)."""
        body = await self.ask("stackTrace", threadId=thread, startFrame=start, levels=levels)
        return [Frame.read(one) for one in body["stackFrames"]], int(body.get("totalFrames") or 0)

    async def scopes(self, frame: int) -> list[Scope]:
        """The groups of variables of a frame."""
        body = await self.ask("scopes", frameId=frame)
        return [Scope.read(one) for one in body["scopes"]]

    async def variables(
        self, reference: int, start: int = 0, count: int = 100, part: str = ""
    ) -> list[Variable]:
        """A page of what is in a scope or a variable.

        Args:
            reference: of the scope or variable.
            start: how many to leave out, of `part`.
            count: how many at most.
            part: `named`, `indexed` or nothing: all.
        """
        arguments: Body = {"variablesReference": reference, "start": start, "count": count}
        if part:
            arguments["filter"] = part
        body = await self.ask("variables", PATIENT_S, **arguments)
        return [Variable.read(one) for one in body["variables"]]

    async def evaluate(self, expression: str, frame: int | None = None, context: str = "repl") -> Variable:
        """The value of an expression; in the context `repl` of statements and of `%` commands, too."""
        arguments: Body = {"expression": expression, "context": context}
        if frame is not None:
            arguments["frameId"] = frame
        sent = self._send("evaluate", **arguments)
        if context == "repl":
            self._evaluating = sent
        body = await self._answered("evaluate", sent, PATIENT_S)
        return Variable.read({**body, "name": expression})

    async def cancel(self) -> bool:
        """Break off what `evaluate` was asked in the context `repl`; whether there was anything."""
        if self._evaluating is None or self._evaluating.done():
            return False
        await self.ask("cancel", requestId=self._evaluating.seq)
        return True

    async def completions(
        self, text: str, column: int, frame: int | None = None
    ) -> list[tuple[str, int, int]]:
        """(word, where it begins, how much it replaces) of each end of a line that is typed.

        Args:
            text: the line.
            column: of the cursor, from 0.
            frame: whose names; of any thread that stands still, if none is given.
        """
        arguments: Body = {"text": text, "column": column + 1}
        if frame is not None:
            arguments["frameId"] = frame
        body = await self.ask("completions", **arguments)
        return [
            (str(one["label"]), int(one.get("start", column + 1)) - 1, int(one.get("length", 0)))
            for one in body["targets"]
        ]

    async def set_variable(self, reference: int, name: str, value: str) -> Variable:
        """Set what is in a scope or a variable, by its name there."""
        body = await self.ask("setVariable", PATIENT_S, variablesReference=reference, name=name, value=value)
        return Variable.read({**body, "name": name})

    async def set_expression(self, expression: str, value: str, frame: int) -> Variable:
        """Set what an expression names."""
        body = await self.ask("setExpression", PATIENT_S, expression=expression, value=value, frameId=frame)
        return Variable.read({**body, "name": expression})

    async def tensor(  # noqa: PLR0913  each by its name
        self,
        *,
        reference: int = 0,
        expression: str = "",
        frame: int | None = None,
        first: int = 8,
        bins: int = 0,
        window: str | None = None,
    ) -> Tensor:
        """A tensor: by the number of a variable, or by an expression in a frame.

        Args:
            reference: of the variable; or
            expression: that gives it
            frame: there.
            first: how many elements the summary has.
            bins: of the histogram; 0 for none.
            window: a slice, such as `0, :10`.
        """
        arguments: Body = {"first": first, "bins": bins}
        if reference:
            arguments["variablesReference"] = reference
        else:
            arguments["expression"] = expression
        if frame is not None:
            arguments["frameId"] = frame
        if window is not None:
            arguments["window"] = window
        return Tensor.read(await self.ask("tracedbg/tensor", PATIENT_S, **arguments))

    async def ops(
        self, start: int, count: int, *, thread: int | None = None, graph: str | None = None
    ) -> OpsPage:
        """A page of the ops of the graph that a thread stands in, or of one by its name."""
        arguments: Body = {"start": start, "count": count}
        if graph is not None:
            arguments["graph"] = graph
        else:
            arguments["threadId"] = thread
        return OpsPage.read(await self.ask("tracedbg/ops", **arguments))

    async def graphs(self) -> list[GraphInfo]:
        """The graphs that threads have stopped in."""
        body = await self.ask("tracedbg/graphs")
        return [GraphInfo.read(one) for one in body["graphs"]]

    async def disassemble(self, address: str, offset: int, count: int) -> list[Body]:
        """Ops as instructions: `count` from the `offset`-th after an address on."""
        body = await self.ask(
            "disassemble", memoryReference=address, instructionOffset=offset, instructionCount=count
        )
        return list(body["instructions"])

    async def compare(self, left: str, right: str, frame: int) -> str:
        """How the tensors that two expressions give differ, in words."""
        body = await self.ask("tracedbg/compare", PATIENT_S, left=left, right=right, frameId=frame)
        return str(body["text"])

    async def loaded_sources(self) -> list[Source]:
        """The graphs that were stopped in and generated code, as texts."""
        body = await self.ask("loadedSources", PATIENT_S)
        return [Source.read(one) for one in body["sources"]]

    async def source(self, source: Source) -> str:
        """The text of a source."""
        arguments: Body = {"sourceReference": source.reference, "source": {"path": source.path}}
        return str((await self.ask("source", **arguments))["content"])

    async def lines(self, file: str, first: int, last: int) -> list[int]:
        """The lines of a file, between two, that Python could run."""
        body = await self.ask("breakpointLocations", source={"path": file}, line=first, endLine=last)
        return [int(one["line"]) for one in body["breakpoints"]]

    async def ask(self, command: str, timeout_s: float = TIMEOUT_S, /, **arguments: Any) -> Body:
        """Send a request and wait for its answer, while the screens go on.

        Raises:
            ClientError: it was not done.
            NotRespondingError: there was no answer in time.
            ClosedError: the debugger is gone.
        """
        return await self._answered(command, self._send(command, **arguments), timeout_s)

    def _send(self, command: str, **arguments: Any) -> Answer:
        if self._client is None:
            raise ClosedError("the program is not connected")
        if self._waiting >= _MOST_WAITING:
            raise NotRespondingError("the program does not answer")
        return self._client.send(command, **arguments)

    async def _answered(self, command: str, sent: Answer, timeout_s: float) -> Body:
        self._waiting += 1
        try:
            return await asyncio.wait_for(asyncio.wrap_future(sent), timeout_s)
        except asyncio.TimeoutError:
            raise NotRespondingError(f"no answer to {command!r} in {timeout_s:g} s") from None
        finally:
            self._waiting -= 1
