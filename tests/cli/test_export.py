"""Kernels in the formats of other tools: read again by these tools' own readers, where they have one."""

from __future__ import annotations

import json
import sys
import tracemalloc
from array import array
from collections import Counter

import pytest

from kernel_files import KERNEL_NS, TOTAL_NS, event, events, kernel, write_kineto, write_xplane
from tracedbg.cli.main import main
from tracedbg.events import Frame, PhaseSpan, Stopped
from tracedbg.kernels import CallFrame, Kernel, KernelsSeen
from tracedbg.ran import OpKind, OpRows, OpsSeen, SamplesSeen, SampleTotal
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
    assert {(row["name"], row["kind"]) for row in rows} == {
        ("mm_kernel", "kernel"),
        ("mm_kernel_back", "kernel"),
    }
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


IN_LOSS = Frame("model.py", 8, "loss")
STOPS = [
    Stopped(
        "exception", IN_LOSS, 11, 2_000, 9_000, (IN_LOSS, Frame("train.py", 5, "main")), "aten.log", "0/0 forward",
        text="NaN in out",
    ),
    Stopped("step", IN_LOSS, 12, 3_000, 4_000, (IN_LOSS,)),
    Stopped("step", IN_LOSS, 11, 9_500, 9_600, (IN_LOSS,), "aten.mul", "0/0 backward", is_backward=True),
]  # fmt: skip
BEGAN_NS = 1_700_000_000_000_000_000


@pytest.fixture
def stopped(folder):
    """A run in which the debugger has stopped two threads."""
    written = Written(folder / "run")
    written.process().write(STOPS)
    written.finish()


def test_stops_stand_on_the_timeline_by_thread_with_their_line_op_and_graph(folder, stopped, capsys):
    found = [
        one
        for one in json.loads((folder / export(capsys, "chrome", "run")).read_text())["traceEvents"]
        if one.get("cat") == "stop"
    ]
    assert [(one["name"], one["ts"] - BEGAN_NS // 1000, one["dur"]) for one in found] == [
        ("stop: exception", 2, 7),
        ("stop: step", 9.5, 0.1),
        ("stop: step", 3, 1),
    ]
    assert found[0]["args"] == {
        "line": "model.py:8 loss",
        "op": "aten.log",
        "graph": "0/0 forward",
        "found": "NaN in out",
        "stack": "model.py:8 loss < train.py:5 main",
    }
    assert found[1]["args"]["pass"] == "backward"
    assert found[2]["args"]["graph"] == "none: eager code"
    in_perfetto = perfetto_slices(folder / export(capsys, "perfetto", "run"))
    assert {(one[0], one[1], one[2] - BEGAN_NS, one[3]) for one in in_perfetto} == {
        (f"process {GONE}, stops of thread 11", "stop: exception", 2_000, 7_000),
        (f"process {GONE}, stops of thread 11", "stop: step", 9_500, 100),
        (f"process {GONE}, stops of thread 12", "stop: step", 3_000, 1_000),
    }
    assert in_perfetto[0][4] == found[0]["args"]


LINEAR = OpKind("torch", "aten::linear", "float32[2]", (IN_LOSS, Frame("train.py", 5, "main")))
MM = OpKind(
    "torch", "aten::mm", "", (IN_LOSS,), is_backward=True, is_traced=True, is_outer=False, sync="item"
)
OF_NO_LINE = OpKind("torch", "aten::add")
OP_TIMES = [
    (MM, 11, 1_250, 400),
    (LINEAR, 11, 1_000, 1_000),
    (OF_NO_LINE, 11, 2_000, 10),
    (LINEAR, 12, 1_500, 100),
    (MM, 12, 1_550, 100),  # overlaps
]
"""Kind, thread, start, duration; not in the order of their starts, as they are written when they have ended."""


def ops_seen(times):
    kinds = tuple(dict.fromkeys(kind for kind, *_ in times))
    columns = zip(*((kinds.index(kind), *rest) for kind, *rest in times), strict=True)
    return OpsSeen("RecordFunction", (), OpRows(kinds, *(array("q", column) for column in columns)))


@pytest.fixture
def with_ops(folder):
    """A run whose ops were kept one by one, told in two parts."""
    written = Written(folder / "run")
    written.process().write([ops_seen(OP_TIMES[:2]), ops_seen(OP_TIMES[2:])])
    written.finish()


def test_ops_stand_on_the_timeline_by_thread_with_their_line(folder, with_ops, capsys):
    everything = json.loads((folder / export(capsys, "chrome", "run")).read_text())["traceEvents"]
    found = [one for one in everything if one.get("cat") == "op"]
    assert [(one["name"], one["ts"] - BEGAN_NS // 1000, one["dur"]) for one in found if one["tid"] == 0] == [
        ("aten::linear", 1, 1),
        ("aten::mm", 1.25, 0.4),
        ("aten::add", 2, 0.01),
    ]
    assert found[0]["args"] == {
        "line": "model.py:8 loss",
        "inputs": "float32[2]",
        "framework": "torch",
        "stack": "model.py:8 loss < train.py:5 main",
    }
    assert found[1]["args"] == {
        "line": "model.py:8 loss",
        "framework": "torch",
        "pass": "backward",
        "run by": "a compiled graph",
        "waits or copies": "item",
        "stack": "model.py:8 loss",
    }
    in_perfetto = perfetto_slices(folder / export(capsys, "perfetto", "run"))
    thread = f"process {GONE}, ops of thread"
    assert {(one[0], one[1], one[2] - BEGAN_NS, one[3]) for one in in_perfetto} == {
        (f"{thread} 11", "aten::linear", 1_000, 1_000),
        (f"{thread} 11", "aten::mm", 1_250, 400),
        (f"{thread} 11", "aten::add", 2_000, 10),
        (f"{thread} 12", "aten::linear", 1_500, 100),
        (f"{thread} 12, lane 1", "aten::mm", 1_550, 100),
    }
    assert {tuple(sorted(one[4].items())) for one in in_perfetto if one[1] == "aten::linear"} == {
        tuple(sorted(found[0]["args"].items()))
    }


def test_parquet_has_a_row_for_each_op(folder, with_ops, capsys):
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = parquet.read_table(folder / export(capsys, "parquet", "run") / "op").to_pylist()
    assert {(row["thread_id"], row["name"], row["start_ns"] - BEGAN_NS) for row in rows} == {
        (11, "aten::linear", 1_000),
        (11, "aten::mm", 1_250),
        (11, "aten::add", 2_000),
        (12, "aten::linear", 1_500),
        (12, "aten::mm", 1_550),
    }
    linear = next(row for row in rows if row["name"] == "aten::linear")
    assert (linear["file"], linear["line"], linear["function"]) == ("model.py", 8, "loss")
    assert (linear["inputs"], linear["is_backward"]) == ("float32[2]", False)


@pytest.mark.serial
@pytest.mark.parametrize("form", ["perfetto", "chrome", "parquet"])
def test_memory_does_not_grow_with_the_number_of_ops(folder, form, capsys):
    def peak(count):
        written = Written(folder / f"{form}{count}")
        writer = written.process()
        for start in range(0, count, 10_000):
            writer.write([ops_seen([(LINEAR, 11, 10 * at, 9) for at in range(start, start + 10_000)])])
        written.finish()
        export(capsys, form, f"{form}{count}")  # what is loaded once is not counted
        tracemalloc.start()
        try:
            export(capsys, form, f"{form}{count}")
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few, many = peak(10_000), peak(40_000)
    assert many - few < 30_000 * 140  # columns of 20 bytes, and for a moment the order of their rows


def test_a_run_without_kernels_is_refused_by_what_shows_nothing_else(folder, capsys):
    written = Written(folder / "run")
    written.process().write([event for trace in traces_of(1) for event in events_of(trace)])
    written.finish()
    assert main(["export", "run", "--format", "collapsed"]) == 2
    assert capsys.readouterr().err == (
        "tracedbg: run has no kernels and no samples for collapsed: record them with tracedbg run --kernels,"
        " or write its traces with --format perfetto\n"
    )
    assert not (folder / "run.collapsed.txt").exists()


def sampled_run(folder):
    inner, outer = Frame("/home/me/train.py", 12, "step"), Frame("/home/me/train.py", 30, "main")
    totals = (
        SampleTotal((inner, outer), "eager_ops", "optimizer", 1, True, 30, 300_000_000, 0),
        SampleTotal((outer,), "python", "", 1, True, 20, 200_000_000, 0),
        SampleTotal((outer,), "python", "", 2, False, 20, 200_000_000, 0),
    )
    written = Written(folder / "run")
    written.process().write([SamplesSeen(100, 0, 500_000_000, 0, totals)])
    written.finish()


def test_a_run_without_kernels_has_its_samples_as_stacks(folder, capsys):
    sampled_run(folder)
    lines = (folder / export(capsys, "collapsed", "run")).read_text().splitlines()
    assert lines == [
        "/home/me/train.py:30 main;/home/me/train.py:12 step;(eager_ops: optimizer) 300000000",
        "/home/me/train.py:30 main;(python) 200000000",
    ]


def test_speedscope_has_the_samples_of_each_main_thread(folder, capsys):
    sampled_run(folder)
    data = json.loads((folder / export(capsys, "speedscope", "run")).read_text())
    (profile,) = data["profiles"]
    assert profile["name"].startswith("process ")
    assert profile["endValue"] == sum(profile["weights"]) == 500_000_000
    names = [[data["shared"]["frames"][number]["name"] for number in stack] for stack in profile["samples"]]
    assert names == [["main", "step", "(eager_ops: optimizer)"], ["main", "(python)"]]


def test_a_run_that_is_not_there_is_told_in_one_line(folder, capsys):
    assert main(["export", "20200101-000000", "--format", "chrome"]) == 2
    assert "no run named '20200101-000000' in " in capsys.readouterr().err
