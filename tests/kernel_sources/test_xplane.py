"""XSpace files, read without TensorFlow; where that is here, its own reader says the same."""

from __future__ import annotations

import pytest

from kernel_files import entry, message, write_xplane
from kernel_source_contract import KernelSourceContract
from tracedbg.explain.kernels import Rule, explain, tabulate
from tracedbg.explain.kernels.nodes import stack_of
from tracedbg.kernels import CallFrame, Sidecar
from tracedbg_kernels.hlo import Program
from tracedbg_kernels.planes import planes_of
from tracedbg_kernels.wire import BrokenWireError, fields, signed
from tracedbg_kernels.xplane import XplaneSource


class TestXplane(KernelSourceContract):
    @pytest.fixture
    def source(self):
        return XplaneSource()

    def write(self, folder):
        return write_xplane(folder / "host.xplane.pb")


def test_a_kernel_has_the_stack_of_its_instruction_and_its_framework_s_name(tmp_path):
    forward, backward = XplaneSource().read(write_xplane(tmp_path / "a.xplane.pb")).kernels[:2]
    assert forward.frames == (
        CallFrame("model.py", 8, "forward", True),
        CallFrame("train.py", 6, "step", True),
    )
    assert (forward.op, forward.is_backward) == ("jit(f)/dot_general", False)
    assert (backward.op, backward.is_backward) == ("jit(f)/transpose(jvp(g))/dot", True)
    assert forward.launch.api == "cuLaunchKernel"


def test_the_time_of_a_fusion_is_split_over_its_lines_and_no_nanosecond_is_lost(tmp_path):
    timeline = XplaneSource().read(write_xplane(tmp_path / "a.xplane.pb", [(7, 1_000, 2_001)]))
    found = explain(timeline).kernels
    assert [one.rule for one in found] == [Rule.FUSED]
    rows = {(row.place.file, row.place.line): (row.time_ns, row.fused_ns) for row in tabulate(found).rows}
    assert rows == {("model.py", 8): (1_001, 1_001), ("train.py", 6): (1_000, 1_000)}


def test_nodes_of_a_tf_function_find_their_lines_by_name(tmp_path):
    names = [
        entry(4, 1, (2, "net/dense/MatMul:MatMul")),
        entry(4, 2, (2, "gradient_tape/net/dense/MatMul/MatMul_1:MatMul")),
    ]
    rows = [
        (4, message((1, 1), (2, 1_000_000), (3, 2_000_000))),
        (4, message((1, 2), (2, 4_000_000), (3, 3_000_000))),
    ]
    host = message((2, "/host:CPU"), (3, message((1, 5), (2, "tf_worker"), *rows)), *names)
    file = tmp_path / "a.xplane.pb"
    file.write_bytes(message((1, host)))
    line = CallFrame("net.py", 3, "call", is_exact=True)
    sidecar = Sidecar(op_stacks={"net/dense/MatMul": (line,)})
    explained = explain(XplaneSource().read(str(file)), sidecar=sidecar)
    assert explained.is_host_time
    assert [(one.lines, one.is_backward, one.duration_ns) for one in explained.kernels] == [
        ((line,), False, 2_000),
        ((line,), True, 3_000),
    ]


@pytest.mark.parametrize(
    ("node", "original"),
    [
        ("net/mul", "net/mul"),
        ("gradient_tape/net/mul/Mul_1", "net/mul"),
        ("ArithmeticOptimizer/ReplaceMulWithSquare_net/mul", "net/mul"),
        ("net/mul-0-TransposeNHWCToNCHW-LayoutOptimizer", "net/mul"),
        ("ConstantFolding/net/mul-folded-1", "net/mul"),
        ("other/add", None),
    ],
)
def test_a_node_that_was_derived_or_rewritten_has_the_line_of_its_original(node, original):
    known = {"net/mul": (CallFrame("net.py", 3, "call"),)}
    assert stack_of(node, known) == (known[original] if original else ())


def test_a_call_of_a_graph_is_no_op_of_its_own(tmp_path):
    names = [
        entry(4, 1, (2, "EagerLocalExecute: __inference_step_39")),
        entry(4, 2, (2, "EagerLocalExecute: MatMul")),
        entry(4, 3, (2, "call:StatefulPartitionedCall")),
    ]
    rows = [(4, message((1, at), (2, 1_000_000 * at), (3, 500_000))) for at in (1, 2, 3)]
    host = message((2, "/host:CPU"), (3, message((1, 5), (2, "python"), *rows)), *names)
    file = tmp_path / "a.xplane.pb"
    file.write_bytes(message((1, host)))
    assert [one.op for one in explain(XplaneSource().read(str(file))).kernels] == ["MatMul"]


def test_negative_numbers_and_unknown_fields_are_read():
    data = message((1, (1 << 64) - 5), (99, "unknown"), (3, 1.5))
    found = [(number, value) for number, value, _ in fields(data)]
    assert signed(found[0][1]) == -5
    assert [number for number, _ in found] == [1, 99, 3]


@pytest.mark.parametrize("data", [b"\x0a\x05ab", b"\x08", b"\x0b", b"\x09\x00", b"\xff" * 12])
def test_what_is_no_message_is_refused(data):
    with pytest.raises(BrokenWireError):
        list(fields(data))


@pytest.mark.tensorflow
def test_tensorflow_s_own_reader_says_the_same(tmp_path):
    xplane_pb2 = pytest.importorskip("tensorflow.tsl.profiler.protobuf.xplane_pb2")
    hlo_pb2 = pytest.importorskip("tensorflow.compiler.xla.service.hlo_pb2")
    with open(write_xplane(tmp_path / "a.xplane.pb"), "rb") as opened:
        data = opened.read()
    compare_with_tensorflow(data, xplane_pb2, hlo_pb2)


@pytest.mark.tensorflow
@pytest.mark.shared
def test_tensorflow_s_own_reader_says_the_same_of_a_real_file(shared):
    xplane_pb2 = pytest.importorskip("tensorflow.tsl.profiler.protobuf.xplane_pb2")
    hlo_pb2 = pytest.importorskip("tensorflow.compiler.xla.service.hlo_pb2")
    data = (shared / "traces/tracelens_jax_te_fused_attn.xplane.pb").read_bytes()
    compare_with_tensorflow(data, xplane_pb2, hlo_pb2)


def compare_with_tensorflow(data, xplane_pb2, hlo_pb2):
    ours, damage = planes_of(data)
    theirs = xplane_pb2.XSpace.FromString(data).planes
    assert damage == []
    assert [plane.name for plane in ours] == [plane.name for plane in theirs]
    for plane, other in zip(ours, theirs, strict=True):
        for line, other_line in zip(plane.lines, other.lines, strict=True):
            assert (line.name, line.number) == (other_line.name, other_line.id)
            for event, other_event in zip(plane.events(line), other_line.events, strict=True):
                assert event.name == other.event_metadata[other_event.metadata_id].name
                start_ns = other_line.timestamp_ns + round(other_event.offset_ps / 1000)
                assert (event.start_ns, event.duration_ns) == (
                    start_ns,
                    round(other_event.duration_ps / 1000),
                )
                assert len(event.stats) == len(other_event.stats)
        for number, stats in plane.metadata():
            if isinstance(stats.get("Hlo Proto"), bytes):
                module = hlo_pb2.HloProto.FromString(stats["Hlo Proto"]).hlo_module
                compare_programs(Program(stats["Hlo Proto"]), module)
                assert number in other.event_metadata


def compare_programs(program, module):
    index = module.stack_frame_index
    found = {one.name: one for computation in module.computations for one in computation.instructions}
    assert program.instructions.keys() == found.keys()
    for name, instruction in program.instructions.items():
        other = found[name]
        assert (instruction.opcode, instruction.op_name) == (other.opcode, other.metadata.op_name)
        assert instruction.calls == list(other.called_computation_ids)
        frames = []
        number = other.metadata.stack_frame_id
        while number:
            at = index.stack_frames[number - 1]
            place = index.file_locations[at.file_location_id - 1]
            frames.append((index.file_names[place.file_name_id - 1], place.line))
            number = at.parent_frame_id
        if frames:
            assert [(one.file, one.line) for one in program.stack_of(instruction)] == frames
