"""Native functions by line: from samples to the section of the report; and the file that they are kept in."""

from __future__ import annotations

from dataclasses import replace
from textwrap import dedent

import pytest
import shown

from tracedbg.errors import DamagedRunError
from tracedbg.explain import native_summary
from tracedbg.report.native import native_functions
from tracedbg.report.style import Style
from tracedbg.store.native import FILE, NativeFrame, NativeStacks, read_native, write_native

STYLE = Style(folder="/home/me")


def test_the_section():
    assert "\n".join(native_functions(shown.with_native(), STYLE)) + "\n" == dedent(
        """\
        Native functions by line
          151 samples of the main thread, 50 a second, by py-spy
           66.2%  train.py:12 in step
                   60.0%  mkl_blas_sgemm<float, 16>  (libtorch_cpu.so)
                   30.0%  (no symbol)  (libgomp.so.1)
                   10.0%  (Python)
           33.1%  (no line of yours is known)
                  100.0%  mkl_blas_sgemm<float, 16>  (libtorch_cpu.so)
        """
    )


def test_there_is_none_where_it_was_not_asked_for():
    assert native_functions(replace(shown.with_native(), native=None), STYLE) == []


def test_why_there_are_none_is_told():
    seen = native_summary(NativeStacks(50, 0, note="no native stacks: it is too late"))
    assert native_functions(replace(shown.with_native(), native=seen), STYLE) == [
        "Native functions by line",
        "  no native stacks: it is too late",
    ]


def test_the_file_gives_back_what_was_written(tmp_path):
    frame = NativeFrame("/v/libc.so.6", 3, "poll\udce9", is_native=True)
    seen = NativeStacks(50, 3, ((2, (frame, replace(frame, line=4))), (1, ())), "note")
    assert read_native(str(tmp_path)) is None
    write_native(str(tmp_path), seen)
    assert read_native(str(tmp_path)) == seen


def test_a_damaged_file_is_told_in_one_line(tmp_path):
    (tmp_path / FILE).write_text('{"schema": 1}')
    with pytest.raises(DamagedRunError) as caught:
        read_native(str(tmp_path))
    assert str(caught.value) == f"cannot read {tmp_path / FILE}: 'frames'"
