"""A live process as text: what each thread is at, or what was seen over some seconds.

It must not know where stacks come from.
"""

from __future__ import annotations

import shlex
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

from tracedbg.activities import Activity
from tracedbg.attach.reading import library_path, module_of
from tracedbg.attach.tally import by_most
from tracedbg.report.activities import words
from tracedbg.report.style import clean, count
from tracedbg.source import line_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.activities import Doing
    from tracedbg.attach.process import LiveProcess
    from tracedbg.attach.reading import Reader
    from tracedbg.attach.tally import Place, Tally, ThreadTime
    from tracedbg.pyspy import Frame, Thread
    from tracedbg.report.style import Style

_LINES = 15
_BAR = 10
_HEAD = f"{'share':>7}  {'seconds':>7}  "
_MIN_CURVE = 8
_MAX_CURVE = 24
_LABEL = 38
_LEAST = 0.005
"""The share below which a row is left out."""
_MUCH_QUEUED = 0.1
_MUCH_HELD = 0.05
_PLACE = 56
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400


def stacks_text(
    process: LiveProcess, threads: Sequence[Thread], reader: Reader, style: Style, *, full: bool = False
) -> str:
    """What each thread is at; the innermost frame last, as in a traceback.

    Args:
        process: whose threads they are.
        threads: of it, and perhaps of processes that it has started.
        reader: what stacks mean.
        style: how to show them.
        full: every frame of the libraries, instead of their number.
    """
    lines = _process(process, style)
    alike = _alike(threads, reader)
    is_mixed = len({thread.pid for thread in threads}) > 1
    for doing, group in alike:
        first = group[0]
        names = clean(first.name or f"thread {first.os_thread_id}")
        if len(group) > 1:
            names = f"{names} and {len(group) - 1} more like it"
        of = f" of process {first.pid}" if is_mixed else ""
        lines += ["", f"{style.paint(names, 'bold')} ({first.os_thread_id}{of}): {_paint(doing, style)}"]
        lines += _stack(first.frames, reader, style, full=full)
    if not threads:
        lines += ["", "no thread of it runs Python: it is starting, ending, or in a call that began none"]
    return "\n".join([*lines, ""])


def tally_text(
    process: LiveProcess, tally: Tally, style: Style, *, asked_s: float, native: bool = False
) -> str:
    """What a process did over some seconds: each thread's activities, and the user's lines."""
    lines = [*_process(process, style), "", *_recorded(tally, style, asked_s)]
    threads = _by_weight(tally)
    is_mixed = len({thread.pid for thread in threads}) > 1
    for thread in [one for one in threads if not _is_at_rest(one)]:
        of = f" of process {thread.pid}" if is_mixed else ""
        name = style.paint(clean(thread.name or "thread"), "bold")
        queued = thread.queued_s / (tally.total_s or 1)
        lack = f", {queued:.0%} of the time without a core to run on" if queued >= _MUCH_QUEUED else ""
        lines += ["", f"{name} ({thread.os_thread_id}{of}){lack}", *_activities(thread, tally, style)]
    resting = [one for one in threads if _is_at_rest(one)]
    if resting:
        names = ", ".join(dict.fromkeys(clean(one.name or "thread") for one in resting))
        lines += ["", *style.wrap(f"{count(len(resting), 'thread')} only waited: {names}", 0)]
    lines += ["", *_user_lines(tally, style, process.root)]
    is_python = any(doing.activity is Activity.PYTHON for _, found in tally.lines.items() for doing in found)
    if is_python and not native:
        lines += [
            "",
            *style.wrap(
                "Python has no frames for what is written in C: a line that calls an operator itself counts"
                " as Python. --native tells them apart.",
                0,
            ),
        ]
    return "\n".join([*lines, ""])


def _process(process: LiveProcess, style: Style) -> list[str]:
    command = clean(shlex.join(process.command)) or "(its command line cannot be read)"
    facts = [f"Python {process.python}"] if process.python else []
    if process.age_s is not None:
        facts.append(f"running for {_long(process.age_s)}")
    if process.os_threads:
        facts.append(f"{count(process.os_threads, 'thread')} of the operating system")
    if process.state == "T":
        facts.append("stopped")
    if process.folder:
        facts.append(f"in {clean(process.folder)}")
    lead = f"process {process.pid}  "
    lines = [style.paint(lead, "bold") + style.end(command, style.width - len(lead))]
    lines += style.wrap(", ".join(facts), 2)
    if process.run:
        lines += style.wrap(
            f"recorded by tracedbg, which knows more of it: tracedbg view {shlex.quote(process.run)}", 2
        )
    return lines


def _long(seconds: float) -> str:
    for unit_s, name, below_s, below in (
        (_DAY_S, "d", _HOUR_S, "h"),
        (_HOUR_S, "h", _MINUTE_S, "min"),
        (_MINUTE_S, "min", 1, "s"),
    ):
        if seconds >= unit_s:
            return f"{seconds // unit_s:.0f} {name} {seconds % unit_s // below_s:.0f} {below}"
    return f"{seconds:.0f} s"


def _alike(threads: Sequence[Thread], reader: Reader) -> list[tuple[Doing, list[Thread]]]:
    """Threads of one stack together: the main thread first, then those that run, then the rest."""
    groups: dict[tuple[object, ...], list[Thread]] = {}
    for thread in threads:
        key = (thread.pid, thread.is_active, thread.frames)
        groups.setdefault(key if thread.frames else (thread,), []).append(thread)
    told = [
        (reader.doing(group[0].frames, is_idle=not group[0].is_active), group) for group in groups.values()
    ]
    rest = (Activity.WAITING, Activity.UNKNOWN)
    return sorted(
        told,
        key=lambda one: (
            one[1][0].pid,
            one[1][0].os_thread_id != one[1][0].pid,
            one[0].activity in rest,
            one[1][0].os_thread_id,
        ),
    )


def _paint(doing: Doing, style: Style) -> str:
    is_rest = doing.activity in (Activity.WAITING, Activity.UNKNOWN)
    return style.paint(words(doing), "dim" if is_rest else "yellow")


def _stack(frames: Sequence[Frame], reader: Reader, style: Style, *, full: bool) -> list[str]:
    """The frames, the innermost last; those of libraries by their number, but for the innermost."""
    lines: list[str] = []
    last = len(frames) - 1
    outermost_first = list(enumerate(reversed(frames)))
    for shown, group in groupby(
        outermost_first, key=lambda one: full or one[0] == last or reader.is_users(one[1])
    ):
        found = [frame for _, frame in group]
        if not shown:
            lines.append(style.paint(_folded(found, style), "dim"))
            continue
        for frame in found:
            lines += _frame(frame, reader, style)
    return lines or ["    no frame of Python"]


def _folded(frames: Sequence[Frame], style: Style) -> str:
    names = Counter(_short(module_of(frame)) for frame in frames)
    text = f"    {style.glyphs.ellipsis} {count(len(frames), 'frame')} of {', '.join(map(clean, names))}"
    return style.end(text, style.width)


def _short(module: str) -> str:
    """`torch._inductor` of `torch._inductor.codegen.cpp`: enough to tell the part of a framework."""
    return "importlib" if module.startswith("importlib.") else ".".join(module.split(".")[:2])


def _frame(frame: Frame, reader: Reader, style: Style) -> list[str]:
    is_users = reader.is_users(frame)
    file = reader.file_of(frame) if is_users else library_path(frame.file)
    function = clean(frame.function.replace("<locals>.", ""))
    place = style.path(file, _PLACE) if not frame.line else style.place(file, frame.line, _PLACE)
    if not is_users:
        what = " (native)" if frame.is_native else ""
        return [style.paint(style.end(f"    {place} in {function}{what}", style.width), "dim")]
    room = max(style.width - len(place) - 8, 10)
    lines = [f"  {style.glyphs.advice} {style.paint(place, 'cyan')} in {style.end(function, room)}"]
    text = reader.text_of(file, frame.line)
    return [*lines, f"        {style.end(clean(text), style.width - 8)}"] if text else lines


def _recorded(tally: Tally, style: Style, asked_s: float) -> list[str]:
    text = (
        f"{tally.total_s:.1f} s at {tally.rate_hz} Hz: {count(tally.samples, 'sample')}"
        f" of {count(len(tally.threads), 'thread')}"
    )
    if tally.was_interrupted:
        text += f"; interrupted, {asked_s:g} s were asked for"
    elif tally.has_ended:
        text += f"; the process has ended, {asked_s:g} s were asked for"
    lines = style.wrap(text, 0)
    held = tally.held_s / (tally.total_s or 1)
    if held >= _MUCH_HELD:
        lines += style.wrap(
            f"it was held for {held:.0%} of the time, for its stacks to be read: a lower --rate helps",
            0,
        )
    if tally.behind_s:
        lines += style.wrap(
            f"py-spy was {tally.behind_s:.1f} s behind: shares are rough; a lower --rate helps", 0
        )
    return lines


def _by_weight(tally: Tally) -> list[ThreadTime]:
    """The main threads first, then by how long they did something."""
    return sorted(
        tally.threads.values(),
        key=lambda thread: (thread.os_thread_id != thread.pid, -_busy_s(thread), thread.pid, thread.name),
    )


def _busy_s(thread: ThreadTime) -> float:
    rest = (Activity.WAITING, Activity.UNKNOWN)
    return sum(seconds for doing, seconds in thread.seconds.items() if doing.activity not in rest)


def _is_at_rest(thread: ThreadTime) -> bool:
    return thread.os_thread_id != thread.pid and _busy_s(thread) < _LEAST * max(
        sum(thread.seconds.values()), 1e-9
    )


def _activities(thread: ThreadTime, tally: Tally, style: Style) -> list[str]:
    cells = min(max(style.width - len(_HEAD) - _BAR - 2 - _LABEL - 2, _MIN_CURVE), _MAX_CURVE)
    head = f"{_HEAD}{'':{_BAR}}  {'activity':<{_LABEL}}  over time"
    lines = [style.paint(head[: style.width].rstrip(), "dim")]
    for doing, seconds in by_most(thread.seconds):
        share = seconds / (tally.total_s or 1)
        if share < _LEAST:
            continue
        curve = style.curve(thread.curve(doing, tally.total_s, cells))
        label = style.end(words(doing), _LABEL)
        lines.append(
            f"{_numbers(share, seconds)}{style.bar(share, _BAR)}  {label:<{_LABEL}}  {curve}".rstrip()
        )
    return lines


def _numbers(share: float, seconds: float) -> str:
    return f"{share:>7.1%}  {seconds:>7.2f}  "


def _user_lines(tally: Tally, style: Style, root: str) -> list[str]:
    if not tally.lines:
        return ["no line of yours was on any stack"]
    found = sorted(tally.lines.items(), key=lambda one: (-sum(one[1].values()), one[0]))
    shown = [one for one in found if sum(one[1].values()) >= _LEAST * tally.total_s][:_LINES] or found[:1]
    lines = [style.paint("Lines of yours", "bold"), style.paint(f"{_HEAD}{'':{_BAR}}  line", "dim")]
    for place, doings in shown:
        lines += _user_line(place, doings, tally.total_s, style, root)
    rest = len(found) - len(shown)
    if rest:
        seconds = sum(sum(doings.values()) for place, doings in found) - sum(
            sum(doings.values()) for _, doings in shown
        )
        lines.append(
            style.paint(
                f"{_numbers(seconds / tally.total_s, seconds)}{'':{_BAR}}  {count(rest, 'more line')}", "dim"
            )
        )
    return lines


def _user_line(
    place: Place, doings: dict[Doing, float], total_s: float, style: Style, root: str
) -> list[str]:
    seconds = sum(doings.values())
    lead = len(_HEAD) + _BAR + 2
    function = clean(place.function.replace("<locals>.", ""))
    room = style.width - lead
    where = style.place(place.file, place.line, max(room - len(function) - 4, 20))
    numbers = f"{_numbers(seconds / total_s, seconds)}{style.bar(min(seconds / total_s, 1), _BAR)}  "
    told = [
        f"{words(doing)} {part / seconds:.0%}" for doing, part in by_most(doings)[:3] if part >= seconds * 0.1
    ]
    if len(doings) == 1:
        told = [words(doing) for doing in doings]
    lines = [f"{numbers}{style.end(f'{where} in {function}', room)}"]
    text = line_text(root + place.file, place.line)
    if text:
        lines.append(f"{'':{lead + 2}}{style.end(clean(text), room - 2)}")
    lines.append(style.paint(f"{'':{lead + 2}}{style.end(', '.join(told), room - 2)}", "dim"))
    return lines
