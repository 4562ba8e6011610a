"""Whole sessions with a made-up program: what a client sees of it, and how it goes on."""

from __future__ import annotations

import pytest

from tracedbg.dap.client import ClientError


def test_a_session_from_the_first_breakpoint_to_the_end(session, program, file):
    (made,) = session.request("setBreakpoints", source={"path": file}, breakpoints=[{"line": 3}])[
        "breakpoints"
    ]
    assert made["verified"] is False
    assert made["message"] == "no code on this line has been run or traced yet"
    session.configure()
    program.start()
    bound = session.events.wait("breakpoint")
    assert (bound["reason"], bound["breakpoint"]["id"], bound["breakpoint"]["verified"]) == (
        "changed",
        made["id"],
        True,
    )
    stop = session.stopped()
    assert (stop["reason"], stop["hitBreakpointIds"]) == ("breakpoint", [made["id"]])
    thread = stop["threadId"]
    frames = session.request("stackTrace", threadId=thread)
    assert [(one["name"], one["line"]) for one in frames["stackFrames"]] == [("step", 3), ("main", 1)]
    assert session.locals(thread)["x"]["value"] == "[1, 2, 3]"
    assert session.request("continue", threadId=thread) == {"allThreadsContinued": False}
    program.join(10)
    assert program.locals["total"] == 3


def test_steps_go_by_lines_and_by_ops(session, program, file):
    session.request("setBreakpoints", source={"path": file}, breakpoints=[{"line": 2}])
    program.start()
    thread = session.stopped()["threadId"]
    session.request("next", threadId=thread)
    assert (session.stopped()["reason"], session.top(thread)["line"]) == ("step", 3)
    session.request("next", threadId=thread, granularity="instruction")
    session.stopped()
    assert session.top(thread)["tracedbg"]["op"] == "aten.add"
    session.request("stepIn", threadId=thread, granularity="instruction")
    session.stopped()
    assert session.top(thread)["tracedbg"]["op"] == "aten.relu"
    session.request("continue", threadId=thread)


def test_what_is_evaluated_and_set_is_the_programs_own(session, program):
    session.request("setFunctionBreakpoints", breakpoints=[{"name": "aten.add*"}])
    program.start()
    stop = session.stopped()
    assert (stop["reason"], stop["text"]) == ("function breakpoint", "aten.add is next")
    frame = session.top(stop["threadId"])["id"]
    found = session.request("evaluate", expression="sum(x) + limit", frameId=frame)
    assert (found["result"], found["type"]) == ("16", "int")
    made = session.request("setExpression", expression="total", value="total + 100", frameId=frame)
    assert made["value"] == "101"
    session.request("evaluate", expression="x[0] = 40; y = x[0] + 2", frameId=frame, context="repl")
    assert session.request("evaluate", expression="y", frameId=frame, context="repl")["result"] == "42"
    with pytest.raises(ClientError, match=r"^NameError: name 'nothing' is not defined$"):
        session.request("evaluate", expression="nothing", frameId=frame)
    session.request("continue", threadId=stop["threadId"])
    program.join(10)
    assert (program.locals["total"], program.locals["x"]) == (103, [40, 2, 3])
