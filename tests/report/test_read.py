"""A report that is read back says what was written, and what is no report is told."""

from __future__ import annotations

import json

import pytest
import shown

from tracedbg.errors import DamagedRunError, NewerSchemaError, NotARunError
from tracedbg.explain import summarise
from tracedbg.report.json import to_json
from tracedbg.report.read import from_json, read_report


@pytest.mark.parametrize(
    "run",
    [
        shown.example,
        shown.healthy,
        shown.nothing,
        shown.broken,
        shown.stepped,
        shown.with_ops,
        shown.with_ledger,
    ],
)
def test_a_report_read_back_says_the_same(run):
    written = to_json(summarise(run()))
    assert to_json(from_json(json.loads(json.dumps(written)))) == written


def example():
    return to_json(summarise(shown.example()))


def test_keys_of_a_later_version_are_left_out_and_those_that_an_earlier_one_had_not_have_defaults():
    data = example() | {"news": 1}
    function = next(f for f in data["functions"] if f["name"] == "step")
    function["news"] = {}
    for name in ("phases", "caches", "stale", "resumes", "is_user"):
        del function[name]
    del data["run"]["cwd"]
    step = next(f for f in from_json(data).functions if f.name == "step")
    assert (step.traces, step.phases, step.is_user) == (3, (), True)


def written(tmp_path, data):
    file = tmp_path / "report.json"
    file.write_text(data if isinstance(data, str) else json.dumps(data))
    return str(file)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ("{", DamagedRunError, "cannot read {}: Expecting property name enclosed in double quotes"),
        ("[]", DamagedRunError, "{} is not a report of tracedbg: tracedbg report --format json writes one"),
        ("{}", DamagedRunError, "{} is not a report of tracedbg: tracedbg report --format json writes one"),
        (
            {"schema": 2, "run": {}},
            NewerSchemaError,
            "{} was written by a newer tracedbg (schema 2, this one reads up to 1): upgrade with"
            " python -m pip install -U tracedbg",
        ),
        ({"schema": 1, "run": {}}, DamagedRunError, "cannot read {}: no 'wall_s'"),
    ],
)
def test_what_is_no_report_is_told(tmp_path, data, error, message):
    file = written(tmp_path, data)
    with pytest.raises(error) as caught:
        read_report(file)
    assert str(caught.value).startswith(message.format(file))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"traces": "many"}, "traces is 'many', which is no int"),
        ({"framework": 3}, "3 is not a valid Framework"),
        ({"causes": [{"kind": "shape"}]}, "no 'argument'"),
        ({"causes": 3}, "'int' object is not iterable"),
    ],
)
def test_a_damaged_report_is_told(tmp_path, change, message):
    data = example()
    data["functions"][0] |= change
    file = written(tmp_path, data)
    with pytest.raises(DamagedRunError) as caught:
        read_report(file)
    assert str(caught.value) == f"cannot read {file}: {message}"


def test_a_report_that_is_not_there_is_told(tmp_path):
    with pytest.raises(NotARunError) as caught:
        read_report("gone.json")
    assert str(caught.value) == (
        "there is no file gone.json; tracedbg report RUN --format json --output gone.json writes it"
    )


def test_native_functions_are_read_back():
    written = to_json(shown.with_native())
    assert to_json(from_json(json.loads(json.dumps(written)))) == written
