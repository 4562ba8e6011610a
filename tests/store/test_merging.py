"""Runs of several machines, joined into one."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from builders import INFO, SEEN

from tracedbg import source
from tracedbg.cli.main import main
from tracedbg.errors import DamagedRunError, UsageError
from tracedbg.store.cells import write_cells
from tracedbg.store.merging import merge_runs
from tracedbg.store.reader import Run
from tracedbg.store.run import create_run, read_run_file
from tracedbg.store.writer import Writer


def part(folder, *infos, code=0, is_open=False):
    """A run with a process each; `is_open`: the first was killed."""
    made = create_run(str(folder), ["train.py"])
    for number, info in enumerate(infos):
        writer = Writer(
            os.path.join(made.path, f"p{info.pid}{f'-{number}' if number else ''}.db"), info, 10**9
        )
        writer.write([SEEN])
        if is_open and not number:
            writer.suspend()
        else:
            writer.close(1000)
    (folder / "p7.boot").write_text(f"note of {folder.name}\n")
    made.finish(exit_code=code, signal=None, wall_ns=10**9)
    return str(folder)


def rank(number, host, **more):
    return replace(INFO, rank=number, host=host, rank_pid=7, generation=0, **more)


def test_processes_of_one_number_come_out_beside_each_other(tmp_path):
    parts = [
        part(tmp_path / "a", rank(0, "a"), rank(1, "a")),
        part(tmp_path / "b", rank(2, "b"), is_open=True),
    ]
    merged = merge_runs(parts, str(tmp_path / "all"))
    with Run.open(merged.path) as run:
        infos = [process.info for process in run.processes]
        assert sorted((info.rank, info.host, info.versions["torch"]) for info in infos) == [
            (0, "a", "2.13.0"),
            (1, "a", "2.13.0"),
            (2, "b", "2.13.0"),
        ]
    assert sorted(os.listdir(merged.path)) == [
        "p7-1.db", "p7-2.boot", "p7-2.db", "p7.boot", "p7.db", "run.json",
    ]  # fmt: skip
    assert (tmp_path / "all" / "p7-2.boot").read_text() == "note of b\n"


def test_the_run_is_from_the_first_start_to_the_last_end(tmp_path):
    parts = [part(tmp_path / "a", rank(0, "a")), part(tmp_path / "b", rank(1, "b"), code=3)]
    a, b = map(read_run_file, parts)
    found = read_run_file(merge_runs(parts[::-1], str(tmp_path / "all")).path)
    assert (found.id, found.exit_code, found.started_wall_ns) == ("all", 3, a.started_wall_ns)
    assert found.wall_ns == b.started_wall_ns + b.wall_ns - a.started_wall_ns


def test_cells_of_notebooks_are_told_by_their_titles(tmp_path):
    parts = [part(tmp_path / "a", rank(0, "a")), part(tmp_path / "b", rank(1, "b"))]
    cells = ["<ipython-input-1-0123456789ab>", "<ipython-input-2-0123456789ab>"]
    for folder, cell in zip(parts, cells, strict=True):
        write_cells(folder, {cell: (f"Cell of {os.path.basename(folder)}", ["x = 1"])})
    with Run.open(merge_runs(parts, str(tmp_path / "all")).path):
        assert [source.cell_title(cell) for cell in cells] == ["Cell of a", "Cell of b"]
        assert source.line_text(cells[1], 1) == "x = 1"


def test_a_part_without_an_end_leaves_the_run_without_one(tmp_path):
    parts = [part(tmp_path / "a", rank(0, "a")), create_run(str(tmp_path / "b"), ["train.py"]).path]
    found = read_run_file(merge_runs(parts, str(tmp_path / "all")).path)
    assert (found.exit_code, found.wall_ns) == (None, None)
    assert found.started_wall_ns == read_run_file(parts[0]).started_wall_ns


@pytest.mark.parametrize(
    ("infos", "name"),
    [
        ((rank(0, "a"), rank(0, "b")), "rank 0"),
        (
            (replace(rank(0, "a"), generation=2), replace(rank(0, "b"), generation=2)),
            "rank 0 of generation 2",
        ),
        ((replace(INFO, rank=None), replace(INFO, rank=None)), "process 7 of box"),
    ],
)
def test_two_runs_that_are_no_parts_of_one_are_refused(tmp_path, infos, name):
    first, second = (replace(info, job="") for info in infos)
    parts = [part(tmp_path / "a", first), part(tmp_path / "b", second)]
    with pytest.raises(UsageError) as caught:
        merge_runs(parts, str(tmp_path / "all"))
    assert str(caught.value) == f"{name} is in {parts[0]} and in {parts[1]}: they are not parts of one run"
    assert not (tmp_path / "all").exists()


def test_a_rank_of_one_job_that_has_moved_is_no_other_run(tmp_path):
    parts = [part(tmp_path / "a", rank(0, "a")), part(tmp_path / "b", rank(0, "b"))]
    with Run.open(merge_runs(parts, str(tmp_path / "all")).path) as run:
        assert len(run.processes) == 2


def test_a_damaged_part_leaves_nothing_behind(tmp_path):
    parts = [part(tmp_path / "a", rank(0, "a")), part(tmp_path / "b", rank(1, "b"))]
    database = tmp_path / "b" / "p7.db"
    content = database.read_bytes()
    database.write_bytes(content[: len(content) // 3 * 2])
    with pytest.raises(DamagedRunError):
        merge_runs(parts, str(tmp_path / "all"))
    assert not (tmp_path / "all").exists()


def test_a_pipe_in_a_part_holds_nobody_up(tmp_path):
    parts = [part(tmp_path / "a", rank(0, "a")), part(tmp_path / "b", rank(1, "b"))]
    os.mkfifo(tmp_path / "a" / "p9.boot")
    assert "p9.boot" not in os.listdir(merge_runs(parts, str(tmp_path / "all")).path)


def test_the_command_prints_the_new_folder(tmp_path, capsys):
    parts = [part(tmp_path / "a", rank(0, "a")), part(tmp_path / "b", rank(1, "b"))]
    assert main(["merge", *parts, "--out", str(tmp_path / "all")]) == 0
    assert capsys.readouterr().out == f"{tmp_path}/all\n"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["a"], "nothing to join {tmp}/a with: name two or more runs"),
        (["a", "a"], "{tmp}/a is named twice"),
        (["a", "gone"], "{tmp}/gone is not a run: there is no such folder; `tracedbg runs` lists the runs"),
        (["a", "b", "--out", "a"], "{tmp}/a is not empty: name a new folder with --out DIR"),
    ],
)
def test_what_cannot_be_joined_is_refused(tmp_path, capsys, words, line):
    part(tmp_path / "a", rank(0, "a"))
    part(tmp_path / "b", rank(1, "b"))
    assert main(["merge", *(word if word.startswith("--") else str(tmp_path / word) for word in words)]) == 2
    assert capsys.readouterr().err == f"tracedbg: {line.format(tmp=tmp_path)}\n"
    assert len(os.listdir(tmp_path / "a")) == 3
