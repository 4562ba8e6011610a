"""The journal of totals: a killed process loses none that were told, and none is counted twice."""

from __future__ import annotations

import dataclasses
import gc
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import builders
import pytest

from tracedbg import ran
from tracedbg.errors import DamagedRunError
from tracedbg.store import journal, writer
from tracedbg.store.journal import Journal, read_journal
from tracedbg.store.merging import merge_runs
from tracedbg.store.reader import ProcessRecording
from tracedbg.store.run import create_run
from tracedbg.store.totals import CALLS, OP_TOTAL, SAMPLE, STEP_CHANGE, TABLES, Told, Totals
from tracedbg.store.writer import Writer

OPS = dataclasses.replace(builders.OPS, rows=None, left_out=0)
TOTALS = [OPS, builders.STEPS, builders.SAMPLES, builders.STAYED, builders.CALLS]


@pytest.fixture
def open_writer(tmp_path):
    return Writer(str(tmp_path / "p7.db"), builders.INFO, 10**9)


def read(path):
    """All that is told as totals."""
    with closing(ProcessRecording.open(str(path))) as recording:
        of = recording.ran
        ops = [
            [
                (one.kind.name, one.kind.stack, one.count, one.duration_ns, one.longest_ns)
                for one in seen.totals
            ]
            for seen in of.ops()
        ]
        return ops, of.steps(), of.samples(), of.stays(), recording.calls()


def counts(path) -> list[int]:
    with closing(ProcessRecording.open(str(path))) as recording:
        return [one.count for seen in recording.ran.ops() for one in seen.totals]


def journal_file(tmp_path) -> Path:
    return tmp_path / "p7.totals"


# --- what is read ---------------------------------------------------------------------------------


def test_what_the_journal_has_is_read_as_what_the_database_has(tmp_path, open_writer):
    for _ in range(3):
        open_writer.write(TOTALS)
    path = tmp_path / "p7.db"
    assert (
        len(read_journal(str(journal_file(tmp_path)))) == 2
    )  # the first has a function, and is in the database
    before = read(path)
    assert [one[2] for one in before[0][0]] == [9, 3]
    open_writer.close(1000)
    assert read(path) == before
    assert not journal_file(tmp_path).exists()


def test_a_killed_process_loses_no_totals_that_were_told(tmp_path):
    program = """
import os, signal, sys
import builders, test_journal
from tracedbg.store.writer import Writer
writer = Writer(sys.argv[1], builders.INFO, 10**9)
for _ in range(130):  # the database takes the first hundred over
    writer.write([test_journal.OPS])
os.kill(os.getpid(), signal.SIGKILL)
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    path = tmp_path / "p7.db"
    killed = subprocess.run([sys.executable, "-c", program, str(path)], env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert counts(path) == [390, 130]


def test_columns_are_told_as_rows_are(tmp_path, open_writer):
    from array import array

    columns = ran.OpColumns(
        (builders.OTHER_OP, builders.OP), *(array("q", one) for one in ([1], [8], [3], [600], [500], [300]))
    )
    assert list(columns) == columns[0:] == [OPS.totals[0]]
    open_writer.write([dataclasses.replace(OPS, totals=columns)])
    open_writer.close(1000)
    assert read(tmp_path / "p7.db")[0] == [[("aten::mm", builders.OP.stack, 3, 600, 300)]]


def test_records_that_the_database_has_taken_over_are_not_counted_again(tmp_path, open_writer):
    """As of a process that was killed before it could empty its journal."""
    for _ in range(3):
        open_writer.write([OPS])
    shutil.copy(journal_file(tmp_path), tmp_path / "kept")
    open_writer._fold()
    assert read_journal(str(journal_file(tmp_path))) == []
    shutil.copy(tmp_path / "kept", journal_file(tmp_path))
    assert counts(tmp_path / "p7.db") == [9, 3]


def test_records_go_on_where_the_database_has_taken_over(tmp_path, open_writer):
    open_writer.write([OPS])
    open_writer._fold()
    open_writer.write([OPS])
    assert [number for number, _ in read_journal(str(journal_file(tmp_path)))] == [2]
    assert counts(tmp_path / "p7.db") == [6, 2]


def test_a_database_that_takes_over_while_it_is_read_is_read_again(tmp_path, open_writer, monkeypatch):
    open_writer.write([OPS])
    with closing(ProcessRecording.open(str(tmp_path / "p7.db"))) as recording:
        asked = recording._totals.last_taken
        folds = iter([open_writer._fold])
        monkeypatch.setattr(recording._totals, "last_taken", lambda: (asked(), next(folds, int)())[0])
        assert [one.count for one in recording.ran.ops()[0].totals] == [3, 1]


def test_the_journal_stays_small(tmp_path, open_writer, monkeypatch):
    monkeypatch.setattr(writer, "_MAX_JOURNAL_BYTES", 1000)
    for _ in range(20):
        open_writer.write([OPS])
        assert journal_file(tmp_path).stat().st_size < 1000
    assert counts(tmp_path / "p7.db") == [60, 20]


def test_a_change_of_the_journal_is_a_change_of_the_recording(tmp_path, open_writer):
    open_writer.write([OPS])
    with closing(ProcessRecording.open(str(tmp_path / "p7.db"))) as recording:
        before = recording.changes()
        assert recording.changes() == before
        open_writer.write([OPS])
        assert recording.changes() != before


def test_a_merged_run_has_what_a_killed_process_has_told(tmp_path):
    folder = create_run(str(tmp_path / "run"), ["train.py"]).path
    for name in ("p7", "p8"):
        one = Writer(os.path.join(folder, f"{name}.db"), builders.INFO, 10**9)
        one.write([OPS])
        one.suspend()
    shutil.copytree(folder, tmp_path / "other")
    merged = merge_runs([folder], str(tmp_path / "all")).path
    assert [counts(os.path.join(merged, f"{name}.db")) for name in ("p7", "p8")] == [[3, 1]] * 2


def test_a_batch_is_in_the_database_where_a_part_of_it_has_to_be(tmp_path, open_writer):
    """Single executions refer to kinds: no moment has the one without the other."""
    open_writer.write([OPS])
    open_writer.write([builders.OPS])
    assert read_journal(str(journal_file(tmp_path))) == []
    assert counts(tmp_path / "p7.db") == [6, 2]


# --- how rows add up ------------------------------------------------------------------------------


def test_rows_add_up_as_they_do_in_the_database(tmp_path, open_writer):
    rows = {
        CALLS: [(1, 5, None, None), (1, 2, 3, 9), (2, None, 4, 8), (2, 1, 1, 7)],
        STEP_CHANGE: [(1, "tape", "a", "b", 2, 9), (1, "tape", "a", "b", 1, 4)],
        SAMPLE: [(1, "python", "", 7, 1, 2, 30, 20), (1, "python", "", 7, 0, 1, 10, 10)],
        OP_TOTAL: [(1, 7, 1, 10, 5, 10), (1, 7, 2, 12, 6, 6)],
    }
    together = Totals()
    for table, given in rows.items():
        for row in given:
            one = Told()
            one.add(table, [row])
            together.add(one)
            Totals([one]).insert(open_writer._db)
    for table, given in rows.items():
        found = open_writer._db.execute(f"select * from {table.name}").fetchall()
        assert sorted(map(tuple, found)) == sorted(together.rows(table))
        assert len(found) < len(given)


def test_each_table_has_the_columns_of_the_schema(open_writer):
    for table in TABLES.values():
        found = [row[1] for row in open_writer._db.execute(f"pragma table_info({table.name})")]
        assert tuple(found) == table.columns


# --- the file -------------------------------------------------------------------------------------


def test_nobody_else_may_read_it(tmp_path, open_writer):
    assert stat.S_IMODE(journal_file(tmp_path).stat().st_mode) == 0o600
    open_writer.close(1)


def test_a_journal_that_is_cut_off_anywhere_is_read_up_to_there(tmp_path, open_writer):
    open_writer.write([OPS])
    one = journal_file(tmp_path).stat().st_size
    open_writer.write([OPS])
    data = journal_file(tmp_path).read_bytes()
    for size in range(len(data)):
        journal_file(tmp_path).write_bytes(data[:size])
        found = read_journal(str(journal_file(tmp_path)))
        assert len(found) == (0 if size < one else 1)


def test_a_record_whose_bytes_are_others_ends_the_journal(tmp_path, open_writer):
    open_writer.write([OPS])
    first = journal_file(tmp_path).stat().st_size
    for _ in range(2):
        open_writer.write([OPS])
    data = bytearray(journal_file(tmp_path).read_bytes())
    data[first + 30] ^= 1
    journal_file(tmp_path).write_bytes(data)
    assert counts(tmp_path / "p7.db") == [3, 1]


def forged(path, told) -> str:
    """A journal of one record that no writer makes."""
    made = Journal(str(path))
    made.append(told)
    made.suspend()
    return str(path)


def told(**rows) -> Told:
    made = Told()
    made.rows.update(rows)
    return made


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (told(evil=[[1]]), "cannot read {journal}: 'evil'"),
        (told(calls=[[1, 2]]), "cannot read {database}: a row of calls has 2 columns"),
        (told(calls=[[99, 1, 1, 1]]), "cannot read {database}: 99"),
        (told(calls=[[[], 1, 1, 1]]), "cannot read {database}: unhashable type: 'list'"),
        (told(calls=[5]), "cannot read {database}: object of type 'int' has no len()"),
        (
            told(op_total=[[1, "x"]]),
            "cannot read {journal}: 'str' object cannot be interpreted as an integer",
        ),
        (told(op_total=[[1]]), "cannot read {journal}: a row of ops is cut off"),
    ],
)
def test_a_journal_that_no_writer_has_made_is_one_line(tmp_path, open_writer, given, said):
    open_writer.write([builders.CALLS])
    open_writer.suspend()
    path = forged(journal_file(tmp_path), given)
    expected = said.format(journal=path, database=tmp_path / "p7.db")
    with pytest.raises(DamagedRunError, match=f"^{re.escape(expected)}$"):
        read(tmp_path / "p7.db")


def test_what_is_no_journal_is_one_line(tmp_path, open_writer):
    open_writer.close(1)
    path = journal_file(tmp_path)
    path.write_bytes(b"something else")
    with pytest.raises(DamagedRunError, match=f"^cannot read {path}: it is no journal of tracedbg$"):
        read(tmp_path / "p7.db")
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(DamagedRunError, match=f"^cannot read {path}: it is no plain file$"):
        read(tmp_path / "p7.db")


def test_a_journal_beyond_all_measure_is_one_line(tmp_path, open_writer, monkeypatch):
    monkeypatch.setattr(journal, "MAX_FILE_BYTES", 1 << 20)
    open_writer.close(1)
    path = journal_file(tmp_path)
    path.write_bytes(bytes(1 + (1 << 20)))
    with pytest.raises(DamagedRunError, match=f"^cannot read {path}: it is larger than 1 MB$"):
        read(tmp_path / "p7.db")


# --- what the program, or the disk, may do to it ---------------------------------------------------


def test_a_program_that_closes_the_journal_loses_nothing(tmp_path, open_writer):
    open_writer.write([OPS])
    os.close(open_writer._journal._descriptor)
    open_writer.write([OPS])
    assert counts(tmp_path / "p7.db") == [6, 2]
    open_writer.close(1000)


def test_a_file_of_the_programs_in_the_place_of_the_journal_is_left_as_it_is(tmp_path, open_writer):
    with open(tmp_path / "theirs", "wb") as file:
        file.write(b"mine")
        file.flush()
        os.dup2(file.fileno(), open_writer._journal._descriptor)
    taken = open_writer._journal._descriptor
    open_writer.write([OPS])
    open_writer.close(1000)
    assert (tmp_path / "theirs").read_bytes() == b"mine"
    assert counts(tmp_path / "p7.db") == [3, 1]
    os.close(taken)


def test_a_journal_that_somebody_has_removed_ends_the_recording(tmp_path, open_writer):
    journal_file(tmp_path).unlink()
    with pytest.raises(OSError, match=r"^somebody has removed the journal of the recording$"):
        open_writer.write([OPS])


def test_a_full_disk_is_an_error_and_what_was_told_before_stays(tmp_path):
    program = """
import resource, sys
import builders, test_journal
from tracedbg.store.writer import Writer
writer = Writer(sys.argv[1], builders.INFO, 10**9)
writer.write([test_journal.OPS])
most = 200 + writer._journal.size_bytes
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))  # the next record fits in part
try:
    for _ in range(9):
        writer.write([test_journal.OPS])
except OSError as error:
    print(error.strerror)
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    path = tmp_path / "p7.db"
    ended = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    assert ended.stdout == "File too large\n"
    assert counts(path)[0] >= 3


def test_the_collector_has_no_more_to_count_the_longer_the_journal_is(open_writer):
    """A loop that allocates nothing has no collections: what we keep must not make one due."""
    open_writer.write(TOTALS)
    for _ in range(3):
        open_writer.write(TOTALS)
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(50):
        open_writer.write(TOTALS)
    assert len(gc.get_objects()) - before < 10
