"""Looks at the stacks of a process, or samples them for some seconds and adds up what is seen.

It goes in pieces, so that neither side has to hold more than half a minute of stacks.
"""

from __future__ import annotations

import time
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from tracedbg.attach.cpu import CpuMeter
from tracedbg.attach.process import pythons_below
from tracedbg.attach.tally import Source, Tally
from tracedbg.pyspy import PySpyError, Recorder, dump

if TYPE_CHECKING:
    from tracedbg.attach.reading import Reader
    from tracedbg.pyspy import Thread

_PIECE_S = 30.0
_LOOK_S = 0.01
_LOOKS = 5
_GOLDEN = 0.6180339887


class Plan(NamedTuple):
    """How a process is sampled."""

    pid: int
    seconds: float
    rate_hz: int
    native: bool = False
    """With the frames of C and C++."""
    subprocesses: bool = False
    """With the processes that it has started."""


def record(plan: Plan, reader: Reader) -> Tally:
    """What a process does for that long, or until it ends, or until Ctrl-C.

    Raises:
        PySpyError: nothing can be seen of it.
        KeyboardInterrupt: before anything was seen, or again while it is read.
    """
    tally = Tally(plan.rate_hz)
    left_s = plan.seconds
    while left_s > 0 and not (tally.has_ended or tally.was_interrupted):
        piece_s = min(left_s, _PIECE_S)
        recorder = Recorder(
            plan.pid,
            plan.rate_hz,
            native=plan.native,
            subprocesses=plan.subprocesses,
            limit_s=piece_s,
        )
        try:
            _sample(recorder, plan._replace(seconds=piece_s), tally, reader)
        except PySpyError:
            if not tally.samples:
                raise
            tally.has_ended = True  # between two pieces
        finally:
            recorder.kill()
        left_s -= piece_s
    return tally


def look(pid: int, *, native: bool = False, subprocesses: bool = False) -> tuple[Thread, ...]:
    """What each thread of a process is at now, and of the Python processes that it has started.

    Raises:
        PySpyError: nothing can be seen of it.
    """
    threads = list(dump(pid, native=native))
    # One by one: py-spy's own way to the children ends at the first that is not Python.
    for process in pythons_below(pid) if subprocesses else []:
        with suppress(PySpyError):
            threads += dump(process.pid, native=native)
    return tuple(threads)


def _sample(recorder: Recorder, plan: Plan, tally: Tally, reader: Reader) -> None:
    below = pythons_below(plan.pid) if plan.subprocesses else []
    meter = CpuMeter([plan.pid, *(process.pid for process in below)])
    begin_s = time.monotonic()
    try:
        recorder.begin()
        begin_s = now_s = time.monotonic()
        meter.read(begin_s)
        for number in count():
            left_s = begin_s + plan.seconds - now_s
            if left_s <= 0 or not recorder.wait(min(left_s, _pause_s(number))):
                break
            meter.look(now_s := time.monotonic())
            if number % _LOOKS == 0:
                meter.read(now_s)
    except KeyboardInterrupt:
        tally.was_interrupted = True
    span_s = begin_s, time.monotonic()
    tally.add(recorder.stop(), plan.pid, span_s, Source(reader, meter))


def _pause_s(number: int) -> float:
    """10 ms on average, and never in step with the samples."""
    return _LOOK_S * (0.5 + number * _GOLDEN % 1)
