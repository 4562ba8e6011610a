"""Exports of Nsight Systems, in what their versions have in common and where they differ."""

from __future__ import annotations

import sqlite3

import pytest

from kernel_files import write_nsys
from kernel_source_contract import KernelSourceContract
from tracedbg.errors import TraceFileError
from tracedbg.explain.kernels import explain
from tracedbg.kernels import CallFrame, Kind
from tracedbg_kernels.nsys import NsysSource


class TestNsys(KernelSourceContract):
    @pytest.fixture
    def source(self):
        return NsysSource()

    def write(self, folder):
        return write_nsys(folder / "report.sqlite")


@pytest.fixture
def file(tmp_path):
    return write_nsys(tmp_path / "report.sqlite")


def change(file, *statements):
    with sqlite3.connect(file) as database:
        for statement in statements:
            database.execute(statement)
    database.close()
    return NsysSource().read(file)


def test_a_launch_is_of_the_kernel_s_own_process(file):
    timeline = NsysSource().read(file)
    assert {one.launch.thread.process for one in timeline.kernels} == {"77"}


def test_the_stack_of_the_driver_s_call_is_the_stack_of_the_runtime_s(file):
    launch = NsysSource().read(file).kernels[0].launch
    assert launch.api == "cudaLaunchKernel"
    assert launch.frames[0] == CallFrame("model.py", 8, "forward", is_exact=True)


def test_ranges_are_ops_and_their_sequence_tells_the_backward(file):
    found = explain(NsysSource().read(file)).kernels
    assert [one.op for one in found] == ["aten::mm", "MmBackward0"] * 2
    assert [one.is_backward for one in found] == [False, True] * 2


def test_copies_fills_and_whole_graphs_are_kernels_too(file):
    timeline = change(
        file,
        "create table CUPTI_ACTIVITY_KIND_MEMCPY (start, end, deviceId, streamId, correlationId, globalPid, copyKind)",
        "insert into CUPTI_ACTIVITY_KIND_MEMCPY values (1, 3, 0, 7, 99, 0, 2)",
        "create table CUPTI_ACTIVITY_KIND_MEMSET (start, end, deviceId, streamId, correlationId, globalPid)",
        "insert into CUPTI_ACTIVITY_KIND_MEMSET values (4, 5, 0, 7, 98, 0)",
        "create table CUPTI_ACTIVITY_KIND_GRAPH_TRACE (start, end, deviceId, streamId, correlationId, globalPid, graphId)",
        "insert into CUPTI_ACTIVITY_KIND_GRAPH_TRACE values (6, 9, 0, 7, 97, 0, 12)",
    )
    first = [(one.name, one.kind, one.duration_ns) for one in timeline.kernels[:3]]
    assert first == [
        ("Memcpy DtoH", Kind.COPY, 2),
        ("Memset", Kind.FILL, 1),
        ("CUDA graph 12", Kind.KERNEL, 3),
    ]


@pytest.mark.parametrize("table", ["CUDA_CALLCHAINS", "NVTX_EVENTS", "CUPTI_ACTIVITY_KIND_RUNTIME"])
def test_a_version_without_a_table_is_read_without_it(file, table):
    assert len(change(file, f"drop table {table}").kernels) == 4


def test_a_database_of_something_else_is_told_as_such(tmp_path):
    file = str(tmp_path / "other.sqlite")
    with sqlite3.connect(file) as database:
        database.execute("create table things (id)")
    database.close()
    with pytest.raises(TraceFileError) as raised:
        NsysSource().read(file)
    told = "is no export of nsys: it has no table CUPTI_ACTIVITY_KIND_KERNEL"
    assert str(raised.value) == f"{file} {told}"


def test_an_export_without_kernels_is_told_as_such(file):
    with pytest.raises(TraceFileError) as raised:
        change(file, "delete from CUPTI_ACTIVITY_KIND_KERNEL")
    assert str(raised.value) == f"{file} holds no CUDA kernels"
