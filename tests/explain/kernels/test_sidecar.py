"""What stands beside a trace: written and read again, and Inductor's own record."""

from __future__ import annotations

import json

import pytest

from kernel_files import kernel as kernel_event
from kernel_files import launch, write_kineto
from tracedbg.errors import TraceFileError
from tracedbg.explain.kernels import explain, read_timeline
from tracedbg.explain.kernels.provenance import read_provenance
from tracedbg.explain.kernels.sidecar import read_sidecar, write_sidecar
from tracedbg.kernels import CallFrame, Sidecar

LINE = CallFrame("/home/me/model.py", 12, "forward", is_exact=True)


def test_what_is_written_is_read_again(tmp_path):
    trace = str(tmp_path / "trace.json")
    sidecar = Sidecar(
        {5: 12, 3: 4}, {"cpp_fused_0": (LINE,)}, {}, {"net/MatMul": (LINE,)}, {"model.py": LINE.file}
    )
    assert write_sidecar(trace, sidecar) == f"{trace}.tracedbg.json"
    assert read_sidecar(trace) == sidecar


def test_a_trace_without_one_has_an_empty_one(tmp_path):
    assert read_sidecar(str(tmp_path / "trace.json")) == Sidecar()


def test_one_that_is_damaged_is_told_with_the_way_out(tmp_path):
    trace = tmp_path / "trace.json"
    file = tmp_path / "trace.json.tracedbg.json"
    file.write_text('{"format": ')
    with pytest.raises(TraceFileError) as raised:
        read_sidecar(str(trace))
    assert str(raised.value) == f"{file} is damaged: Input data was truncated; remove it to do without"


def stack(*lines):
    return "".join(f'  File "/home/me/model.py", line {line}, in forward\n    code\n' for line in lines)


@pytest.fixture
def record(tmp_path):
    file = tmp_path / "inductor_provenance_tracking_kernel_stack_traces.json"
    data = {
        "triton_poi_fused_add_0:1": [stack(30, 12), stack(30, 14)],
        "triton_poi_fused_add_0:4": [stack(30, 12)],
        "extern_kernels.mm:2": [],
    }
    file.write_text(json.dumps(data))
    return str(file)


def test_a_record_of_inductor_has_the_stacks_of_each_kernel_once(record):
    stacks = read_provenance(record)["triton_poi_fused_add_0"]
    assert [[frame.line for frame in one] for one in stacks] == [[12, 30], [14, 30]]


def test_a_triton_kernel_is_split_over_the_lines_of_the_record(tmp_path, record):
    found = [launch(100, 1), kernel_event("triton_poi_fused_add_0.kd", 1_000, 11, 1)]
    timeline = read_timeline(write_kineto(tmp_path / "trace.json", found))
    one = explain(timeline, sidecar=Sidecar(fused_stacks=read_provenance(record))).kernels[0]
    assert [line.line for line in one.lines] == [12, 14]


def test_a_log_of_torch_has_a_record_for_each_graph(tmp_path):
    file = tmp_path / "dedicated_log_torch_trace_x.log"
    named = 'V1 1 torch/x.py:1] {"artifact": {"name": "inductor_provenance_tracking_kernel_stack_traces"}}\n'
    records = [{"cpp_fused_0:1": [stack(12)]}, {"cpp_fused_0:2": [stack(14)], "cpp_fused_1:3": [stack(15)]}]
    other = 'V1 1 torch/y.py:1] {"artifact": {"name": "other"}}\n\t{"cpp_fused_9": []}\n'
    file.write_text(other + "".join(f"{named}\t{json.dumps(record)}\n{other}" for record in records))
    found = read_provenance(str(file))
    assert {name: [one[0].line for one in stacks] for name, stacks in found.items()} == {
        "cpp_fused_0": [12, 14],
        "cpp_fused_1": [15],
    }
    event = kernel_event("graph_0_cpp_fused_1", 1_000, 10, 1)
    timeline = read_timeline(write_kineto(tmp_path / "trace.json", [event]))
    one = explain(timeline, sidecar=Sidecar(fused_stacks=found)).kernels[0]
    assert [line.line for line in one.lines] == [15]


def test_a_log_without_a_record_is_told_with_the_way_out(tmp_path):
    file = tmp_path / "some.log"
    file.write_text("V1 1 torch/y.py:1] {}\n\tpayload\n")
    with pytest.raises(TraceFileError) as raised:
        read_provenance(str(file))
    told = "has no record of Inductor's kernels; set INDUCTOR_PROVENANCE=1 as well"
    assert str(raised.value) == f"{file} {told}"


def test_what_is_no_record_is_told(tmp_path):
    file = tmp_path / "other.json"
    file.write_text("[1]")
    with pytest.raises(TraceFileError) as raised:
        read_provenance(str(file))
    assert str(raised.value) == f"{file} is no record of Inductor's kernels: Expected `object`, got `array`"
