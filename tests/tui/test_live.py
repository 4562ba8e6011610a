"""What runs: its state, how it goes on, what is told of it; over the wire to a real server."""

from __future__ import annotations

import asyncio
import socket

import pytest

from tracedbg.dap.client import ClientError, ClosedError, NotRespondingError
from tracedbg_tui import live as live_module
from tracedbg_tui import live_messages as told
from tracedbg_tui import requests as requests_module
from tracedbg_tui.answers import Source
from tracedbg_tui.breakpoints import Wanted
from tracedbg_tui.live import Live, State
from tui.debug_fixtures import Silent, file, held  # noqa: F401  fixtures

PATIENCE_S = 20


class Listener:
    """Hears all, and waits for some of it."""

    def __init__(self):
        self.all = []
        self.queue = asyncio.Queue()

    def __call__(self, message):
        self.all.append(message)
        self.queue.put_nowait(message)

    async def wait(self, kind, fact=lambda _: True):
        while True:
            message = await asyncio.wait_for(self.queue.get(), PATIENCE_S)
            if isinstance(message, kind) and fact(message):
                return message


def talking(connection, scenario, *, hold=True, start=True):
    """Run a scenario with a `Live` and its listener."""

    async def run():
        heard = Listener()
        live = Live(connection, heard)
        try:
            if start:
                live.start(hold=hold)
            await scenario(live, heard)
        finally:
            live.close()

    asyncio.run(run())


async def at_line(live, heard, file, line=3):  # noqa: F811
    """Begin, and stand at a line."""
    await heard.wait(told.Ready)
    live.book.add(Wanted(file=file, line=line))
    await live.go("continue")
    return (await heard.wait(told.Stopped)).at


async def to_the_end(live, heard):
    live.book.clear()
    await live.go("continue")
    await heard.wait(told.Exited)
    assert live.state is State.ENDED


def test_a_held_program_begins_when_it_is_told_to(held):  # noqa: F811
    program, connection = held()

    async def scenario(live, heard):
        await heard.wait(told.Ready)
        assert live.state is State.READY
        assert not program.heartbeat.is_set()
        assert [one.name for one in live.filters][:2] == ["nan", "inf"]
        await live.go("continue")
        await heard.wait(told.Exited)
        assert program.heartbeat.is_set()
        assert [type(one) for one in heard.all if isinstance(one, told.Running)] == [told.Running]

    talking(connection, scenario)


def test_a_program_that_is_not_held_begins_at_once(held):  # noqa: F811
    _, connection = held()

    async def scenario(live, heard):
        await heard.wait(told.Running)
        await heard.wait(told.Exited)

    talking(connection, scenario, hold=False)


def test_a_program_that_has_begun_is_joined_where_it_is(held, file):  # noqa: F811
    program, connection = held()

    async def first(live, heard):
        await at_line(live, heard, file)
        ours, theirs = socket.socketpair()
        program.server.add(theirs, is_trusted=True)
        later_heard = Listener()
        later = Live(ours, later_heard)
        try:
            later.start(hold=True)
            assert (await later_heard.wait(told.Stopped)).at.reason == "breakpoint"
            assert later.state is State.STOPPED
            assert not any(isinstance(one, told.Ready) for one in later_heard.all)
            live.book.clear()
            await later.go("continue")
            await heard.wait(told.Running)
            await heard.wait(told.Exited)
            await later_heard.wait(told.Exited)
        finally:
            later.close()

    talking(connection, first)


def test_a_breakpoint_stops_and_all_can_be_asked(held, file):  # noqa: F811
    _, connection = held()

    async def scenario(live, heard):
        stop = await at_line(live, heard, file)
        assert (stop.reason, live.state, live.stop) == ("breakpoint", State.STOPPED, stop)
        (state,) = [live.book.state(one) for one in live.book.entries]
        assert (state.id, state.is_verified, state.line) == (stop.breakpoint_ids[0], True, 3)
        frames, total = await live.frames(stop.thread)
        assert [(one.function, one.line, one.is_traced) for one in frames] == [
            ("step", 3, True),
            ("main", 1, False),
        ]
        assert total == 2
        scopes = await live.scopes(frames[0].id)
        assert [one.name for one in scopes] == ["Locals", "Graph", "Globals"]
        page = await live.variables(scopes[0].reference, start=1, count=1)
        assert [(one.name, one.text) for one in page] == [("total", "1")]
        assert (await live.evaluate("total + 1", frames[0].id)).text == "2"
        assert (await live.set_expression("total", "40", frames[0].id)).text == "40"
        await heard.wait(told.ValuesChanged)
        assert (await live.set_variable(scopes[0].reference, "total", "41")).text == "41"
        assert (await live.evaluate("total", frames[0].id, "watch")).text == "41"
        ops = await live.ops(1, 1, thread=stop.thread)
        assert (ops.function, ops.graph, ops.total, ops.at) == ("step", "0/0 forward", 3, None)
        assert [(one.index, one.op, one.line) for one in ops.ops] == [(1, "aten.add", 3)]
        assert (await live.ops(0, 9, graph=ops.graph)).total == 3
        (graph,) = await live.graphs()
        assert (graph.graph, graph.total) == ("0/0 forward", 3)
        (instruction,) = await live.disassemble(ops.ops[0].address, 0, 1)
        assert instruction["symbol"] == "v1"
        (source,) = [one for one in await live.loaded_sources() if one.name.startswith("step [")]
        assert "aten.relu" in await live.source(source)
        assert "return relu" in await live.source(Source("model.py", file))
        assert await live.lines(file, 1, 9) == [1, 2, 3, 4]
        assert ("total", 0, 3) in await live.completions("tot", 3, frames[0].id)
        assert (1, "program") in [(one.number - 1, one.name) for one in await live.threads()]
        await to_the_end(live, heard)

    talking(connection, scenario)


@pytest.mark.parametrize(
    ("how", "line", "op"),
    [("over", 4, ""), ("into", 4, ""), ("op", 3, "aten.add"), ("op_over", 3, "aten.add")],
)
def test_a_step_goes_where_it_says(held, file, how, line, op):  # noqa: F811
    _, connection = held()

    async def scenario(live, heard):
        stop = await at_line(live, heard, file)
        await live.go(how)
        assert (await heard.wait(told.Stopped)).at.reason == "step"
        frames, _ = await live.frames(stop.thread)
        assert (frames[0].line, frames[0].op) == (line, op)
        await to_the_end(live, heard)

    talking(connection, scenario)


def test_what_is_typed_while_a_step_is_under_way_waits_for_its_end(held, file):  # noqa: F811
    _, connection = held(turns=2)

    async def scenario(live, heard):
        stop = await at_line(live, heard, file, 2)
        live.book.clear()
        await asyncio.gather(live.go("over"), live.go("over"))
        for _ in range(2):
            await heard.wait(told.Stopped)
        frames, _ = await live.frames(stop.thread)
        assert frames[0].line == 4
        await asyncio.gather(live.go("op"), live.go("continue"))
        await heard.wait(told.Exited)

    talking(connection, scenario)


def test_it_runs_to_a_line(held, file):  # noqa: F811
    _, connection = held(turns=2)

    async def scenario(live, heard):
        stop = await at_line(live, heard, file, 4)
        live.book.clear()
        await live.run_to(file, 2)
        await heard.wait(told.Stopped)
        frames, _ = await live.frames(stop.thread)
        assert frames[0].line == 2
        assert (await live.evaluate("turn", frames[0].id)).text == "1"
        await to_the_end(live, heard)

    talking(connection, scenario)


def test_what_cannot_be_done_says_why_and_leaves_the_stop(held, file):  # noqa: F811
    _, connection = held()

    async def scenario(live, heard):
        with pytest.raises(ClientError, match=r"^the program is connecting$"):
            await live.go("over")
        await heard.wait(told.Ready)
        with pytest.raises(ClientError, match=r"^the program has not begun: c lets it run"):
            await live.go("over")
        with pytest.raises(ClientError, match=r"^the program is ready: there is nothing to pause$"):
            await live.pause()
        live.book.add(Wanted(file=file, line=3))
        await live.go("continue")
        stop = (await heard.wait(told.Stopped)).at
        with pytest.raises(ClientError, match=r"^no way of going on named 'sideways'"):
            await live.go("sideways")
        assert live.stop is stop
        with pytest.raises(ClientError, match=r"^NameError: name 'nothing' is not defined$"):
            await live.evaluate("nothing", None)
        await to_the_end(live, heard)
        with pytest.raises(ClientError, match=r"^the program has ended$"):
            await live.go("continue")
        with pytest.raises(ClosedError):
            await live.frames(1)

    talking(connection, scenario)


def test_breakpoints_are_conditional_count_log_and_are_refused_with_a_reason(held, file):  # noqa: F811
    _, connection = held(turns=3)

    async def scenario(live, heard):
        await heard.wait(told.Ready)
        wrong = Wanted(file=file, line=2, condition="turn ==")
        live.book.add(wrong)
        live.book.add(Wanted(file=file, line=2, log_message="turn {turn}"))
        live.book.add(Wanted(file=file, line=3, condition="turn == 1"))
        live.book.add(Wanted(op_pattern="*relu*", hit_condition="3"))
        await heard.wait(told.BreakpointsChanged, lambda _: live.book.state(wrong).message)
        assert not live.book.state(wrong).is_verified
        assert "turn ==" in live.book.state(wrong).message
        await live.go("continue")
        stop = (await heard.wait(told.Stopped)).at
        assert (await live.evaluate("turn", None)).text == "1"
        assert [one.text for one in heard.all if isinstance(one, told.Log)] == ["turn 0\n", "turn 1\n"]
        assert live.book.at_id(stop.breakpoint_ids[0]).condition == "turn == 1"
        await live.go("continue")
        stop = (await heard.wait(told.Stopped)).at
        assert (stop.reason, (await live.evaluate("turn", None)).text) == ("function breakpoint", "2")
        await to_the_end(live, heard)

    talking(connection, scenario)


def test_an_op_of_a_graph_stops_by_its_address(held, file):  # noqa: F811
    _, connection = held(turns=2)

    async def scenario(live, heard):
        stop = await at_line(live, heard, file, 4)
        page = await live.ops(0, 9, thread=stop.thread)
        live.book.clear()
        live.book.add(Wanted(address=page.ops[1].address, label="op 1"))
        await live.go("continue")
        assert (await heard.wait(told.Stopped)).at.reason == "instruction breakpoint"
        assert (await live.ops(0, 1, thread=stop.thread)).at == 1
        await to_the_end(live, heard)
        assert live.book.entries == []

    talking(connection, scenario)


def test_a_breakpoint_of_which_the_line_is_gone_is_shown_where_it_has_moved_to(held, file):  # noqa: F811
    _, connection = held()

    async def scenario(live, heard):
        await heard.wait(told.Ready)
        wanted = live.book.toggle_line(file, 1)
        await heard.wait(told.BreakpointsChanged, lambda _: live.book.state(wanted).id)
        assert not live.book.state(wanted).is_verified
        await live.go("continue")
        await heard.wait(told.Stopped)
        assert live.book.state(wanted).line == 2
        assert live.book.shown(file) == {2: [wanted]}
        assert live.book.toggle_line(file, 2) is None
        assert live.book.entries == []
        await to_the_end(live, heard)

    talking(connection, scenario)


def test_an_expression_that_runs_for_ever_is_broken_off(held, file):  # noqa: F811
    _, connection = held()

    async def scenario(live, heard):
        await at_line(live, heard, file)
        assert await live.cancel() is False
        endless = asyncio.ensure_future(live.evaluate("while True: pass", None))
        await asyncio.sleep(0)
        assert await live.cancel() is True
        with pytest.raises(ClientError, match=r"^cancelled$"):
            await endless
        await to_the_end(live, heard)

    talking(connection, scenario)


def test_a_program_that_does_not_answer_is_told_of_and_sending_to_it_ends(monkeypatch):
    monkeypatch.setattr(live_module, "_BEAT_S", 0.01)
    monkeypatch.setattr(live_module, "_SILENT_S", 0.01)
    monkeypatch.setattr(requests_module, "_MOST_WAITING", 3)
    other = Silent()

    async def scenario(live, heard):
        live.state = State.RUNNING  # it has answered until now
        assert (await heard.wait(told.Responding)).is_responding is False
        assert live.is_responding is False
        with pytest.raises(NotRespondingError, match=r"^no answer to 'threads' in 0.01 s$"):
            await live.ask("threads", 0.01)
        waiting = [asyncio.ensure_future(live.threads()) for _ in range(4)]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert str(waiting[3].exception()) == "the program does not answer"
        other.close()
        await heard.wait(told.Exited)
        assert live.is_responding is True
        assert await asyncio.gather(*waiting, return_exceptions=True)

    talking(other.ours, scenario)
    other.close()


def test_a_connection_that_ends_before_hello_is_an_exit():
    other = Silent()

    async def scenario(live, heard):
        other.close()
        await heard.wait(told.Exited)
        assert live.state is State.ENDED

    talking(other.ours, scenario)


def test_one_that_was_never_started_closes_its_connection():
    other = Silent()

    async def scenario(live, heard):
        pass

    talking(other.ours, scenario, start=False)
    assert other.theirs.recv(1) == b""
    other.close()
