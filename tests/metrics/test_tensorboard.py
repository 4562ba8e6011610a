"""Scalars for TensorBoard, read back by TensorBoard itself."""

from __future__ import annotations

import os
import struct
import threading

import pytest

import tracedbg
from traced import traced
from tracedbg.errors import RecordingError, UsageError
from tracedbg_metrics.event_file import EventFile, _checksum
from tracedbg_metrics.tensorboard import Scalars

pytest.importorskip("tensorboard")
TOTALS = [
    f"tracedbg/{name}" for name in ("compile_seconds", "limit_hits", "newest_retrace", "retraces", "traces")
]


@pytest.fixture
def counts():
    with tracedbg.count() as found:
        yield found


def read(folder):
    """Scalars and texts of a folder: tag -> [(step, value), ...], by TensorBoard's own reader of files.

    Of its parts, those that would load TensorFlow are left out.
    """
    from tensorboard.compat.proto import event_pb2
    from tensorboard.compat.tensorflow_stub import errors, pywrap_tensorflow

    found = {}
    for name in sorted(os.listdir(folder)):
        records = pywrap_tensorflow.PyRecordReader_New(os.path.join(folder, name))
        while True:
            try:
                records.GetNext()  # it compares both checksums
            except errors.OutOfRangeError:
                break
            event = event_pb2.Event.FromString(records.record())
            for value in event.summary.value:
                found.setdefault(value.tag, []).append((event.step, _value(value)))
    return found


def _value(value):
    if value.WhichOneof("value") == "simple_value":
        return value.simple_value
    if value.metadata.plugin_data.plugin_name == "text":
        return value.tensor.string_val[0].decode()
    return struct.unpack("<f", value.tensor.tensor_content)[0]


def test_checksums_are_those_of_the_specification():
    """RFC 3720, B.4: CRC-32C of 32 bytes of zeroes is 0x8a9136aa; then masked as TensorFlow does."""
    crc = 0x8A9136AA
    masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
    assert _checksum(bytes(32)) == masked.to_bytes(4, "little")


def test_a_file_of_ours_is_read_by_tensorboard(tmp_path):
    file = EventFile(str(tmp_path))
    file.add(0, {"a/b": 0.5}, {})
    file.add(300, {"a/b": 2.0, "c": -1.0}, {"t": "words, and ü"})
    file.close()
    assert read(tmp_path) == {"a/b": [(0, 0.5), (300, 2.0)], "c": [(300, -1.0)], "t": [(300, "words, and ü")]}


def test_totals_functions_and_causes_have_tags(tmp_path, counts):
    with Scalars(tmp_path, counts) as scalars:
        traced(2)
        scalars.write(1)
        traced(3)
        scalars.write(2)
    found = read(tmp_path)
    assert sorted(tag for tag in found if tag.startswith("tracedbg/")) == TOTALS
    assert found["tracedbg/traces"][:2] == [(1, 1.0), (2, 2.0)]
    assert found["tracedbg_retraces/step"][:2] == [(1, 0.0), (2, 1.0)]
    assert found["tracedbg_compile_seconds/step"][:2] == [(1, 1.0), (2, 2.0)]
    assert found["tracedbg_causes/shape"][0] == (2, 1.0)
    ((step, text),) = found["tracedbg/newest_retrace"]
    assert step == 2
    assert text.startswith("`train.py:7` in `step`: `x` changed shape from float32[2] to float32[3]; ")


def test_functions_past_the_bound_have_no_tags_and_those_of_one_name_differ(tmp_path, counts):
    with Scalars(tmp_path, counts, functions=2):
        traced(2, name="A.<locals>.f", line=1)
        traced(2, name="A.<locals>.f", line=2)
        traced(2, name="g", line=3)
    tags = {tag for tag in read(tmp_path) if tag.startswith("tracedbg_retraces/")}
    assert tags == {"tracedbg_retraces/A._locals_.f", "tracedbg_retraces/A._locals_.f.train.py.2"}


def test_it_writes_in_the_background(tmp_path, counts, monkeypatch):
    written = threading.Event()
    scalars = Scalars(tmp_path, counts, every_s=0.01)
    add = scalars._writer.add
    monkeypatch.setattr(scalars._writer, "add", lambda *words: (add(*words), written.set()))
    traced(2)
    assert written.wait(60)
    scalars.close()
    assert read(tmp_path)["tracedbg/traces"][-1][1] == 1.0


def test_a_disk_that_is_full_ends_the_background_alone(tmp_path, counts, capfd):
    scalars = Scalars(tmp_path, counts, every_s=60)
    scalars._writer._file.close()
    assert scalars._tick() is False
    assert (
        capfd.readouterr().err == "tracedbg: no more scalars for TensorBoard: I/O operation on closed file\n"
    )
    scalars._ticker.stop()


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingError) as raised:
        Scalars(tmp_path / "file")
    assert str(raised.value) == f"cannot write events for TensorBoard into {tmp_path / 'file'}: File exists"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"writer": 3},
            "int is no writer for TensorBoard; it must be a folder, a SummaryWriter, or a writer of tf.summary",
        ),
        ({"writer": "x", "every_s": 0}, "every_s is 0; it must be more than 0"),
    ],
)
def test_an_argument_that_makes_no_sense_is_told(arguments, message):
    with pytest.raises(UsageError) as raised:
        Scalars(**arguments)
    assert str(raised.value) == message


def test_it_counts_for_itself_where_no_counts_are_given(tmp_path):
    with Scalars(tmp_path):
        traced(2)
    assert read(tmp_path)["tracedbg/traces"] == [(0, 1.0)]


def torch_writer(folder):
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(folder)


def tensorboardx_writer(folder):
    return pytest.importorskip("tensorboardX").SummaryWriter(folder)


def tensorflow_writer(folder):
    return pytest.importorskip("tensorflow").summary.create_file_writer(folder)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "make",
    [
        pytest.param(torch_writer, marks=pytest.mark.torch),
        tensorboardx_writer,
        pytest.param(tensorflow_writer, marks=pytest.mark.tensorflow),
    ],
)
def test_a_writer_of_the_programs_is_used_and_stays_open(tmp_path, make):
    writer = make(str(tmp_path / "events"))
    with Scalars(writer) as scalars:
        traced(2)
        traced(3)
        scalars.write(5)
    with Scalars(writer):
        traced(2)
    writer.close()
    found = read(tmp_path / "events")
    assert found["tracedbg/traces"] == [(5, 2.0), (0, 2.0), (0, 1.0)]
    text = next(value for tag, value in found.items() if tag.startswith("tracedbg/newest_retrace"))
    assert "`x` changed shape from float32[2] to float32[3]" in text[0][1]
