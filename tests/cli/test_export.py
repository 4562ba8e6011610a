"""Kernels in the formats of other tools: read again by these tools' own readers, where they have one."""

from __future__ import annotations

import json
import sys
from collections import Counter

import pytest

from kernel_files import KERNEL_NS, TOTAL_NS, event, events, kernel, write_kineto, write_xplane
from tracedbg.cli.main import main
from tracedbg.events import PhaseSpan
from tracedbg.kernels import CallFrame, Kernel, KernelsSeen
from tracedbg.report.kernel_export.slices import Slice, lanes
from tui.recorded import GONE, Written, events_of, traces_of


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_kineto(tmp_path / "trace.json")
    return tmp_path


def export(capsys, form, *words):
    code = main(["export", *(words or ["trace.json"]), "--format", form])
    out, err = capsys.readouterr()
    assert (code, err) == (0, "")
    return out.strip()


def test_chrome_has_every_kernel_and_op_with_its_line(folder, capsys):
    file = export(capsys, "chrome")
    assert file == "trace.json.chrome.json"
    found = json.loads((folder / file).read_text())["traceEvents"]
    kernels = [one for one in found if one.get("cat") == "kernel"]
    assert [(one["ts"] * 1000, round(one["dur"] * 1000)) for one in kernels] == KERNEL_NS
    assert {one["args"]["line"] for one in kernels} == {"model.py:8 forward"}
    assert [one["args"]["pass"] for one in kernels] == ["forward", "backward"] * 2
    ops = sum(one["cat"] == "cpu_op" for one in events())
    assert sum(one.get("cat") == "op" for one in found) == ops
    tracks = {one["args"]["name"] for one in found if one["name"] == "thread_name"}
    assert tracks == {"device 0, stream 7", "process 1, thread 1", "process 1, thread 2"}


def test_collapsed_stacks_add_up_to_the_kernels(folder, capsys):
    lines = (folder / export(capsys, "collapsed")).read_text().splitlines()
    assert sum(int(line.rpartition(" ")[2]) for line in lines) == TOTAL_NS
    assert (
        "train.py:5 step;torch/nn/modules/module.py:1500 _call_impl;model.py:8 forward;mm_kernel 3000"
        in lines
    )


def test_speedscope_has_a_profile_for_each_stream_in_nanoseconds(folder, capsys):
    data = json.loads((folder / export(capsys, "speedscope")).read_text())
    assert data["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    (profile,) = data["profiles"]
    assert (profile["type"], profile["unit"], profile["endValue"]) == ("sampled", "nanoseconds", TOTAL_NS)
    assert profile["weights"] == [duration for _, duration in KERNEL_NS]
    frames = [data["shared"]["frames"][index] for index in profile["samples"][0]]
    assert frames[-2:] == [{"name": "forward", "file": "model.py", "line": 8}, {"name": "mm_kernel"}]


@pytest.mark.parametrize("form", ["collapsed", "speedscope"])
def test_a_fused_kernel_is_split_without_losing_a_nanosecond(folder, capsys, form):
    file = write_xplane(folder / "host.xplane.pb", [(7, 1_000, 2_001)])
    text = (folder / export(capsys, form, file)).read_text()
    if form == "collapsed":
        weights = sorted(int(line.rpartition(" ")[2]) for line in text.splitlines())
    else:
        weights = sorted(json.loads(text)["profiles"][0]["weights"])
    assert weights == [1_000, 1_001]


def test_parquet_has_a_row_for_each_kernel(folder, capsys):
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(folder / export(capsys, "parquet"))
    rows = table.to_pylist()
    assert [(row["start_ns"], row["duration_ns"]) for row in rows] == KERNEL_NS
    assert {(row["file"], row["line"], row["function"]) for row in rows} == {("model.py", 8, "forward")}
    assert [row["found_by"] for row in rows] == ["launch", "forward"] * 2
    assert rows[0]["stack"][0] == "model.py:8 forward"


def perfetto_slices(file):
    trace_pb2 = pytest.importorskip("perfetto.protos.perfetto.trace.perfetto_trace_pb2")
    trace = trace_pb2.Trace.FromString(file.read_bytes())
    tracks, open_slices, found = {}, {}, []
    names, keys, values = {}, {}, {}
    for packet in trace.packet:
        names |= {one.iid: one.name for one in packet.interned_data.event_names}
        keys |= {one.iid: one.name for one in packet.interned_data.debug_annotation_names}
        values |= {one.iid: one.str.decode() for one in packet.interned_data.debug_annotation_string_values}
        if packet.HasField("track_descriptor"):
            tracks[packet.track_descriptor.uuid] = packet.track_descriptor.name
            continue
        event = packet.track_event
        stack = open_slices.setdefault(event.track_uuid, [])
        if event.type == trace_pb2.TrackEvent.TYPE_SLICE_BEGIN:
            arguments = {keys[one.name_iid]: values[one.string_value_iid] for one in event.debug_annotations}
            stack.append((tracks[event.track_uuid], names[event.name_iid], packet.timestamp, arguments))
        else:
            track, name, start_ns, arguments = stack.pop()
            found.append((track, name, start_ns, packet.timestamp - start_ns, arguments))
    assert not any(open_slices.values())
    return found


def test_perfetto_has_every_slice_with_its_line(folder, capsys):
    found = perfetto_slices(folder / export(capsys, "perfetto"))
    kernels = sorted(one[2:4] for one in found if one[0] == "device 0, stream 7")
    assert kernels == KERNEL_NS
    assert {one[4]["line"] for one in found if "line" in one[4]} == {"model.py:8 forward"}
    assert Counter(one[0].partition(",")[0] for one in found)["process 1"] == 6


def test_slices_that_overlap_go_to_lanes_and_none_is_lost(folder, capsys):
    write_kineto(
        folder / "trace.json", [kernel("a", 0, 100, 1), kernel("b", 50, 100, 2), event("cpu_op", "x", 0, 1)]
    )
    found = perfetto_slices(folder / export(capsys, "perfetto"))
    assert sorted((one[0], one[1], one[3]) for one in found)[:2] == [
        ("device 0, stream 7", "a", 100),
        ("device 0, stream 7, lane 1", "b", 100),
    ]


def test_what_nests_shares_a_lane():
    slices = [
        Slice("outer", 0, 100, ""),
        Slice("inner", 10, 20, ""),
        Slice("next", 100, 5, ""),
        Slice("across", 90, 50, ""),
    ]
    assert [[one.name for one in lane] for lane in lanes(slices)] == [["outer", "inner", "next"], ["across"]]


def test_several_files_are_told_apart(folder, capsys):
    write_kineto(folder / "rank1.json")
    found = json.loads((folder / export(capsys, "chrome", "trace.json", "rank1.json")).read_text())[
        "traceEvents"
    ]
    names = {one["args"]["name"] for one in found if one["name"] == "process_name"}
    assert names == {"0: device 0", "0: process 1", "1: device 0", "1: process 1"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["trace.json", "--format", "chrome", "--output", "trace.json"],
            "--output trace.json: that is the trace itself",
        ),
        (["none.json", "--format", "chrome"], "cannot read none.json: No such file or directory"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(folder, capsys, words, told):
    assert main(["export", *words]) == 2
    assert capsys.readouterr().err == f"tracedbg: {told}\n"
    assert [one.name for one in folder.iterdir()] == ["trace.json"]


@pytest.mark.parametrize(
    ("form", "package", "what"),
    [("perfetto", "perfetto", "Perfetto's format"), ("parquet", "pyarrow", "Parquet")],
)
def test_a_package_that_is_missing_is_named_with_the_line_that_installs_it(
    folder, capsys, monkeypatch, form, package, what
):
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    assert main(["export", "trace.json", "--format", form]) == 2
    told = f"writing {what} needs packages that are not installed: python -m pip install 'tracedbg[export]'"
    assert capsys.readouterr().err == f"tracedbg: {told}\n"
    assert [one.name for one in folder.iterdir()] == ["trace.json"]


@pytest.fixture
def run(folder):
    """A run with two traces and a window of kernels."""
    written = Written(folder / "run")
    traces = traces_of(2)
    frames = (CallFrame("model.py", 8, "forward", is_exact=True),)
    began_ns = 1_700_000_000_000_000_000
    kernels = (Kernel("cuda:0", "7", began_ns + 5_000, 100, "mm_kernel", op="aten::mm", frames=frames),)
    events = [event for trace in traces for event in events_of(trace)]
    events.append(PhaseSpan(traces[0].started.id, "autograph", traces[0].started.start_ns, 1_000))
    written.process().write([*events, KernelsSeen("torch", kernels, 0, 10**9, steps=1)])
    written.finish()
    return traces


def test_a_run_has_its_traces_and_phases_beside_its_kernels_on_one_clock(folder, run, capsys):
    assert export(capsys, "chrome", "run") == "run.chrome.json"
    found = [
        one for one in json.loads((folder / "run.chrome.json").read_text())["traceEvents"] if "dur" in one
    ]
    traces = [one for one in found if one["cat"] == "trace"]
    began_us = 1_700_000_000_000_000
    assert [(one["name"], one["ts"]) for one in traces] == [
        ("trace step", began_us + trace.started.start_ns / 1000) for trace in run
    ]
    assert traces[0]["args"]["line"].endswith(":10 step")
    assert traces[0]["args"]["outcome"] == "compiled"
    (phase,) = [one for one in found if one["cat"] == "phase"]
    assert (phase["name"], phase["ts"], phase["dur"]) == ("autograph", traces[0]["ts"], 1)
    (kernel_found,) = [one for one in found if one["cat"] == "kernel"]
    assert (kernel_found["ts"], kernel_found["args"]["line"]) == (began_us + 5, "model.py:8 forward")
    assert {one[0] for one in perfetto_slices(folder / export(capsys, "perfetto", "run"))} == {
        "device cuda:0, stream 7",
        f"process {GONE}, tracing and compiling",
    }


def test_a_run_without_kernels_is_refused_by_what_shows_nothing_else(folder, capsys):
    written = Written(folder / "run")
    written.process().write([event for trace in traces_of(1) for event in events_of(trace)])
    written.finish()
    assert main(["export", "run", "--format", "collapsed"]) == 2
    assert capsys.readouterr().err == (
        "tracedbg: run has no kernels for collapsed: record them with tracedbg run --kernels, or write its"
        " traces with --format perfetto\n"
    )
    assert not (folder / "run.collapsed.txt").exists()


def test_a_run_that_is_not_there_is_told_in_one_line(folder, capsys):
    assert main(["export", "20200101-000000", "--format", "chrome"]) == 2
    assert "no run named '20200101-000000' in " in capsys.readouterr().err
