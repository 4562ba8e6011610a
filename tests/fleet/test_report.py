"""The report over a dataset of many ranks: the same numbers as the report of the run, and which ranks are odd."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import pytest

from fleet.ranks import ODD, RANKS, write_fleet
from tracedbg.cli.main import main
from tracedbg.explain import summarise
from tracedbg.fleet.summary import ranks_text
from tracedbg.store.reader import Run
from tui.recorded import Written

pytest.importorskip("duckdb")
pytest.importorskip("pyarrow")
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "fleet-json.md"
USUAL = tuple(rank for rank in range(RANKS) if rank not in ODD)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    """The folder of a run of twenty ranks, with its dataset beside it."""
    folder = tmp_path_factory.mktemp("fleet")
    run = write_fleet(folder)
    assert main(["export", str(run), "--format", "parquet"]) == 0
    return folder


def report(capsys, *words):
    code = main(["report", *map(str, words)])
    out, err = capsys.readouterr()
    assert (code, err) == (0, "")
    return out


@pytest.fixture
def data(fleet, capsys):
    capsys.readouterr()
    return json.loads(report(capsys, fleet / "run.dataset", "--format", "json"))


def test_the_totals_are_those_of_the_report_of_the_run(fleet, data):
    with Run.open(str(fleet / "run")) as run:
        summary = summarise(run)
    assert (data["traces"], data["retraces"]) == (summary.traces, summary.retraces)
    assert data["seconds"]["total"] == pytest.approx(summary.seconds, abs=1e-5)
    expected = {}
    for function in summary.functions:
        all_of_it = [function, *function.resumes]
        expected[function.name, function.line] = (
            sum(one.traces for one in all_of_it),
            sum(one.retraces for one in all_of_it),
            function.graph_breaks,
            pytest.approx(sum(one.self_seconds for one in all_of_it), abs=1e-5),
        )
    assert {
        (one["name"], one["line"]): (
            one["traces"], one["retraces"], one["graph_breaks"], one["seconds"]["total"],
        )
        for one in data["functions"]
    } == expected  # fmt: skip
    causes = {
        (cause.kind.value, cause.argument): cause.count for one in summary.functions for cause in one.causes
    }
    assert {(one["kind"], one["argument"]): one["count"] for one in data["causes"]} == causes


def test_ranks_that_compiled_what_others_did_not_are_named_with_their_cause(data):
    (difference,) = data["differences"]
    assert (difference["name"], difference["run"]) == ("step", "run")
    assert [(group["traces"], group["ranks"], group["which"]) for group in difference["groups"]] == [
        (2, 18, "0-5, 7-12, 14-19"),
        (3, 2, "6, 13"),
    ]
    (cause,) = difference["causes"]
    assert (cause["kind"], cause["argument"], cause["which"]) == ("shape", "x", "6, 13")
    assert (cause["before"], cause["after"]) == ("float32[8]", "float32[3]")
    assert difference["extra_seconds"] > 0


def test_the_slowest_ranks_come_first_with_their_host(data):
    slowest = data["slowest"]
    assert {one["rank"] for one in slowest[:2]} == set(ODD)
    assert [one["seconds"] for one in slowest] == sorted((one["seconds"] for one in slowest), reverse=True)
    assert {one["rank"]: one["host"] for one in slowest}[13] == "node001"
    assert slowest[0]["wall_s"] > 3


def test_the_spread_is_that_of_the_ranks(data):
    seconds = sorted(one["seconds"] for one in data["slowest"])
    assert len(seconds) == RANKS
    spread = data["seconds"]
    assert spread["max"] == seconds[-1]
    assert spread["p50"] == pytest.approx((seconds[9] + seconds[10]) / 2, abs=1e-6)
    assert sum(spread["histogram"]) == RANKS
    python = next(one for one in data["activities"] if one["activity"] == "python")
    assert python["seconds"]["total"] == pytest.approx(RANKS * python["seconds"]["p50"], rel=0.2)


def test_faults_say_on_how_many_ranks_they_were(data):
    assert data["faults"] == [{"where": "torch_compile.guards", "message": "KeyError: 'x'", "ranks": 2}]


def keys_of(thing):
    if isinstance(thing, dict):
        for key, inner in thing.items():
            yield key
            yield from keys_of(inner)
    elif isinstance(thing, list):
        for one in thing:
            yield from keys_of(one)


def test_every_key_is_documented(data):
    assert data["schema"] == 1
    text = PAGE.read_text()
    documented = set(re.findall(r"`([a-z0-9_]+)`", text))
    assert set(keys_of({**data, "dropped": {}})) <= documented


@pytest.mark.parametrize("columns", [80, 120])
def test_the_text_says_it_in_the_width_of_the_screen(fleet, capsys, columns, monkeypatch):
    capsys.readouterr()
    monkeypatch.setattr("tracedbg.cli.output._width", lambda _: columns)
    text = report(capsys, fleet / "run.dataset")
    lines = text.splitlines()
    assert max(map(len, lines)) <= columns
    assert lines[0].startswith("tracedbg: 20 ranks on 3 hosts: 82 traces, 22 retraces; tracing took ")
    assert "    2 traces on 18 ranks: 0-5, 7-12, 14-19" in lines
    assert "    3 traces on 2 ranks: 6, 13" in lines
    for title in ("Why ranks traced again", "Seconds of tracing over ranks", "Slowest ranks"):
        assert title in lines
    assert "▁" in text
    assert "limit of traces on 20 ranks" in text


def test_several_runs_are_told_apart(fleet, capsys, tmp_path):
    shutil.copytree(fleet / "run", tmp_path / "other")
    run_file = tmp_path / "other" / "run.json"
    run_file.write_text(json.dumps({**json.loads(run_file.read_text()), "id": "other"}))
    shutil.rmtree(tmp_path / "all", ignore_errors=True)
    shutil.copytree(fleet / "run.dataset", tmp_path / "all")
    assert (
        main(["export", str(tmp_path / "other"), "--format", "parquet", "--output", str(tmp_path / "all")])
        == 0
    )
    capsys.readouterr()
    data = json.loads(report(capsys, tmp_path / "all", "--format", "json"))
    assert {run["id"]: run["ranks"] for run in data["runs"]} == {"run": RANKS, "other": RANKS}
    assert data["ranks"] == 2 * RANKS
    assert {one["run"]: one["groups"][0]["which"] for one in data["differences"]} == {
        "run": ranks_text(USUAL), "other": ranks_text(USUAL),
    }  # fmt: skip


def test_a_run_in_which_nothing_was_recorded_has_a_report_too(tmp_path, capsys):
    Written(tmp_path / "run").finish()
    assert main(["export", str(tmp_path / "run"), "--format", "parquet"]) == 0
    capsys.readouterr()
    text = report(capsys, tmp_path / "run.dataset")
    assert text == (
        "tracedbg: no ranks on no hosts: no traces, no retraces; tracing took 0.000 s in\n"
        "all, 0.000 s on the middle rank, 0.000 s on the slowest\n"
        "train.py, exit 0, run run\n"
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--ops"], "--ops is for a run, and {0} is a dataset: name the run that it was made of"),
        (["--graph", "step"], "--graph is for a run, and {0} is a dataset: name the run that it was made of"),
    ],
)
def test_an_option_that_is_for_a_run_is_refused(fleet, capsys, words, told):
    dataset = fleet / "run.dataset"
    capsys.readouterr()
    assert main(["report", str(dataset), *words]) == 2
    assert capsys.readouterr().err == f"tracedbg: {told.format(dataset)}\n"


def test_a_package_that_is_missing_is_named_with_the_line_that_installs_it(fleet, capsys, monkeypatch):
    capsys.readouterr()
    for name in [name for name in sys.modules if name.partition(".")[0] in ("duckdb", "_duckdb")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "duckdb", None)
    assert main(["report", str(fleet / "run.dataset")]) == 2
    told = (
        "a report of a dataset needs packages that are not installed: python -m pip install 'tracedbg[fleet]'"
    )
    assert capsys.readouterr().err == f"tracedbg: {told}\n"


@pytest.mark.parametrize("damage", ["table", "file", "version"])
def test_a_dataset_that_cannot_be_read_is_told_in_one_line(fleet, capsys, tmp_path, damage):
    dataset = tmp_path / "damaged"
    shutil.copytree(fleet / "run.dataset", dataset)
    if damage == "table":
        shutil.rmtree(dataset / "trace")
    elif damage == "file":
        next((dataset / "trace").rglob("*.parquet")).write_bytes(b"PAR1")
    else:
        (dataset / "dataset.json").write_text('{"schema": 2}')
    capsys.readouterr()
    assert main(["report", str(dataset)]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    if damage == "version":
        expected = f"{dataset} was written by a newer tracedbg (schema 2, this one reads up to 1): "
        assert told == f"tracedbg: {expected}upgrade with python -m pip install -U tracedbg\n"
    else:
        assert told.startswith(f"tracedbg: cannot read the dataset {dataset}: ")


@pytest.mark.parametrize(
    ("ranks", "text"),
    [
        ((), ""),
        ((3,), "3"),
        ((0, 1, 2, 4), "0-2, 4"),
        ((None,), "no rank"),
        ((1, None, 0), "0-1, no rank"),
        (tuple(range(0, 20, 2)), "0, 2, 4, 6, 8, 10, 4 more"),
    ],
)
def test_ranks_are_named_in_few_words(ranks, text):
    assert ranks_text(ranks) == text
