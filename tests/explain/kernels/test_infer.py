"""Lines by likeness: kernels from before the window, and kernels that a graph replayed."""

from __future__ import annotations

import pytest

from kernel_files import event, frame, kernel, launch, write_kineto
from tracedbg.explain.kernels import Rule, Whose, explain, read_timeline
from tracedbg.explain.kernels.align import Example, Likeness, Numbers, infer

LAYERS = 6
NAMES = ["norm", "qkv", "attention", "out", "norm", "up", "down"]
LINES = [10, 11, 12, 13, 20, 21, 22]


def a_step(base_ns, first, *, is_seen=True):
    """A step of some equal layers; what is not seen has no launches."""
    found = []
    for index in range(LAYERS * len(NAMES)):
        at, number = base_ns + 100 * index, first + index
        line = LINES[index % len(LINES)]
        if is_seen:
            found += [
                frame(f"model.py({line}): part{line}", at, at + 90, number + 1),
                launch(at + 10, number + 1),
            ]
        found.append(kernel(NAMES[index % len(NAMES)], at + 50_000, 40, number + 1))
    return found


@pytest.fixture
def explained(tmp_path):
    def explain_events(*parts, captures=()):
        found = [event for part in parts for event in part]
        timelines = [
            read_timeline(write_kineto(tmp_path / f"capture{index}.json", capture))
            for index, capture in enumerate(captures)
        ]
        return explain(read_timeline(write_kineto(tmp_path / "trace.json", found)), captures=timelines)

    return explain_events


def test_kernels_from_before_the_window_have_the_lines_of_a_later_step_and_are_marked(explained):
    found = explained(a_step(0, 0, is_seen=False), a_step(10_000, 1_000), a_step(20_000, 2_000)).kernels
    before = found[: LAYERS * len(NAMES)]
    assert {one.rule for one in before} == {Rule.ALIGNED}
    assert all(one.is_inferred for one in before)
    assert [one.lines[0].line for one in before] == LINES * LAYERS
    assert not any(one.is_inferred for one in found[LAYERS * len(NAMES) :])


def test_what_has_no_like_is_left_unknown(explained):
    strange = [kernel(f"strange {index}", 40_000 + index, 1, 9_000 + index) for index in range(20)]
    found = explained(strange, a_step(10_000, 1_000)).kernels
    assert {one.whose for one in found[:20]} == {Whose.BEFORE}


def test_neighbours_that_do_not_agree_tell_nothing():
    numbers = Numbers()
    names = numbers.sequence("abcdefghi" * 4)
    answers = [None] * 9 + ["one"] * 9 + ["two"] * 9 + [None] * 9
    example = Example(names, answers, answers)
    assert infer(names, [4], [example]) == {}
    answers = [None] * 9 + ["one"] * 18 + [None] * 9
    agreed = Example(names, answers, answers)
    assert infer(names, [4], [agreed]) == {4: Likeness("one", is_single=False)}


def test_of_several_that_are_alike_the_one_that_goes_on_is_taken():
    numbers = Numbers()
    names = numbers.sequence("xabcdefgh" + "abcdefgh" * 2 + "y" + "abcdefgh" * 3 + "y")
    answers = [None] * 25 + [None] + [f"layer {at // 8}" for at in range(24)] + [None]
    example = Example(names, answers, ["line"] * len(answers))
    found = infer(names, range(9, 25), [example])
    assert [found[at] for at in (24, 23, 17, 16)] == [
        Likeness("layer 2", is_single=True),
        Likeness("layer 2", is_single=True),
        Likeness("layer 2", is_single=True),
        Likeness("layer 1", is_single=True),
    ]


def test_collectives_on_a_stream_of_their_own_come_from_the_one_line_that_calls_them(explained):
    calls = [
        one
        for number in range(4)
        for one in (
            frame("ddp.py(7): reduce", 1_000 * number, 1_000 * number + 500, 10 + number),
            launch(1_000 * number + 100, 10 + number),
            kernel("nccl", 50_000 + 100 * number, 90, 10 + number, stream=20),
        )
    ]
    before = [kernel("nccl", 40_000 + 100 * number, 90, 90 + number, stream=20) for number in range(2)]
    found = explained(before, calls).kernels
    assert [(one.rule, one.lines[0].line) for one in found[:2]] == [(Rule.ALIGNED, 7)] * 2


def a_capture(*, is_named=True):
    found = []
    for index, (name, line) in enumerate(zip(NAMES, LINES, strict=True)):
        at = 100 * index
        args = {"kernel": name + ".kd"} if is_named else {}
        found += [
            frame(f"model.py({line}): part{line}", at, at + 90, index + 1),
            event("cpu_op", f"aten::op{line}", at + 5, 80),
            launch(at + 10, 500 + index, "hipLaunchKernel", **args),
        ]
    return found


def a_replay():
    kernels = [kernel(name, 5_000 + 100 * index, 40, 77) for index, name in enumerate(NAMES)]
    return [frame("serve.py(3): run", 0, 1_000, 1), launch(100, 77, "hipGraphLaunch"), *kernels]


def test_without_its_capture_a_replay_is_on_one_line_and_a_note_says_what_to_do(explained):
    result = explained(a_replay())
    assert {one.lines[0].file for one in result.kernels} == {"serve.py"}
    told = "100.0% of the kernel time was replayed by graphs: name the trace of their capture with --capture FILE"
    assert result.notes == (told,)


@pytest.mark.parametrize("is_named", [True, False], ids=["by name", "by count"])
def test_a_replay_has_the_lines_of_its_capture(explained, is_named):
    result = explained(a_replay(), captures=[a_capture(is_named=is_named)])
    assert [one.lines[0].line for one in result.kernels] == LINES
    assert [one.op for one in result.kernels] == [f"aten::op{line}" for line in LINES]
    assert {one.rule for one in result.kernels} == {Rule.REPLAYED}
    assert all(one.is_inferred for one in result.kernels)
    assert result.notes == ()


def test_a_capture_in_the_same_file_needs_no_naming(explained):
    late = [{**one, "ts": one["ts"] + 100} for one in a_replay()]
    found = explained(a_capture(), late).kernels
    assert [one.lines[0].line for one in found] == LINES


def test_captures_that_differ_in_number_are_not_guessed(explained):
    result = explained(a_replay(), captures=[a_capture(is_named=False)[:-3]])
    assert {one.rule for one in result.kernels} == {Rule.LAUNCH}
