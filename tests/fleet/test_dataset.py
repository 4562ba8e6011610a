"""A dataset: what is recorded is in its tables, typed, by run and rank."""

from __future__ import annotations

import json
import os
import stat
import sys

import pytest
from builders import ALL, STARTED

from recordings import function, signature, tensor, value
from tracedbg import events as ev
from tracedbg.cli.main import main
from tracedbg.fleet.parquet import schema_of
from tracedbg.fleet.tables import TABLES
from tui.recorded import GONE, Written, events_of, traces_of

parquet = pytest.importorskip("pyarrow.parquet")
BEGAN_NS = 1_700_000_000_000_000_000


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_run(name, events, *ranks):
    written = Written(name)
    for number, rank in enumerate(ranks):
        written.process(GONE + number, rank=rank, started_wall_ns=BEGAN_NS).write(events)
    written.finish()


def export(capsys, *words):
    code = main(["export", *words, "--format", "parquet"])
    out, err = capsys.readouterr()
    assert (code, err) == (0, "")
    return out.strip()


def rows(dataset, table):
    return parquet.read_table(f"{dataset}/{table}").to_pylist()


def test_every_table_has_rows_of_its_documented_columns(folder, capsys):
    write_run("run", ALL, 3)
    dataset = export(capsys, "run")
    assert dataset == "run.dataset"
    for name, table in TABLES.items():
        file = next((folder / dataset / name).rglob("*.parquet"))
        assert parquet.ParquetFile(file).schema_arrow.equals(schema_of(table)), name
        found = rows(dataset, name)
        assert bool(found) == (name not in ("tally", "dropped")), name
        for row in found:
            assert row.pop("run") == "run"
            assert name == "run" or row.pop("rank") == 3
            assert list(row) == [column.name for column in table.columns]


def test_what_was_json_has_types(folder, capsys):
    write_run("run", ALL, 3)
    dataset = export(capsys, "run")
    (trace,) = rows(dataset, "trace")
    assert (trace["start_ns"], trace["duration_ns"], trace["self_ns"]) == (BEGAN_NS + 100, 300, 300)
    assert dict(trace["options"]) == {"backend": "inductor"}
    assert dict(trace["phases"]) == {"dynamo": 50, "other": 250}
    assert dict(trace["caches"]) == {"fx_graph_hit": 1, "fx_graph_miss": 2}
    assert trace["call_stack"][0] == {"file": "train.py", "line": 12, "function": "main"}
    arguments = {one["name"]: one for one in trace["signature"]}
    assert arguments["x"] == {
        "name": "x", "kind": "tensor", "type": "Variable", "dtype": "float32", "shape": [None, 3], "text": None,
    }  # fmt: skip
    assert arguments["unknown_rank"]["shape"] is None
    assert arguments["xs[0]"]["text"] == "'a'"
    (failure, of_fallback) = rows(dataset, "guard_failure")
    assert (failure["trace_id"], failure["fallback"], failure["source"]) == (11, None, "L['n']")
    assert (of_fallback["trace_id"], of_fallback["fallback"]) == (None, 0)
    assert rows(dataset, "stop")[0]["start_ns"] == BEGAN_NS + 700
    assert {row["start_ns"] - BEGAN_NS for row in rows(dataset, "op")} == {605, 610, 620}
    assert rows(dataset, "kernel")[0]["name"] == "triton_fused"


def test_a_trace_has_why_it_happened(folder, capsys):
    write_run("run", [event for trace in traces_of(3) for event in events_of(trace)], 0)
    dataset = export(capsys, "run")
    found = rows(dataset, "trace")
    assert [(row["is_retrace"], row["cause"], row["before"], row["after"]) for row in found] == [
        (False, "first_call", None, None),
        (True, "python_value", "0", "1"),
        (True, "python_value", "1", "2"),
    ]
    causes = rows(dataset, "cause")
    assert [row["position"] for row in causes] == [0, 0, 0]
    assert (causes[1]["kind"], causes[1]["argument"]) == ("python_value", "n")
    assert causes[1]["advice"]


def test_graphs_with_the_same_nodes_have_the_same_fingerprint(folder, capsys):
    sites = tuple(ev.OpSite(f"x{number}", "aten.add", (), "float32[2]", "m.py", 3) for number in range(2))
    graphs = [
        ev.GraphMade(11, "dynamo", sites),
        ev.GraphMade(11, "dynamo", sites),
        ev.GraphMade(11, "dynamo", sites[:1]),
    ]
    write_run("run", [STARTED, *graphs], 0)
    first, second, third = (row["fingerprint"] for row in rows(export(capsys, "run"), "graph"))
    assert first == second != third


def test_ranks_are_partitions_and_what_is_of_no_rank_is_minus_one(folder, capsys):
    write_run("run", [], 0, 1, None)
    dataset = export(capsys, "run")
    assert {row["rank"]: row["process"] for row in rows(dataset, "process")} == {
        0: f"p{GONE}-0", 1: f"p{GONE + 1}-1", -1: f"p{GONE + 2}-2",
    }  # fmt: skip
    assert (folder / dataset / "process" / "run=run" / "rank=-1").is_dir()


def test_a_run_without_ranks_can_be_read_as_a_whole(folder, capsys):
    write_run("run", [], None)
    assert [row["rank"] for row in rows(export(capsys, "run"), "process")] == [-1]


def test_the_name_of_a_run_may_have_any_characters(folder, capsys):
    write_run("50% of a=b, c", [], 0)
    (row,) = rows(export(capsys, "50% of a=b, c"), "run")
    assert row["run"] == "50% of a=b, c"


def test_a_table_without_rows_has_a_file_all_the_same(folder, capsys):
    write_run("run", [], 0, 1)
    dataset = export(capsys, "run")
    assert all(any((folder / dataset / name).rglob("*.parquet")) for name in TABLES)
    assert rows(dataset, "trace") == []


def test_a_lone_surrogate_of_the_programs_own_text_is_spelled_out(folder, capsys):
    trace = traces_of(1)[0].started
    odd = ev.TraceStarted(trace.id, function("f"), 0, 1, signature=signature(x=value("a\udc80")))
    write_run("run", [odd], 0)
    (row,) = rows(export(capsys, "run"), "trace")
    assert row["signature"][0]["text"] == r"'a\udc80'"


def test_runs_go_into_one_dataset_and_one_that_is_written_again_replaces_itself(folder, capsys):
    write_run("one", [], 0, 1)
    write_run("two", [], 0)
    assert export(capsys, "one", "--output", "all") == "all"
    assert export(capsys, "two", "one", "--output", "all") == "all"
    assert sorted((row["run"], row["rank"]) for row in rows("all", "process")) == [
        ("one", 0), ("one", 1), ("two", 0),
    ]  # fmt: skip
    assert sorted(os.listdir("all")) == sorted([*TABLES, "dataset.json"])


def test_a_dataset_belongs_to_its_owner_alone(folder, capsys):
    write_run("run", [], 0)
    dataset = folder / export(capsys, "run")
    assert stat.S_IMODE(dataset.stat().st_mode) == 0o700
    files = [path for path in dataset.rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_a_recording_that_is_cut_off_is_left_out_with_a_warning(folder, capsys):
    write_run("run", [], 0, 1)
    (folder / "run" / f"p{GONE + 1}-1.db").write_bytes(b"")
    assert main(["export", "run", "--format", "parquet"]) == 0
    out, err = capsys.readouterr()
    assert out == "run.dataset\n"
    assert err == (
        f"tracedbg: warning: left out: run/p{GONE + 1}-1.db is not a database of tracedbg,"
        " or was cut off when it was made\n"
    )
    assert [row["rank"] for row in rows("run.dataset", "process")] == [0]


def test_many_recordings_are_written_by_two_processes(folder, capsys, monkeypatch):
    monkeypatch.setattr("tracedbg.fleet.export._FEW", 3)
    write_run("run", [event for trace in traces_of(2) for event in events_of(trace)], *range(4))
    found = rows(export(capsys, "run"), "trace")
    assert sorted(row["rank"] for row in found) == sorted([*range(4)] * 2)


def not_empty():
    os.mkdir("mine")
    with open("mine/thesis.txt", "w"):
        pass


@pytest.mark.parametrize(
    ("prepare", "words", "told"),
    [
        (not_empty, ["run", "--output", "mine"], "mine is not empty, and no dataset of tracedbg: name a new folder"),
        (lambda: None, ["run", "--output", "run.json"], "run.json is a file: a dataset is a folder"),
        (lambda: None, ["run", "--output", "no/where"], "--output no/where: there is no folder {folder}/no"),
        (
            lambda: None, ["run", "run.json"],
            "run.json is no run: write kernels of files and tables of runs apart",
        ),
        (lambda: None, ["run", "sub/run"], "two of the runs are named run: a dataset tells runs apart by their names"),
        (lambda: None, ["run", "--source", "nsys"], "--source does nothing for a run: it is for a profiler's file"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_told_in_one_line(folder, capsys, prepare, words, told):
    write_run("run", [], 0)
    write_run("sub/run", [], 0)
    (folder / "run.json").write_text("{}")
    prepare()
    before = sorted(folder.rglob("*"))
    assert main(["export", *words, "--format", "parquet"]) == 2
    assert capsys.readouterr().err == f"tracedbg: {told.format(folder=folder)}\n"
    assert sorted(folder.rglob("*")) == before


def test_a_package_that_is_missing_is_named_with_the_line_that_installs_it(folder, capsys, monkeypatch):
    write_run("run", [], 0)
    for name in [name for name in sys.modules if name.partition(".")[0] == "pyarrow"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert main(["export", "run", "--format", "parquet"]) == 2
    told = "writing Parquet needs packages that are not installed: python -m pip install 'tracedbg[export]'"
    assert capsys.readouterr().err == f"tracedbg: {told}\n"
    assert not (folder / "run.dataset").exists()


def test_the_dataset_says_what_it_is(folder, capsys):
    write_run("run", [], 0)
    data = json.loads((folder / export(capsys, "run") / "dataset.json").read_text())
    assert (data["format"], data["schema"], data["tables"]) == ("tracedbg dataset", 1, list(TABLES))


def test_shapes_are_lists_of_numbers(folder, capsys):
    started = traces_of(1)[0].started
    odd = ev.TraceStarted(started.id, function("f"), 0, 1, signature=signature(x=tensor(2, 3), y=tensor()))
    write_run("run", [odd], 0)
    (row,) = rows(export(capsys, "run"), "trace")
    assert [one["shape"] for one in row["signature"]] == [[2, 3], []]
