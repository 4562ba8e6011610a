"""A live process for programs: JSON, and collapsed stacks for flame graphs.

`docs/reference/attach-json.md` describes the JSON.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from tracedbg.attach.reading import module_of
from tracedbg.attach.tally import by_most

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tracedbg.activities import Doing
    from tracedbg.attach.process import LiveProcess
    from tracedbg.attach.reading import Reader
    from tracedbg.attach.tally import Tally
    from tracedbg.pyspy import Frame, Thread

SCHEMA = 1


def stacks_data(process: LiveProcess, threads: Sequence[Thread], reader: Reader) -> dict[str, Any]:
    """What each thread is at."""
    return {
        "schema": SCHEMA,
        "process": _process(process),
        "threads": [
            {
                "pid": thread.pid,
                "os_thread_id": thread.os_thread_id,
                "name": thread.name,
                "is_active": thread.is_active,
                **_doing(reader.doing(thread.frames, is_idle=not thread.is_active)),
                "frames": [_frame(frame, reader) for frame in thread.frames],
            }
            for thread in threads
        ],
    }


def tally_data(process: LiveProcess, tally: Tally) -> dict[str, Any]:
    """What it did over some seconds."""
    return {
        "schema": SCHEMA,
        "process": _process(process),
        "recorded": {
            "seconds": round(tally.total_s, 6),
            "rate_hz": tally.rate_hz,
            "samples": tally.samples,
            "has_ended": tally.has_ended,
            "was_interrupted": tally.was_interrupted,
            "behind_s": tally.behind_s,
            "held_s": round(tally.held_s, 6),
        },
        "threads": [
            {
                "pid": thread.pid,
                "os_thread_id": thread.os_thread_id,
                "name": thread.name,
                "samples": thread.samples,
                "waited_for_core_s": round(thread.queued_s, 6),
                "activities": _seconds(thread.seconds),
            }
            for thread in tally.threads.values()
        ],
        "lines": [
            {
                "file": place.file,
                "line": place.line,
                "function": place.function,
                "seconds": round(sum(doings.values()), 6),
                "activities": _seconds(doings),
            }
            for place, doings in sorted(tally.lines.items(), key=lambda one: (-sum(one[1].values()), one[0]))
        ],
    }


def collapsed(stacks: Iterable[tuple[str, Sequence[Frame], int]]) -> str:
    """Stacks in the form of Brendan Gregg's flamegraph.pl: `thread;outermost;...;innermost count`.

    Args:
        stacks: the thread's name, frames with the innermost first, and how often.
    """
    found: Counter[str] = Counter()
    for thread, frames, number in stacks:
        names = [thread, *(f"{module_of(one)}:{one.function}:{one.line}" for one in reversed(frames))]
        found[";".join(_plain(name) for name in names)] += number
    return "".join(f"{stack} {number}\n" for stack, number in sorted(found.items()))


def _plain(name: str) -> str:
    """What the form gives a meaning to, or a terminal acts on, is no part of a name."""
    return "".join(char if char.isprintable() and char != ";" else "?" for char in name)


def _process(process: LiveProcess) -> dict[str, Any]:
    return {
        "pid": process.pid,
        "command": list(process.command),
        "python": process.python,
        "folder": process.folder,
        "age_s": None if process.age_s is None else round(process.age_s, 2),
        "os_threads": process.os_threads,
        "run": process.run or None,
    }


def _frame(frame: Frame, reader: Reader) -> dict[str, Any]:
    return {
        "file": frame.file,
        "line": frame.line,
        "function": frame.function,
        "is_native": frame.is_native,
        "is_user": reader.is_users(frame),
    }


def _doing(doing: Doing) -> dict[str, Any]:
    return {"activity": doing.activity.value, "phase": doing.phase or None}


def _seconds(found: dict[Doing, float]) -> list[dict[str, Any]]:
    return [{**_doing(doing), "seconds": round(seconds, 6)} for doing, seconds in by_most(found)]
