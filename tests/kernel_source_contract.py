"""What every `KernelSource` has to do. A subclass gives `source` and `write`, which makes the usual file."""

from __future__ import annotations

import contextlib
import random

import pytest

from kernel_files import KERNEL_NS, MODEL, TOTAL_NS, TRAIN
from tracedbg.errors import TraceFileError
from tracedbg.explain.kernels import Whose, explain, read_timeline, tabulate
from tracedbg.kernels import Kind


class KernelSourceContract:
    """`write(folder)` makes a file of two steps."""

    @pytest.fixture
    def source(self):
        raise NotImplementedError

    def write(self, folder):
        raise NotImplementedError

    @pytest.fixture
    def timeline(self, source, tmp_path):
        return source.read(self.write(tmp_path))

    def test_its_files_are_recognised_by_how_they_begin(self, source, tmp_path):
        file = self.write(tmp_path)
        assert read_timeline(file).source == source.name

    def test_it_does_not_take_what_is_none_of_its_own(self, source):
        assert not source.recognises("notes.txt", b"# notes\n")

    def test_kernels_have_device_stream_start_and_duration_in_the_order_of_their_starts(self, timeline):
        assert [(one.start_ns, one.duration_ns) for one in timeline.kernels] == KERNEL_NS
        assert {one.kind for one in timeline.kernels} == {Kind.KERNEL}
        assert len({(one.device, one.stream) for one in timeline.kernels}) == 1
        assert [one.name for one in timeline.kernels] == ["mm_kernel", "mm_kernel_back"] * 2

    def test_the_times_of_all_rows_are_those_of_all_kernels_to_the_nanosecond(self, timeline):
        table = tabulate(explain(timeline).kernels)
        assert table.total_ns == sum(row.time_ns for row in table.rows) == TOTAL_NS

    def test_every_kernel_comes_to_a_line_of_the_user(self, timeline):
        found = explain(timeline).kernels
        assert {one.whose for one in found} == {Whose.LINE}
        assert {one.lines[0].file for one in found} <= {MODEL, TRAIN}

    def test_nothing_is_damaged(self, timeline):
        assert timeline.damage == []
        assert timeline.size_bytes > 0

    @pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.99])
    def test_a_file_that_was_cut_off_is_read_as_far_as_it_goes_or_refused_in_words(
        self, source, tmp_path, share
    ):
        file = self.write(tmp_path)
        with open(file, "rb+") as opened:
            opened.truncate(int(opened.seek(0, 2) * share))
        told = ""
        try:
            told = source.read(file).damage[0].message
        except TraceFileError as error:
            told = str(error).partition(file)[2]
        assert told
        assert "\n" not in told

    def test_whatever_is_damaged_is_read_in_part_or_refused_in_words(self, source, tmp_path):
        file = self.write(tmp_path)
        with open(file, "rb") as opened:
            whole = opened.read()
        chance = random.Random(7)
        for _ in range(80):
            data = bytearray(whole)
            for _ in range(chance.choice([1, 3, 20])):
                at = chance.randrange(len(data))
                data[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
            with open(file, "wb") as opened:
                opened.write(data)
            with contextlib.suppress(TraceFileError):
                found = explain(source.read(file)).kernels
                assert tabulate(found).total_ns == sum(one.duration_ns for one in found)

    def test_a_file_of_something_else_is_refused(self, source, tmp_path):
        file = tmp_path / "other"
        file.write_bytes(b"\x00\x01 nothing of the kind" * 50)
        with pytest.raises(TraceFileError):
            source.read(str(file))
