"""A recording that grows, read again and again: what is read in parts is what is read at once."""

from __future__ import annotations

import builders

from tracedbg.store.reader import ProcessRecording
from tracedbg.store.writer import Writer


def test_what_is_read_again_and_again_is_what_is_read_at_once(tmp_path):
    path = str(tmp_path / "p7.db")
    writer = Writer(path, builders.INFO, 10**9)
    process = ProcessRecording.open(path)
    reader, seen, counts = process.trace_reader(), set(), []
    for event in builders.ALL:
        writer.write([event])
        assert process.changes() not in seen
        seen.add(process.changes())
        assert reader.read() == process.traces()
        counts.append(sum(process.row_counts().values()))
    assert reader.read()[0].ended == builders.ENDED
    assert counts == sorted(counts)
    (info,) = process.graph_infos()
    assert (info.trace_id, info.stage, info.op_count) == (11, "dynamo", len(builders.GRAPH.sites))
    assert process.graph(info.number) == builders.GRAPH
    assert process.graph(info.number + 1) is None
    process.close()
    writer.close(1000)
