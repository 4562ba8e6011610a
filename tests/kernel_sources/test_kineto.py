"""Kineto's JSON: packed and not, in any layout, of 2021 and today."""

from __future__ import annotations

import json

import pytest

from kernel_files import TOTAL_NS, event, events, frame, kernel, launch, write_kineto
from kernel_source_contract import KernelSourceContract
from tracedbg.errors import TraceFileError
from tracedbg.explain.kernels import explain
from tracedbg.kernels import CallFrame, Kind, ThreadKey
from tracedbg_kernels.events import Events
from tracedbg_kernels.kineto import KinetoSource, _Event


class TestPlain(KernelSourceContract):
    @pytest.fixture
    def source(self):
        return KinetoSource()

    def write(self, folder):
        return write_kineto(folder / "trace.json")


class TestPacked(TestPlain):
    def write(self, folder):
        return write_kineto(folder / "trace.json.gz")


class TestIndented(TestPlain):
    def write(self, folder):
        return write_kineto(folder / "trace.json", indent=2)


def read(path, found, **options):
    return KinetoSource().read(write_kineto(path / "trace.json", found, **options))


def test_the_form_of_2021_has_its_stacks_at_ops_and_its_threads_as_texts(tmp_path):
    stack = "/lib/python3.7/site-packages/torch/nn/functional.py(10): linear;/home/me/net.py(7): forward"
    found = [
        event("Operator", "aten::linear", 100, 900, tid="1", **{"External id": 4, "Call stack": stack}),
        event("Runtime", "cudaLaunchKernel", 200, 50, tid="1", correlation=9),
        kernel("gemm", 1_000, 2_000, 9, category="Kernel"),
        kernel("Memset (Device)", 4_000, 1_000, 10, category="Memset"),
    ]
    timeline = read(tmp_path, found)
    assert [one.kind for one in timeline.kernels] == [Kind.KERNEL, Kind.FILL]
    assert timeline.kernels[0].launch.thread == ThreadKey("1", "1")
    assert explain(timeline).kernels[0].lines == (CallFrame("/home/me/net.py", 7, "forward", is_exact=True),)


def test_a_runtime_call_counts_before_the_driver_call_that_it_made(tmp_path):
    found = [
        event("cuda_driver", "cuLaunchKernel", 250, 10, correlation=3),
        launch(200, 3),
        kernel("k", 1_000, 10, 3),
    ]
    launched = read(tmp_path, found).kernels[0].launch
    assert (launched.api, launched.start_ns) == ("cudaLaunchKernel", 200)


def test_launches_without_a_kernel_are_kept_for_graphs_that_were_captured(tmp_path):
    found = [
        launch(100, 1, "hipLaunchKernel", kernel="a"),
        launch(200, 2, "hipGetDevice"),
        launch(300, 3, "hipMemcpyAsync"),
        launch(400, 4, "hipGraphLaunch"),
        launch(500, 5),
        kernel("ran", 1_000, 10, 5),
    ]
    captured = read(tmp_path, found).captured
    assert [(one.api, one.kernel) for one in captured] == [("hipLaunchKernel", "a"), ("hipMemcpyAsync", "")]


def test_frames_out_of_order_are_put_in_order(tmp_path):
    found = [
        frame("a.py(2): inner", 500, 900, 2, 1),
        frame("a.py(1): outer", 100, 1_000, 1),
        launch(600, 1),
        kernel("k", 2_000, 10, 1),
    ]
    frames = explain(read(tmp_path, found)).kernels[0].frames
    assert [one.function for one in frames] == ["inner", "outer"]


def test_durations_are_exact_and_starts_to_a_nanosecond_for_times_of_months(tmp_path):
    found = [kernel("k", 4_458_676_983_543_183, 41_407, 1)]
    one = read(tmp_path, found).kernels[0]
    assert one.duration_ns == 41_407
    assert abs(one.start_ns - 4_458_676_983_543_183) <= 1  # a float of microseconds has no more


@pytest.mark.parametrize("size", [64, 100, 333, 1_000, 1 << 20])
def test_where_chunks_end_changes_nothing(tmp_path, size):
    found = events()
    found[0]["args"]["note"] = '}, {"ph": "X"}, [{"name": "nested"}, {"name": "}, {"}]'
    found[3]["args"]["list"] = [{"name": "a"}, {"name": "b"}]
    for indent in (None, 1):
        file = write_kineto(tmp_path / "trace.json", found, indent=indent)
        reading = Events(file, _Event, size)
        names = [one.name for chunk in reading for one in chunk]
        assert names == [one["name"] for one in found]
        assert reading.damage == []


def test_a_bare_list_of_events_is_a_trace_as_well(tmp_path):
    file = tmp_path / "trace.json"
    file.write_text(json.dumps(events()))
    assert sum(one.duration_ns for one in KinetoSource().read(str(file)).kernels) == TOTAL_NS


def test_json_that_breaks_off_is_read_to_its_last_event_and_the_byte_is_told(tmp_path):
    file = write_kineto(tmp_path / "trace.json")
    with open(file, "rb+") as opened:
        text = opened.read()
        cut = text.rindex(b'"mm_kernel_back"')
        opened.truncate(cut)
    timeline = KinetoSource().read(file)
    assert [one.name for one in timeline.kernels] == ["mm_kernel", "mm_kernel_back", "mm_kernel"]
    assert [(one.message, one.byte) for one in timeline.damage] == [("its JSON breaks off", cut)]


def test_an_event_that_is_damaged_is_left_out_and_the_others_are_not(tmp_path):
    file = tmp_path / "trace.json"
    text = write_kineto(file) and file.read_bytes()
    at = text.index(b'"mm_kernel"')
    file.write_bytes(text[:at] + b"\x01" + text[at + 1 :])
    timeline = KinetoSource().read(str(file))
    assert [one.name for one in timeline.kernels] == ["mm_kernel_back", "mm_kernel", "mm_kernel_back"]
    told = [(one.message, one.byte) for one in timeline.damage]
    assert told == [("its JSON is damaged, and an event left out", at)]


def test_packed_data_that_break_off_name_the_byte_of_the_file(tmp_path):
    found = [event("cpu_op", f"op {number}", 10 * number, 5) for number in range(3_000)]
    file = write_kineto(tmp_path / "trace.json.gz", found)
    with open(file, "rb+") as opened:
        half = opened.seek(0, 2) // 2
        opened.truncate(half)
    timeline = KinetoSource().read(file)
    assert 0 < len(timeline.threads[ThreadKey("1", "1")].ops) < 3_000
    assert [(one.message, one.byte) for one in timeline.damage] == [("its gzip data break off", half)]


def test_packed_data_with_a_wrong_byte_are_read_up_to_it(tmp_path):
    found = [event("cpu_op", f"op {number**3}", 10 * number, 5) for number in range(20_000)]
    file = tmp_path / "trace.json.gz"
    write_kineto(file, found)
    data = bytearray(file.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 40] = b"\xff" * 40
    file.write_bytes(data)
    timeline = KinetoSource().read(str(file))
    assert "its gzip data are damaged" in timeline.damage[0].message


def test_values_of_another_type_cost_their_event_alone(tmp_path):
    found = [*events(), event("kernel", "odd", 1, 1, device={"a": 1})]
    found[0]["ts"] = str(found[0]["ts"])
    timeline = read(tmp_path, found)
    assert len(timeline.kernels) == 4
    assert [one.message for one in timeline.damage] == [
        "1 of its events have values of another type than they should"
    ]


@pytest.mark.parametrize("number", [1e300, -1e300, 2**80])
def test_numbers_that_no_clock_has_cost_their_event_alone(tmp_path, number):
    odd = [{**kernel("odd", 0, 0, 1), "ts": number}, {**kernel("odd", 0, 0, 1), "dur": number}]
    timeline = read(tmp_path, [*events(), *odd, kernel("odd", 1, 1, 2**70)])
    assert len(timeline.kernels) == 4
    told = "3 of its events have values of another type than they should"
    assert [one.message for one in timeline.damage] == [told]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"traceEvents": []}', "has neither kernels nor ops of a profiler"),
        ('{"traceEvents": [', "has neither kernels nor ops of a profiler (its JSON breaks off)"),
        (
            '{"traceEvents": [{"ph": "M", "name": "process_name"}]}',
            "has neither kernels nor ops of a profiler",
        ),
        ('{"events": [1, 2]}', "has no list of traceEvents: it is no Chrome trace"),
        ('{"traceEvents": 5}', "has no list of traceEvents: it is no Chrome trace"),
        ("", "is empty"),
    ],
)
def test_what_is_no_trace_is_told_in_one_line(tmp_path, text, told):
    file = tmp_path / "trace.json"
    file.write_text(text)
    with pytest.raises(TraceFileError) as raised:
        KinetoSource().read(str(file))
    assert str(raised.value) == f"{file} {told}"
