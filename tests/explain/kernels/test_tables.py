"""Tables of kernel time, idle gaps, and two recordings beside each other: no nanosecond is lost or told twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel_files import TOTAL_NS, event, frame, kernel, launch, write_kineto
from tracedbg.explain.kernels import Attributed, Level, Place, Rule, Whose, explain, read_timeline, tabulate
from tracedbg.explain.kernels.against import Verdict, compare
from tracedbg.explain.kernels.idle import idle_time
from tracedbg.kernels import CallFrame, Kernel


def attributed(duration_ns, *lines, name="k", **others):
    frames = tuple(CallFrame("a.py", line, f"f{line}") for line in lines)
    one = Kernel("0", "7", 0, duration_ns, name)
    return Attributed(one, Rule.FUSED, Whose.LINE if lines else Whose.BEFORE, frames, frames, **others)


@pytest.fixture
def explained(tmp_path):
    return explain(read_timeline(write_kineto(tmp_path / "trace.json")))


@pytest.mark.parametrize(
    ("level", "rows"),
    [
        (Level.LINE, [("model.py", 8, "forward")]),
        (Level.FUNCTION, [("model.py", 0, "forward")]),
        (Level.MODULE, [("", 0, "Net_0")]),
        (Level.OP, [("", 0, "aten::mm")]),
        (Level.KERNEL, [("", 0, "mm_kernel_back"), ("", 0, "mm_kernel")]),
    ],
)
def test_each_level_has_its_rows_and_all_of_the_time(explained, level, rows):
    table = tabulate(explained.kernels, level)
    assert [row.place[1:4] for row in table.rows] == rows
    assert sum(row.time_ns for row in table.rows) == TOTAL_NS
    assert table.share(TOTAL_NS) == 1.0


def test_a_row_knows_what_of_it_was_backward_and_who_called_that(explained):
    row = tabulate(explained.kernels).rows[0]
    assert (row.forward_ns, row.backward_ns, row.count) == (3_000, 4_002, 4)
    assert {place[1:3]: time_ns for place, time_ns in row.calls.items()} == {("train.py", 5): 4_002}
    assert dict(row.kernels) == {"mm_kernel": 3_000, "mm_kernel_back": 4_002}


@given(
    st.lists(
        st.tuples(st.integers(0, 10**9), st.lists(st.integers(1, 5), max_size=4, unique=True)), max_size=30
    )
)
def test_splitting_loses_no_nanosecond(kernels):
    found = [attributed(duration, *lines) for duration, lines in kernels]
    for level in Level:
        table = tabulate(found, level)
        assert (
            sum(row.time_ns for row in table.rows)
            == sum(duration for duration, _ in kernels)
            == table.total_ns
        )


def test_a_shortened_path_and_the_full_one_are_one_file():
    def at(file, line):
        frames = (CallFrame(file, line, "f"),)
        return Attributed(Kernel("0", "7", 0, 10, "k"), Rule.LAUNCH, Whose.LINE, frames, frames)

    rows = tabulate([at("net/model.py", 8), at("/home/me/net/model.py", 8), at("model.py", 1)]).rows
    assert [(row.place.file, row.place.line, row.count) for row in rows] == [
        ("/home/me/net/model.py", 8, 2),
        ("model.py", 1, 1),
    ]


def test_idle_time_is_at_the_line_that_the_host_was_on(tmp_path):
    found = [
        frame("load.py(3): batch", 0, 60_000, 1),
        frame("step.py(9): step", 60_000, 99_000, 2),
        launch(500, 1),
        launch(70_000, 2),
        kernel("a", 1_000, 9_000, 1),
        kernel("b", 80_000, 1_000, 2),
        kernel("c", 80_500, 2_000, 2, stream=9),
    ]
    idle = idle_time(explain(read_timeline(write_kineto(tmp_path / "trace.json", found))))
    assert (idle.idle_ns, idle.span_ns) == (70_000, 81_500)
    assert sum(row.time_ns for row in idle.rows) == 70_000
    assert [row.place.file for row in idle.rows] == ["load.py"]


def test_idle_time_before_a_launch_that_was_not_seen_is_said_to_be_that(tmp_path):
    found = [kernel("a", 0, 1_000, 1), kernel("b", 9_000, 1_000, 2), event("cpu_op", "x", 0, 1)]
    rows = idle_time(explain(read_timeline(write_kineto(tmp_path / "trace.json", found)))).rows
    assert [(row.place, row.time_ns) for row in rows] == [(Place(Whose.BEFORE), 8_000)]


def verdicts(after, before):
    changes = compare(tabulate(after), tabulate(before))
    return {change.place.line: (change.verdict, change.delta_ns) for change in changes}


def test_two_recordings_differ_in_lines_that_are_new_gone_slower_or_faster():
    before = [attributed(100, 1), attributed(100, 2), attributed(100, 3), attributed(100, 4)]
    after = [attributed(104, 1), attributed(200, 2), attributed(50, 3), attributed(7, 5)]
    assert verdicts(after, before) == {
        1: (Verdict.SAME, 4),
        2: (Verdict.SLOWER, 100),
        3: (Verdict.FASTER, -50),
        4: (Verdict.GONE, -100),
        5: (Verdict.NEW, 7),
    }


def test_how_long_a_kernel_takes_is_told_apart_from_how_many_there_are():
    before, after = [attributed(100, 1)] * 2, [attributed(100, 1)] * 4
    change = compare(tabulate(after), tabulate(before))[0]
    assert (change.verdict, change.ratio_per_kernel) == (Verdict.SLOWER, 1.0)


def test_a_function_that_has_moved_in_its_file_is_the_same():
    def moved(line):
        frames = (CallFrame("a.py", line, "forward"),)
        return Attributed(Kernel("0", "7", 0, 100, "k"), Rule.LAUNCH, Whose.LINE, frames, frames)

    changes = compare(tabulate([moved(12)]), tabulate([moved(8)]))
    assert [(change.place.line, change.verdict) for change in changes] == [(12, Verdict.SAME)]
