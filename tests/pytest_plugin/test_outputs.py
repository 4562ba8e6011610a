"""What is told of all tests: summary, JSON, SARIF, JUnit, GitHub."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

pytestmark = pytest.mark.torch
TEXT = """
@pytest.mark.max_retraces(0)
def test_over():
    double(torch.ones(3))
    double(torch.ones(3, dtype=torch.int64))  # line 16

def test_quiet():
    pass
"""
SENTENCE = "double is traced again: `x` changed dtype from float32[3] to int64[3]; bring `x` to one dtype before the call: x.to(torch.float32)"


def test_the_summary_names_the_dearest_functions(suite):
    result = suite(TEXT, "--tracedbg")
    lines = result.text.splitlines()
    at = lines.index("   time  traces  retraces  graph breaks  function")
    assert lines[at + 1].split()[1:] == ["2", "1", "0", "double", "(test_it.py:5)"]
    assert "function" not in suite(TEXT, "--tracedbg", "--tracedbg-top", "0").text.split("failed")[-2]


def test_the_json_file_has_every_test_with_its_causes(suite, tmp_path):
    suite(TEXT, "--tracedbg", "--tracedbg-json", str(tmp_path / "out.json"))
    data = json.loads((tmp_path / "out.json").read_text())
    assert data["format"] == 1
    over, quiet = data["tests"]
    assert (quiet["test"], quiet["functions"], quiet["failures"]) == ("test_it.py::test_quiet", [], [])
    (function,) = over["functions"]
    assert (function["name"], function["traces"], function["retraces"]) == ("double", 2, 1)
    (cause,) = function["causes"]
    assert (cause["kind"], cause["argument"], cause["line"]) == ("dtype", "x", 16)
    assert len(over["failures"]) == 1


def test_sarif_points_at_the_users_line(suite, tmp_path):
    suite(TEXT, "--tracedbg-sarif", str(tmp_path / "out.sarif"))
    (run,) = json.loads((tmp_path / "out.sarif").read_text())["runs"]
    (found,) = run["results"]
    assert found == {
        "ruleId": "dtype",
        "level": "error",
        "message": {"text": SENTENCE},
        "locations": [
            {"physicalLocation": {"artifactLocation": {"uri": "test_it.py"}, "region": {"startLine": 16}}}
        ],
    }
    assert run["tool"]["driver"]["rules"] == [
        {"id": "dtype", "shortDescription": {"text": "A function is traced again: dtype."}}
    ]


def test_junit_has_the_counts_as_properties(suite, tmp_path):
    suite(TEXT, "--tracedbg", "--junitxml", str(tmp_path / "out.xml"), "-o", "junit_family=xunit2")
    case = next(
        one for one in ET.parse(tmp_path / "out.xml").iter("testcase") if one.get("name") == "test_over"
    )
    found = {one.get("name"): one.get("value") for one in case.iter("property")}
    assert float(found.pop("tracedbg.compile_seconds")) > 0
    assert found == {"tracedbg.traces": "2", "tracedbg.retraces": "1", "tracedbg.graph_breaks": "0"}


def test_github_gets_an_annotation_for_each_cause(suite, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    result = suite(TEXT, "--tracedbg", keeps_environment=True)
    assert f"::error file=test_it.py,line=16,title=tracedbg::{SENTENCE}" in result.text.splitlines()


@pytest.mark.parametrize("option", ["--tracedbg-json", "--tracedbg-sarif"])
def test_a_file_that_cannot_be_written_is_told_before_the_tests(suite, tmp_path, option):
    path = tmp_path / "nowhere" / "out"
    result = suite("def test_it():\n    raise SystemExit('never run')\n", option, str(path))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert f"{option}: cannot write {path}" in result.text


ALL_KINDS = """
@torch.compile(backend="eager")
def nothing(x):
    return 3

@pytest.mark.max_graph_breaks(0)
def test_break():
    shout(torch.ones(3))

@pytest.mark.no_silent_eager
def test_eager():
    nothing(torch.ones(3))

@pytest.mark.max_traces(0)
def test_traced():  # line 26
    double(torch.ones(3))

def test_steady(tracedbg):
    with tracedbg.steady_state():
        double(torch.ones(3, dtype=torch.int8))  # line 32: its first trace in the test, and there was one before

@pytest.mark.max_compile_seconds(0)
def test_seconds():
    double(torch.ones(3, dtype=torch.int16))

def test_allowed():
    double(torch.ones(3, dtype=torch.int32))
    double(torch.ones(3, dtype=torch.int64))  # line 40
"""


def test_every_kind_of_failure_has_its_annotation(suite, tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    (tmp_path / "sub dir").mkdir()
    suite(ALL_KINDS, "--tracedbg-sarif", "out.sarif", name="sub dir/test_all", keeps_environment=True)
    data = json.loads((tmp_path / "out.sarif").read_text())
    check_required_properties(data)
    (run,) = data["runs"]
    told = {(one["level"], one["ruleId"], *place_of(one)) for one in run["results"]}
    assert told == {
        ("error", "graph_break", "sub%20dir/test_all.py", 10),
        ("error", "silent_eager", "sub%20dir/test_all.py", 14),
        ("error", "max_traces", "sub%20dir/test_all.py", 25),
        ("error", "steady_state", "sub%20dir/test_all.py", 29),
        ("error", "max_compile_seconds", "sub%20dir/test_all.py", 33),
        ("warning", "dtype", "sub%20dir/test_all.py", 39),
    }
    assert [one["id"] for one in run["tool"]["driver"]["rules"]] == sorted({kind for _, kind, _, _ in told})


def place_of(result):
    physical = result["locations"][0]["physicalLocation"]
    return physical["artifactLocation"]["uri"], physical["region"]["startLine"]


def check_required_properties(data):
    """What the schema of SARIF 2.1.0 requires of the objects that are written, and code scanning besides."""
    assert data["version"] == "2.1.0"
    assert data["$schema"].endswith("sarif-2.1.0.json")
    assert data["runs"]
    for run in data["runs"]:
        driver = run["tool"]["driver"]
        assert driver["name"] == "tracedbg"
        rules = [rule["id"] for rule in driver["rules"]]
        assert len(set(rules)) == len(rules)
        assert all(rule["shortDescription"]["text"] for rule in driver["rules"])
        for result in run["results"]:
            assert result["message"]["text"]
            assert result["level"] in ("none", "note", "warning", "error")
            assert result["ruleId"] in rules
            assert place_of(result)[1] >= 1
            assert " " not in place_of(result)[0]
