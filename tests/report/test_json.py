"""The report as data: what docs/reference/report-json.md says, key by key."""

import json
import re
from pathlib import Path

import pytest
import shown

from tracedbg.activities import Activity
from tracedbg.events import CauseKind
from tracedbg.explain import summarise
from tracedbg.ran import SYNCS
from tracedbg.report.json import to_json

PAGE = (Path(__file__).parents[2] / "docs/reference/report-json.md").read_text(encoding="utf-8")
SCHEMA_1 = {
    "": ["schema", "run", "processes", "functions", "graph_breaks", "conversions"],
    "run": ["id", "argv", "exit_code", "started", "wall_s", "dropped"],
    "processes": ["pid", "rank", "is_rank", "python", "torch", "tensorflow"],
    "functions": [
        "framework", "name", "file", "line", "traces", "retraces", "seconds", "graph_breaks", "silent_eager", "stale",
        "calls", "causes",
    ],
    "calls": ["compiled", "eager"],
    "silent_eager": ["reason", "since_call"],
    "stale": ["kind", "name", "file", "line", "then", "now"],
    "causes": [
        "kind", "argument", "before", "after", "file", "line", "count", "seconds", "message", "advice",
    ],
    "graph_breaks": ["code", "reason", "file", "line", "function", "count"],
    "conversions": ["function", "file", "line", "seconds", "constructs", "failure"],
    "constructs": ["line", "kind", "became"],
}  # fmt: skip


def report(run=None):
    return to_json(summarise(run or shown.example()))


def dicts(found, name=""):
    """Every dict in a report, with the key that it stands under."""
    if isinstance(found, dict):
        yield name, found
        for key, inner in found.items():
            yield from dicts(inner, key)
    if isinstance(found, list):
        for inner in found:
            yield from dicts(inner, name)


def test_the_example_in_the_documentation_is_real_output():
    example = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)[1]
    assert json.loads(example) == report()


def test_every_key_of_schema_1_is_there():
    seen = set()
    for name, found in dicts(report()):
        if name in SCHEMA_1:
            seen.add(name)
            assert set(SCHEMA_1[name]) <= set(found), name
    assert seen == set(SCHEMA_1)


def test_every_key_is_documented():
    every = [
        *dicts(report()),
        *dicts(report(shown.timed())),
        *dicts(report(shown.stepped())),
        *dicts(report(shown.with_ops())),
        *dicts(report(shown.with_ledger())),
        *dicts(to_json(shown.with_native())),
    ]
    undocumented = {key for name, found in every if name != "dropped" for key in found}
    assert {key for key in undocumented if f"`{key}`" not in PAGE} - {"schema"} == set()


def test_every_kind_of_cause_is_documented():
    assert {kind.value for kind in CauseKind if f"`{kind.value}`" not in PAGE} == set()


@pytest.mark.parametrize(
    "run",
    [
        shown.example,
        shown.healthy,
        shown.nothing,
        shown.broken,
        shown.timed,
        shown.stepped,
        shown.with_ops,
        shown.with_ledger,
    ],
)
def test_it_survives_a_round_trip_and_is_the_same_each_time(run):
    assert json.loads(json.dumps(report(run()))) == report(run())


def test_losses_and_faults_are_in_it():
    found = report(shown.broken())
    assert found["run"]["dropped"] == {"GraphMade": 12, "PhaseSpan": 40}
    assert found["faults"] == [{"where": "tf_function.traces", "message": "KeyError: 'x'"}]
    assert found["processes"][0]["recording_error"] == "No space left on device"
    assert (found["run"]["exit_code"], found["run"]["wall_s"]) == (None, None)


def test_kernel_time_is_told_by_function_and_line():
    found = report(shown.timed())
    (function,) = found["functions"]
    assert function["kernel_seconds"] == 0.009001
    kernels = found["kernels"]
    assert kernels["seconds"] == 0.01
    assert [(line["line"], line["seconds"], line["kernels"]) for line in kernels["lines"]] == [
        (51, 0.0085005, 3),
        (90, 0.0009, 1),
        (52, 0.0005005, 1),
    ]
    assert [line["backward_seconds"] for line in kernels["lines"]] == [0.005, 0.0, 0.0]
    assert [line["shared_seconds"] for line in kernels["lines"]] == [0.0005005, 0.0, 0.0005005]
    assert kernels["rest"] == [{"whose": "library", "name": "aten::copy_", "seconds": 9.9e-05, "kernels": 1}]


def test_every_kind_of_sync_is_documented_as_it_is():
    assert [kind for kind, what in SYNCS.items() if f"| `{kind}` | {what} |" not in PAGE] == []


def test_every_activity_is_documented():
    assert [one.value for one in Activity if f"| `{one.value}` |" not in PAGE] == []


def test_the_ledger_adds_up_to_the_nanosecond():
    main, worker = report(shown.with_ledger())["ledger"]
    assert round(sum(share["seconds"] for share in main["shares"]), 9) == main["seconds"] == 4.0
    for line in main["lines"]:
        assert round(sum(share["seconds"] for share in line["shares"]), 9) == line["seconds"]
    assert (worker["pid"], worker["is_main"], worker["seconds"]) == (8, False, 1.0)


def test_no_kernel_time_is_null():
    found = report(shown.healthy())
    assert found["kernels"] is None
    assert found["functions"][0]["kernel_seconds"] is None
