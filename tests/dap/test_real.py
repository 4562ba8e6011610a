"""Real compiled functions, through the adapter: values at each call, in both frameworks, and nothing of the program changed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dap.process import line_of

HERE = Path(__file__).parent
PROGRAMS = [
    pytest.param("real_torch.py", marks=pytest.mark.torch),
    pytest.param("real_tensorflow.py", marks=pytest.mark.tensorflow),
]


@pytest.fixture
def real(tmp_path):
    def copy(name):
        return Path(shutil.copy(HERE / name, tmp_path))

    return copy


def alone(path):
    return subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=True).stdout


def numbers(editor, frame, expression):
    """The elements of a tensor."""
    found = editor.client.request(
        "tracedbg/tensor", timeout_s=60, frameId=frame, expression=expression, first=16
    )
    return found["summary"]["first"]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_line_inside_a_compiled_function_stops_at_each_call_with_its_values(adapted, real, name):
    path = real(name)
    editor = adapted().launch(path, stops=[line_of(path, "relu")])
    for call in (1, 2, 3):
        thread = editor.stopped()["threadId"]
        frame = editor.top(thread)
        assert (frame["name"], frame["line"]) == ("block", line_of(path, "relu"))
        assert frame["tracedbg"]["isTraced"] is True
        assert numbers(editor, frame["id"], "h") == [3.0 * call] * 6
        editor.request("continue", threadId=thread)
    assert editor.exit_code() == 0
    assert editor.output() == alone(path)


@pytest.mark.parametrize("name", PROGRAMS)
def test_ops_are_listed_stepped_through_and_stopped_at_by_their_address(adapted, real, name):
    path = real(name)
    editor = adapted().launch(path, stops=[line_of(path, "relu")])
    thread = editor.stopped()["threadId"]
    page = editor.request("tracedbg/ops", threadId=thread)
    relu = next(one for one in page["ops"] if "relu" in one["op"].lower())
    assert relu["line"] == line_of(path, "relu")
    assert editor.top(thread)["instructionPointerReference"] == relu["address"]
    editor.set(path)
    editor.request("next", threadId=thread, granularity="instruction")
    editor.stopped()
    assert editor.top(thread)["tracedbg"]["op"] == relu["op"]
    editor.request("setInstructionBreakpoints", breakpoints=[{"instructionReference": relu["address"]}])
    editor.request("continue", threadId=thread)
    stop = editor.stopped()
    assert stop["reason"] == "instruction breakpoint"
    editor.request("setInstructionBreakpoints", breakpoints=[])
    editor.request("continue", threadId=stop["threadId"])
    assert editor.exit_code() == 0


@pytest.mark.parametrize("name", PROGRAMS)
def test_an_op_by_its_name_its_scopes_memory_and_the_traces_of_the_process(adapted, real, name):
    path = real(name)
    editor = adapted()
    answer = editor.client.send("launch", program=str(path), cwd=str(path.parent))
    editor.events.wait("initialized")
    answer.result(10)
    editor.request("setFunctionBreakpoints", breakpoints=[{"name": "*[rR]elu*", "hitCondition": "1"}])
    editor.configure()
    stop = editor.stopped()
    thread = stop["threadId"]
    frame = editor.top(thread)["id"]
    scopes = {one["name"]: one for one in editor.request("scopes", frameId=frame)["scopes"]}
    assert list(scopes) == ["Locals", "Op inputs", "Graph", "Globals"]
    (given,) = editor.request("variables", variablesReference=scopes["Op inputs"]["variablesReference"])[
        "variables"
    ]
    memory = editor.request("readMemory", memoryReference=given["memoryReference"], count=8, offset=4)
    assert (memory["data"], memory["unreadableBytes"], memory["address"]) == (
        "AABAQAAAQEA=",
        0,
        "0x4",
    )  # 3.0 3.0
    facts = editor.request("variables", variablesReference=given["variablesReference"], filter="named")[
        "variables"
    ]
    assert ("shape", "(2, 3)") in [(one["name"], one["value"]) for one in facts]
    rows = editor.request(
        "variables", variablesReference=given["variablesReference"], filter="indexed", start=1, count=1
    )
    assert [one["name"] for one in rows["variables"]] == ["[1]"]
    found = editor.request("tracedbg/compare", left="h", right="h + 1.0", frameId=frame)
    assert (found["difference"]["differing"], found["difference"]["max_absolute"]) == (6, 1.0)
    (trace, *_) = editor.client.request("tracedbg/traces", timeout_s=60)["traces"]
    assert (trace["function"], trace["isRetrace"], trace["causes"][0]["kind"]) == (
        "block",
        False,
        "first_call",
    )
    assert editor.client.request("tracedbg/causes", timeout_s=60, trace=trace["trace"]) == trace
    sources = editor.client.request("loadedSources", timeout_s=60)["sources"]
    assert sources[0]["name"].startswith("block [")
    editor.request("setFunctionBreakpoints", breakpoints=[])
    editor.request("continue", threadId=thread)
    assert editor.exit_code() == 0
    assert editor.output() == alone(path)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_local_names_the_op_that_made_it(adapted, real, name):
    path = real(name)
    editor = adapted().launch(path, stops=[line_of(path, "relu")])
    thread = editor.stopped()["threadId"]
    made_by = editor.locals(thread)["h"]["tracedbg"]["madeBy"]
    ops = {one["name"]: one for one in editor.request("tracedbg/ops", threadId=thread)["ops"]}
    assert "matmul" in ops[made_by]["op"].lower()
    editor.set(path)
    editor.request("continue", threadId=thread)
    assert editor.exit_code() == 0


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_value_that_is_set_is_what_the_rest_of_the_graph_sees(adapted, real, name):
    path = real(name)
    editor = adapted().launch(path, stops=[line_of(path, "sum")])
    for call in (1, 2, 3):
        thread = editor.stopped()["threadId"]
        if call == 3:
            frame = editor.top(thread)["id"]
            editor.client.request(
                "setExpression", timeout_s=60, expression="h", value="h * 0 + 1.0", frameId=frame
            )
        editor.request("continue", threadId=thread)
    assert editor.exit_code() == 0
    assert editor.output().split()[0] == "6.0"
