"""One process' database: what goes in comes out, whatever happens to the process or the file."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sqlite3

import pytest
from builders import ALL, BREAK, ENDED, FALLBACK, FUNCTION, GRAPH, INFO, OPS, PHASE, SEEN, STARTED, write

from tracedbg import events as ev
from tracedbg.errors import DamagedRunError, NewerSchemaError
from tracedbg.store import schema
from tracedbg.store.reader import ProcessRecording
from tracedbg.store.writer import Writer


def test_every_kind_of_event_comes_back_as_it_was(tmp_path):
    assert {type(event).__name__ for event in ALL} == set(ev.Event.split(" | "))
    recording = ProcessRecording.open(str(write(tmp_path / "p7.db", ALL)))
    (trace,) = recording.traces()
    back = [
        trace.started,
        trace.ended,
        *trace.phases,
        *trace.late_caches,
        *recording.graphs(11),
        *recording.conversions(),
    ]
    back += [*recording.constructs(), *recording.breaks(), *recording.fallbacks()]
    back += [*recording.calls(), *recording.stale(), *recording.kernel_windows()]
    back += [
        *recording.ran.step_graphs(),
        *recording.ran.steps(),
        *recording.ran.samples(),
        *recording.ran.stays(),
    ]
    back += [*recording.stops(), SEEN, *recording.faults()]
    (ops,) = recording.ran.ops()
    (rows,) = recording.ran.op_rows()
    recording.close()
    assert back == [event for event in ALL if event is not OPS]
    assert told(dataclasses.replace(ops, rows=rows)) == told(OPS)


def told(event):
    """What it says: two kinds of op that say the same are two."""
    return dataclasses.asdict(event)


def test_every_field_of_the_sample_events_differs_from_its_default():
    """Otherwise the round trip above would not notice a forgotten column."""
    for event in ALL:
        for field in dataclasses.fields(event):
            assert getattr(event, field.name) != field.default, f"{type(event).__name__}.{field.name}"


def test_the_process_comes_back_with_the_frameworks_it_imported(tmp_path):
    recording = ProcessRecording.open(str(write(tmp_path / "p7.db", [SEEN])))
    expected = dataclasses.replace(INFO, versions={"torch": "2.13.0"}, stopped_ns=1000)
    assert recording.info == expected
    recording.close()


def test_a_trace_that_never_ended_has_no_duration(tmp_path):
    recording = ProcessRecording.open(str(write(tmp_path / "p7.db", [STARTED])))
    (trace,) = recording.traces()
    assert trace.ended is None
    assert trace.duration_ns == 0
    recording.close()


def test_it_can_be_read_while_it_is_written(tmp_path):
    path = str(tmp_path / "p7.db")
    writer = Writer(path, INFO, 10**9)
    recording = ProcessRecording.open(path)
    assert recording.traces() == []
    writer.write([STARTED])
    assert [trace.started for trace in recording.traces()] == [STARTED]
    recording.close()
    writer.close(1)


def test_a_finished_recording_is_readable_in_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    path = str(write(tmp_path / "p7.db", [STARTED]))
    monkeypatch.setattr(os, "access", lambda *_: False)
    recording = ProcessRecording.open(path)
    assert len(recording.traces()) == 1
    recording.close()


def test_a_finished_recording_is_one_file_also_after_it_was_read(tmp_path):
    path = write(tmp_path / "p7.db", ALL)
    recording = ProcessRecording.open(str(path))
    assert len(recording.traces()) == 1
    recording.close()
    assert os.listdir(tmp_path) == ["p7.db"]


def test_it_can_be_finished_while_somebody_reads_it(tmp_path):
    path = str(tmp_path / "p7.db")
    writer = Writer(path, INFO, 10**9)
    writer.write([STARTED])
    recording = ProcessRecording.open(path)
    assert len(recording.traces()) == 1
    writer.write([ENDED])
    writer.close(5)
    assert recording.traces()[0].ended == ENDED
    recording.close()


def test_a_batch_is_written_as_a_whole_or_not_at_all(tmp_path):
    path = str(tmp_path / "p7.db")
    writer = Writer(path, INFO, 10**9)
    with pytest.raises(sqlite3.IntegrityError):
        writer.write([STARTED, STARTED])
    writer.write([FALLBACK])
    writer.close(1)
    recording = ProcessRecording.open(path)
    assert recording.traces() == []
    assert recording.fallbacks() == [FALLBACK]
    recording.close()


def test_past_the_bound_events_are_counted_but_not_kept(tmp_path):
    path = str(tmp_path / "p7.db")
    retrace = dataclasses.replace(STARTED, role=ev.Role.FORWARD)
    recording = ProcessRecording.open(str(write(path, [retrace, ENDED, PHASE, GRAPH, BREAK], max_bytes=1)))
    assert recording.traces() == []
    (tally,) = recording.tallies()
    assert tally.function_key == ("torch.compile", "Model", "model.py", 40)
    assert (tally.traces, tally.retraces, tally.duration_ns, tally.graph_breaks) == (1, 1, 300, 1)
    assert recording.dropped() == {"GraphBreak": 1, "GraphMade": 1, "TraceStarted": 1}
    recording.close()


def test_near_the_bound_graphs_are_left_out_first(tmp_path):
    path = tmp_path / "p7.db"
    write(path, [])
    nearly_full = int(path.stat().st_size / 0.8)
    path.unlink()
    recording = ProcessRecording.open(str(write(path, [STARTED, GRAPH, ENDED], max_bytes=nearly_full * 4)))
    assert len(recording.graphs(11)) == 1, "far from the bound"
    recording.close()
    path.unlink()
    for size in range(nearly_full, nearly_full * 4, 2048):
        recording = ProcessRecording.open(str(write(path, [STARTED, GRAPH, ENDED], max_bytes=size)))
        kept = (len(recording.traces()), len(recording.graphs(11)))
        recording.close()
        path.unlink()
        if kept == (1, 0):
            return
    pytest.fail("no bound keeps the trace and leaves out its graph")


def test_a_trace_kept_before_the_bound_still_gets_its_end(tmp_path):
    path = str(tmp_path / "p7.db")
    writer = Writer(path, INFO, 10**9)
    writer.write([STARTED])
    writer._max_bytes = 1
    writer.write([ENDED])
    writer.close(1)
    recording = ProcessRecording.open(path)
    assert recording.traces()[0].ended == ENDED
    recording.close()


def test_lone_surrogates_in_the_users_text_are_escaped(tmp_path):
    odd = dataclasses.replace(ENDED, error="caf\udce9")
    recording = ProcessRecording.open(str(write(tmp_path / "p7.db", [STARTED, odd])))
    assert recording.traces()[0].ended.error == "caf\\udce9"
    recording.close()


def test_a_recording_of_a_newer_schema_is_refused_with_the_way_out(tmp_path):
    path = write(tmp_path / "p7.db", [])
    db = sqlite3.connect(path)
    db.execute("pragma user_version = 99")
    db.close()
    with pytest.raises(NewerSchemaError) as caught:
        ProcessRecording.open(str(path))
    assert str(caught.value) == (
        f"{path} was written by a newer tracedbg (schema 99, this one reads up to {schema.VERSION}):"
        " upgrade with python -m pip install -U tracedbg"
    )


@pytest.mark.parametrize("content", [b"", b"not a database at all, whatever its name says" * 99])
def test_a_file_that_is_no_database_is_refused(tmp_path, content):
    path = tmp_path / "p7.db"
    path.write_bytes(content)
    with pytest.raises(DamagedRunError, match=str(path)):
        ProcessRecording.open(str(path))


def test_a_database_with_a_damaged_page_is_refused_when_that_page_is_read(tmp_path):
    path = write(tmp_path / "p7.db", ALL)
    data = bytearray(path.read_bytes())
    data[8192:] = b"\xff" * (len(data) - 8192)
    path.write_bytes(data)
    with pytest.raises(DamagedRunError, match="cannot read"):  # noqa: PT012  which call notices is SQLite's affair
        recording = ProcessRecording.open(str(path))
        try:
            recording.traces()
            recording.breaks()
        finally:
            recording.close()


def test_files_are_readable_by_their_owner_only(tmp_path):
    path = write(tmp_path / "p7.db", [])
    assert path.stat().st_mode & 0o777 == 0o600


def test_every_json_column_of_the_schema_says_what_is_in_it():
    columns = [line for line in schema.TABLES.splitlines() if "_json" in line]
    assert columns
    for line in columns:
        assert "--" in line, line


def test_counts_of_calls_add_up_and_the_first_eager_call_stays(tmp_path):
    counts = [
        ev.Calls(FUNCTION, 8, 0),
        ev.Calls(FUNCTION, 0, 3, first_eager_call=9),
        ev.Calls(FUNCTION, 1, 1, first_eager_call=12),
    ]
    recording = ProcessRecording.open(str(write(tmp_path / "p7.db", counts)))
    assert recording.calls() == [ev.Calls(FUNCTION, 9, 4, 9)]
    recording.close()


def test_a_count_that_was_once_not_known_stays_so(tmp_path):
    counts = [ev.Calls(FUNCTION, 8, 1), ev.Calls(FUNCTION, 2, None), ev.Calls(FUNCTION, None, 3)]
    recording = ProcessRecording.open(str(write(tmp_path / "p7.db", counts)))
    assert recording.calls() == [ev.Calls(FUNCTION, None, None)]
    recording.close()


def test_a_recording_of_before_ranks_had_more_than_a_number_is_read(tmp_path):
    file = write(tmp_path / "p7.db", [])
    with contextlib.closing(sqlite3.connect(file)) as db:
        for column in (
            "local_rank",
            "world_size",
            "node",
            "job",
            "launcher",
            "task",
            "generation",
            "rank_pid",
        ):
            db.execute(f"alter table process drop column {column}")
        db.commit()
    with contextlib.closing(ProcessRecording.open(str(file))) as recording:
        assert (recording.info.rank, recording.info.generation, recording.info.job) == (3, None, "")
        assert recording.info.is_rank
