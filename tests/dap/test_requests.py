"""Requests that make no sense, come at the wrong time, or are about what is gone: refused in words, never a crash."""

from __future__ import annotations

import pytest

from dap.made_up import Program
from tracedbg.dap import commands
from tracedbg.dap.client import ClientError, NotRespondingError
from tracedbg.dap.console import NAMES
from tracedbg.dap.wire import encode
from tracedbg.engine import FILTERS


def refusal(session, command, **arguments):
    with pytest.raises(ClientError) as raised:
        session.request(command, **arguments)
    return str(raised.value)


def test_nothing_is_answered_before_the_client_has_said_who_it_is(connect):
    session = connect()
    assert refusal(session, "threads") == "'threads' before 'initialize'"
    session.request("initialize", adapterID="x")
    assert refusal(session, "initialize", adapterID="x") == "'initialize' comes once"
    assert session.request("threads")["threads"][0] == {"id": 1, "name": "MainThread"}


@pytest.mark.parametrize(
    ("command", "arguments", "why"),
    [
        ("nonsense", {}, "unknown request 'nonsense'"),
        ("continue", {}, "'continue' needs argument 'threadId', an integer"),
        ("continue", {"threadId": "1"}, "argument 'threadId' of 'continue' is not an integer but a string"),
        ("continue", {"threadId": True}, "argument 'threadId' of 'continue' is not an integer but true or false"),
        ("continue", {"threadId": 1.5}, "argument 'threadId' of 'continue' is not an integer but a number with a fraction"),
        ("continue", {"threadId": 10**30}, "argument 'threadId' of 'continue' is out of range"),
        ("continue", {"threadId": 1}, "thread 1 is running"),
        ("continue", {"threadId": 77}, "there is no thread 77"),
        ("pause", {"threadId": 77}, "there is no thread 77"),
        ("next", {"threadId": 1, "granularity": "x"}, "no granularity 'x'; there are statement, line, instruction"),
        ("stackTrace", {"threadId": 1}, "thread 1 is running"),
        ("scopes", {"frameId": 3}, "there is no frame 3"),
        ("variables", {"variablesReference": 0}, "there is no variable 0"),
        ("evaluate", {"expression": "1"}, "no thread stands still"),
        ("evaluate", {"expression": "%nonsense"}, "no command %nonsense; there are "),
        ("setBreakpoints", {"source": 3}, "argument 'source' of 'setBreakpoints' is not an object but an integer"),
        ("setBreakpoints", {"source": {}}, "breakpoints can be set in files only: the source has no path"),
        ("setBreakpoints", {"source": {"path": "x.py"}, "breakpoints": [1]}, "argument 'breakpoints' of 'setBreakpoints' is not an object but an integer"),
        ("disassemble", {"memoryReference": "x", "instructionCount": 1}, "'x' is no address of an op"),
        ("disassemble", {"memoryReference": "0x10", "instructionCount": 1}, "no graph that was stopped in is at '0x10'"),
        ("readMemory", {"memoryReference": "x", "count": 1}, "'x' is no tensor's memory"),
        ("source", {"sourceReference": 9}, "there is no source 9"),
        ("attach", {}, "the client is attached already"),
        ("restart", {}, "only a program that 'tracedbg dap' has launched can be restarted"),
        ("tracedbg/step", {"threadId": 1, "go": "x"}, "no way of going on named 'x'; there are over, into, out, op, op_over, graph, to, abort"),
        ("tracedbg/ops", {"graph": "x"}, "no graph 'x' was stopped in; there are none"),
        ("tracedbg/traces", {}, "this process is not recorded, or has imported no framework yet"),
    ],
)  # fmt: skip
def test_it_is_refused_with_the_reason(session, command, arguments, why):
    found = refusal(session, command, **arguments)
    assert found.startswith(why) if why.endswith(" ") else found == why


@pytest.mark.parametrize("arguments", [None, [], {}])
def test_no_arguments_may_be_said_in_several_ways(session, arguments):
    session.socket.sendall(
        encode({"seq": 1000, "type": "request", "command": "threads", "arguments": arguments})
    )
    assert session.request("threads")["threads"]


@pytest.mark.parametrize("arguments", [3, "x", [1]])
def test_arguments_that_are_no_object_are_refused(session, arguments):
    future = session.client.send("threads")
    future.result(10)
    session.socket.sendall(
        encode({"seq": 1000, "type": "request", "command": "threads", "arguments": arguments})
    )
    assert session.request("threads")["threads"]


def test_a_breakpoint_that_makes_no_sense_is_not_verified_and_says_why(session, file):
    found = session.request(
        "setBreakpoints",
        source={"path": file},
        breakpoints=[{"line": 2, "condition": "x ="}, {"line": 2, "hitCondition": "often"}, {"line": 3}],
    )["breakpoints"]
    assert [one["verified"] for one in found] == [False, False, False]
    assert found[0]["message"].startswith("condition 'x =' is not a Python expression: ")
    assert found[1]["message"] == "hit condition 'often' is not a number, such as 5, >= 5 or % 10"


def test_unknown_filters_are_told_apart_from_known_ones(session, engine):
    found = session.request("setExceptionBreakpoints", filters=["nan", "x"])["breakpoints"]
    assert found[0]["verified"] is True
    assert found[1] == {"verified": False, "message": f"no filter named 'x'; there are {', '.join(FILTERS)}"}
    assert list(engine.breakpoints.filters) == ["nan"]


def test_setting_again_keeps_the_breakpoints_that_are_the_same(session, engine, file):
    def put(*wanted):
        return session.request("setBreakpoints", source={"path": file}, breakpoints=list(wanted))[
            "breakpoints"
        ]

    first = put({"line": 2}, {"line": 3, "condition": "x"})
    second = put({"line": 3, "condition": "x"}, {"line": 4}, {"line": 2})
    assert (second[0]["id"], second[2]["id"]) == (first[1]["id"], first[0]["id"])
    assert put({"line": 3, "condition": "y"})[0]["id"] not in {one["id"] for one in (*first, *second)}
    assert [one.condition for one in engine.breakpoints.all] == ["y"]


def test_each_client_has_breakpoints_of_its_own(session, connect, engine, file):
    other = connect().attach()
    session.request("setBreakpoints", source={"path": file}, breakpoints=[{"line": 2}])
    other.request("setBreakpoints", source={"path": file}, breakpoints=[{"line": 3}])
    other.request("setBreakpoints", source={"path": file}, breakpoints=[])
    assert [one.line for one in engine.breakpoints.all] == [2]
    other.request("setFunctionBreakpoints", breakpoints=[{"name": "op:*relu*"}])
    other.request("disconnect")
    session.request("threads")  # a client that is gone is seen off before the next request is read
    assert [one.line for one in engine.breakpoints.all] == [2]


def test_what_was_shown_is_gone_when_the_thread_goes_on(session, program, file):
    session.request("setBreakpoints", source={"path": file}, breakpoints=[{"line": 2}, {"line": 3}])
    program.start()
    thread = session.stopped()["threadId"]
    frame = session.top(thread)["id"]
    session.request("continue", threadId=thread)
    session.stopped()
    assert refusal(session, "scopes", frameId=frame) == f"frame {frame} is gone: its thread has gone on"
    session.request("continue", threadId=thread)


def test_lines_and_columns_are_counted_as_the_client_counts(connect, program, file):
    session = connect().attach(linesStartAt1=False, columnsStartAt1=False)
    (made,) = session.request("setBreakpoints", source={"path": file}, breakpoints=[{"line": 2}])[
        "breakpoints"
    ]
    assert made["line"] == 2
    program.start()
    thread = session.stopped()["threadId"]
    assert (session.top(thread)["line"], session.top(thread)["column"]) == (2, 0)
    assert program.locals["total"] == 1  # the second line of the function, which is the third of the file
    session.request("continue", threadId=thread)


def test_an_expression_that_never_ends_can_be_cancelled(session, program):
    session.request("setFunctionBreakpoints", breakpoints=[{"name": "aten.add"}])
    program.start()
    thread = session.stopped()["threadId"]
    frame = session.top(thread)["id"]
    endless = session.client.send("evaluate", expression="sum(1 for _ in iter(int, 1))", frameId=frame)
    waiting = session.client.send("evaluate", expression="1", frameId=frame)
    with pytest.raises(NotRespondingError, match=r"^no answer to 'scopes' in 0.2 s$"):
        session.client.request("scopes", timeout_s=0.2, frameId=frame)
    assert session.client.silent_s() > 0.1
    first = min(session.client._waiting)
    session.request("cancel", requestId=first)
    with pytest.raises(ClientError, match=r"^cancelled$"):
        endless.result(10)
    assert waiting.result(10)["result"] == "1"
    session.request("continue", threadId=thread)


def test_a_page_of_many_variables(session, program):
    session.request("setFunctionBreakpoints", breakpoints=[{"name": "aten.add"}])
    program.start()
    thread = session.stopped()["threadId"]
    many = session.locals(thread)["many"]
    assert many["indexedVariables"] == 5000
    reference = many["variablesReference"]
    page = session.request("variables", variablesReference=reference, filter="indexed", start=4998, count=10)
    assert [(one["name"], one["value"]) for one in page["variables"]] == [
        ("[4998]", "4998"),
        ("[4999]", "4999"),
    ]
    everything = session.request("variables", variablesReference=reference)["variables"]
    assert len(everything) == 1001
    assert everything[-1]["value"] == "more than 1,000; ask for the others by their index"
    changed = session.request("setVariable", variablesReference=reference, name="[3]", value="'three'")
    assert (changed["value"], program.locals["many"][3]) == ("'three'", "three")
    session.request("continue", threadId=thread)


def test_ops_have_rising_addresses_and_can_be_stopped_at_by_them(session, program):
    program.turns = 2
    session.request("setFunctionBreakpoints", breakpoints=[{"name": "aten.mul", "hitCondition": "1"}])
    program.start()
    thread = session.stopped()["threadId"]
    here = session.top(thread)["instructionPointerReference"]
    shown = session.request("disassemble", memoryReference=here, instructionOffset=-2, instructionCount=7)
    instructions = shown["instructions"]
    addresses = [int(one["address"], 0) for one in instructions]
    assert addresses == sorted(set(addresses))
    assert [one["instruction"] for one in instructions] == [
        "", "", "v0: float32[2] = aten.mul(x)", "v1: float32[2] = aten.add(x)", "v2: float32[2] = aten.relu(x)", "", "",
    ]  # fmt: skip
    assert instructions[2]["address"] == here
    offset = addresses[4] - addresses[2]
    (made,) = session.request(
        "setInstructionBreakpoints", breakpoints=[{"instructionReference": here, "offset": offset}]
    )["breakpoints"]
    assert (made["verified"], made["instructionReference"]) == (True, instructions[4]["address"])
    session.request("continue", threadId=thread)
    stop = session.stopped()
    assert (stop["reason"], stop["hitBreakpointIds"]) == ("instruction breakpoint", [made["id"]])
    page = session.request("tracedbg/ops", threadId=thread, start=1, count=1)
    assert (page["total"], page["at"], page["graph"], page["function"]) == (3, 2, "0/0 forward", "step")
    assert [one["op"] for one in page["ops"]] == ["aten.add"]
    assert session.request("tracedbg/graphs")["graphs"][0]["notes"] == ["random numbers differ"]
    session.request("setInstructionBreakpoints", breakpoints=[])
    session.request("continue", threadId=thread)


def test_the_text_of_a_graph_can_be_read_as_source(session, program):
    session.request("setFunctionBreakpoints", breakpoints=[{"name": "aten.add"}])
    program.start()
    thread = session.stopped()["threadId"]
    (source,) = session.request("loadedSources")["sources"]
    assert source["name"] == "step [0/0 forward]"
    content = session.request("source", sourceReference=source["sourceReference"], source=source)["content"]
    assert content.splitlines()[:2] == [
        "# random numbers differ",
        "     0  v0: float32[2] = aten.mul(x)  # model.py:2",
    ]
    session.request("continue", threadId=thread)


def test_log_points_are_said_to_all_clients(session, connect, program, file):
    other = connect().attach()
    session.request(
        "setBreakpoints", source={"path": file}, breakpoints=[{"line": 3, "logMessage": "total={total}"}]
    )
    program.start()
    for one in (session, other):
        assert one.events.wait("output") == {"category": "console", "output": "total=1\n"}


def test_a_thread_that_one_client_lets_go_is_known_by_the_others_to_run(session, connect, program):
    other = connect().attach()
    session.request("setFunctionBreakpoints", breakpoints=[{"name": "aten.add"}])
    program.start()
    thread = session.stopped()["threadId"]
    assert other.stopped()["threadId"] == thread
    other.request("continue", threadId=thread)
    assert session.events.wait("continued") == {"threadId": thread, "allThreadsContinued": False}
    assert all(name != "continued" for name, _ in other.events.seen)


def test_a_client_that_comes_later_is_told_of_what_stands_still(session, connect, program):
    session.request("setFunctionBreakpoints", breakpoints=[{"name": "aten.add"}])
    program.start()
    thread = session.stopped()["threadId"]
    assert connect().attach().stopped()["threadId"] == thread
    session.request("continue", threadId=thread)


def test_names_attributes_and_commands_are_completed(session, program):
    session.request("setFunctionBreakpoints", breakpoints=[{"name": "aten.add"}])
    program.start()
    thread = session.stopped()["threadId"]
    frame = session.top(thread)["id"]

    def labels(text):
        found = session.request("completions", text=text, column=len(text) + 1, frameId=frame)["targets"]
        return [one["label"] for one in found]

    assert labels("1 + tot") == ["total"]
    assert labels("x.app") == ["append"]
    assert labels("%br") == ["%break", "%breaks"]
    session.request("continue", threadId=thread)


def test_the_console_has_commands_for_what_an_editor_lacks(session, program, engine):
    session.request("setFunctionBreakpoints", breakpoints=[{"name": "aten.mul"}])
    program.start()
    thread = session.stopped()["threadId"]
    frame = session.top(thread)["id"]

    def say(line):
        return session.request("evaluate", expression=line, frameId=frame, context="repl")["result"]

    assert say("%ops").splitlines()[:2] == [
        "step [0/0 forward]: 3 ops",
        ">    0  v0: float32[2] = aten.mul(x)  model.py:2",
    ]
    assert say("%notes") == "random numbers differ"
    assert say("%break op:*relu* if total > 1") == "2: op:*relu* if total > 1 (0 hits)"
    assert len(say("%breaks").splitlines()) == 2
    assert say("%delete 1") == ""
    assert [one.op_pattern for one in engine.breakpoints.all] == ["*relu*"]
    assert {line.split()[0] for line in say("%help").splitlines()} == {f"%{name}" for name in NAMES}
    say("%opin")
    session.stopped()
    assert session.top(thread)["tracedbg"]["op"] == "aten.add"
    frame = session.top(thread)["id"]
    assert (
        refusal(session, "evaluate", expression="%tensor x", frameId=frame)
        == "ValueError: not a tensor: [1, 2, 3]"
    )
    say("%to 4")
    assert session.stopped()["reason"] == "step"
    session.request("evaluate", expression="%abort")
    program.join(10)
    assert isinstance(program.error, KeyboardInterrupt)


def test_lines_that_could_have_breakpoints(session, file):
    found = session.request("breakpointLocations", source={"path": file}, line=1, endLine=9)["breakpoints"]
    assert [one["line"] for one in found] == [1, 2, 3, 4]
    assert session.request("breakpointLocations", source={"path": "/nowhere.py"}, line=1)["breakpoints"] == []


def test_every_thread_stops_by_itself(session, engine, file):
    programs = [Program(engine, file) for _ in range(3)]
    session.request("setFunctionBreakpoints", breakpoints=[{"name": "aten.relu"}])
    for one in programs:
        one.start()
    threads = {session.stopped()["threadId"] for _ in programs}
    assert len(threads) == 3
    for thread in threads:
        assert session.top(thread)["line"] == 4
        session.request("continue", threadId=thread)
    for one in programs:
        one.join(10)


def test_every_request_of_the_table_is_answered_whatever_it_is_sent(session):
    for name in commands.load():
        if name in ("disconnect", "terminate", "launch"):
            continue
        session.client.send(name).exception(10)
        session.client.send(name, threadId=[], frameId={}, expression=1, source=[]).exception(10)
    assert session.request("threads")["threads"]
