"""From a kernel to its line: each rule on a small timeline that only it can tell."""

from __future__ import annotations

import pytest

from kernel_files import KERNEL_NS, event, events, frame, kernel, launch, step, write_kineto
from tracedbg.explain.kernels import Rule, View, Whose, explain, read_timeline
from tracedbg.kernels import CallFrame, Sidecar


@pytest.fixture
def explained(tmp_path):
    def explain_events(found=None, view=None, sidecar=None, captures=()):
        timeline = read_timeline(write_kineto(tmp_path / "trace.json", found))
        return explain(timeline, view, sidecar, captures).kernels

    return explain_events


def place(one):
    return [(line.file, line.line) for line in one.lines]


def test_a_kernel_comes_from_the_innermost_line_of_the_user_where_it_was_launched(explained):
    one = explained()[0]
    assert (one.rule, one.whose, place(one)) == (Rule.LAUNCH, Whose.LINE, [("model.py", 8)])
    assert one.op == "aten::mm"
    assert not one.is_backward


def test_the_whole_stack_is_kept_from_the_inside_out(explained):
    functions = [frame.function or frame.module for frame in explained()[0].frames]
    assert functions == ["<built-in method mm of type object>", "forward", "_call_impl", "Net_0", "step"]


@pytest.mark.parametrize("found", [events(), [*step(0, 1), *step(10_000, 2)]], ids=["flows", "sequences"])
def test_a_backward_kernel_comes_from_the_line_of_its_forward_and_names_the_call(explained, found):
    one = explained(found)[1]
    assert (one.rule, place(one), one.is_backward) == (Rule.FORWARD, [("model.py", 8)], True)
    assert (one.backward_call.file, one.backward_call.line) == ("train.py", 5)


def test_a_backward_kernel_without_a_forward_comes_from_the_call_of_backward(explained):
    found = [one for one in events() if one["cat"] != "fwdbwd"]
    for one in found:
        one.get("args", {}).pop("Sequence number", None)
    one = explained(found)[1]
    assert (one.rule, place(one), one.is_backward) == (Rule.BACKWARD_CALL, [("train.py", 5)], True)


def test_python_that_the_engine_calls_is_the_line_of_its_kernels(explained):
    hook = frame("hooks.py(30): on_grad", 5_120, 7_000, 50, tid=2)
    one = explained([*events(), hook])[1]
    assert (one.rule, place(one), one.is_backward) == (Rule.LAUNCH, [("hooks.py", 30)], True)


def test_sequence_numbers_of_two_threads_do_not_mix(explained):
    other = [
        frame("other.py(1): work", 0, 9_000, 70, tid=9),
        event("cpu_op", "aten::mm", 4_500, 100, tid=9, **{"Sequence number": 1}),
    ]
    found = [*step(0, 1), *other, *step(10_000, 2)]
    flows = [
        event("fwdbwd", "fwdbwd", 10_200, ph="s", id=5),
        event("fwdbwd", "fwdbwd", 15_000, tid=2, ph="f", id=5),
    ]
    assert place(explained([*found, *flows])[1]) == [("model.py", 8)]
    assert explained(found)[1].rule is Rule.BACKWARD_CALL


def test_only_frameworks_in_a_stack_make_a_row_of_the_library(explained):
    found = [one for one in step(0, 1) if ".py(" not in one["name"] or "torch/" in one["name"]]
    one = explained(found)[0]
    assert one.whose is Whose.LIBRARY
    assert place(one) == [("torch/nn/modules/module.py", 1500)]


def test_a_launch_without_python_is_of_its_op_and_one_without_op_of_its_call(explained):
    found = [
        event("cpu_op", "aten::add", 100, 200),
        launch(150, 1),
        launch(500, 2),
        kernel("a", 1_000, 10, 1),
        kernel("b", 2_000, 10, 2),
        kernel("c", 3_000, 10, 3),
    ]
    assert [(one.whose, one.op) for one in explained(found)] == [
        (Whose.OP, "aten::add"),
        (Whose.LAUNCH, ""),
        (Whose.BEFORE, ""),
    ]


def test_a_kernel_whose_launch_is_missing_is_found_by_the_id_of_its_op(explained):
    found = [one for one in step(0, 1) if one["cat"] != "cuda_runtime"]
    found[-7:-6] = [kernel("mm_kernel", 3_000, 1_500, 101, **{"External id": 101})]
    assert place(explained(found)[0]) == [("model.py", 8)]


def test_only_lines_below_the_project_s_root_count_if_one_is_given(explained):
    assert place(explained(view=View(project_roots=("train.py",)))[0]) == [("train.py", 5)]


@pytest.mark.parametrize("pattern", ["forward", "model.py", "model.py:forward", "mod*"])
def test_wrappers_are_passed_over(explained, pattern):
    assert place(explained(view=View(skip=(pattern,)))[0]) == [("train.py", 5)]


def test_a_sidecar_has_the_lines_that_ran(explained):
    sidecar = Sidecar(
        call_lines={200: 11, 60: 1501, 100: 1502, 50: 6}, files={"model.py": "/home/me/model.py"}
    )
    one = explained(sidecar=sidecar)[0]
    assert one.lines == (CallFrame("/home/me/model.py", 11, "forward", is_exact=True),)
    exact = {frame.file: frame.line for frame in one.frames if frame.is_exact}
    assert exact == {"/home/me/model.py": 11, "torch/nn/modules/module.py": 1502, "train.py": 6}


def test_a_sidecar_may_be_a_nanosecond_off(explained):
    assert explained(sidecar=Sidecar(call_lines={201: 11}))[0].lines[0].line == 11


def test_a_sidecar_names_the_lines_that_a_kernel_was_fused_from(explained):
    lines = (CallFrame("model.py", 3, "forward", True), CallFrame("torch/nn/functional.py", 9, "relu", True))
    one = explained(
        sidecar=Sidecar(fused={"mm_kernel": (*lines, CallFrame("model.py", 4, "forward", True))})
    )[0]
    assert (one.rule, place(one)) == (Rule.FUSED, [("model.py", 3), ("model.py", 4)])


def test_a_call_of_c_whose_end_was_not_seen_is_not_taken_for_a_caller(explained):
    found = [
        frame("user.py(1): outer", 0, 1_000, 1),
        frame("<built-in function lost>", 50, 1_000, 2, 1),
        frame("user.py(9): inner", 100, 900, 3, 1),
        launch(500, 1),
        kernel("k", 2_000, 10, 1),
    ]
    assert [frame.function for frame in explained(found)[0].frames] == ["inner", "outer"]


def test_times_tell_the_caller_where_the_ids_of_a_file_are_wrong(explained):
    found = [
        frame("user.py(1): outer", 0, 1_000, 1),
        frame("user.py(5): middle", 50, 950, 2, 1),
        frame("user.py(9): inner", 100, 900, 3, 1),
        launch(500, 1),
        kernel("k", 2_000, 10, 1),
    ]
    assert [frame.function for frame in explained(found)[0].frames] == ["inner", "middle", "outer"]


def test_without_a_device_the_ops_of_the_cpu_have_their_own_time(tmp_path):
    found = [one for one in events() if one["cat"] not in {"kernel", "cuda_runtime"}]
    explained = explain(read_timeline(write_kineto(tmp_path / "cpu.json", found)))
    assert explained.is_host_time
    assert sum(one.duration_ns for one in explained.kernels) == 2 * (1_000 + 3_000)
    times = [(one.kernel.name, one.duration_ns, place(one)) for one in explained.kernels[:3]]
    assert times == [
        ("aten::mm", 1_000, [("model.py", 8)]),
        ("autograd::engine::evaluate_function: MmBackward0", 1_000, [("model.py", 8)]),
        ("aten::mm", 2_000, [("model.py", 8)]),
    ]


def test_the_times_of_kernels_do_not_depend_on_how_they_are_explained(explained):
    assert [one.duration_ns for one in explained()] == [duration for _, duration in KERNEL_NS]
