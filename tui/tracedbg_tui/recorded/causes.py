"""What there is to say of a function: why it was traced again, what to change, what else went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg import source
from tracedbg.report.style import clean, count
from tracedbg_tui.recorded.telling import Told
from tracedbg_tui.recorded.words import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracedbg.explain import CauseGroup, FunctionSummary
    from tracedbg.report.style import Style
    from tracedbg_tui.debug.glyphs import Glyphs
    from tracedbg_tui.snapshot import Snapshot


def what_is_known(snapshot: Snapshot, function: FunctionSummary, style: Style, glyphs: Glyphs) -> list[Told]:
    """All about a function, what costs most first."""
    return [
        *_head(function, style),
        *(told for one in (function, *function.resumes) for told in _causes(one, style, glyphs)),
        *_breaks(snapshot, function, style, glyphs),
        *_eager(function, style),
        *_stale(function, style),
        *_loops(snapshot, function, style),
    ]


def _head(function: FunctionSummary, style: Style) -> Iterator[Told]:
    yield Told(
        f"{function.framework.value} {function.name}  {style.place(function.file, function.line)}",
        "title",
        file=function.file,
        line=function.line,
    )
    words = [count(function.traces, "trace"), count(function.retraces, "retrace")]
    words[1:] = words[1:] if function.retraces else ["never traced again"]
    if function.graph_breaks:
        words.append(count(function.graph_breaks, "graph break"))
    if function.failed:
        words.append(f"{function.failed} failed")
    if function.objects > 1:
        words.append(f"{function.objects} function objects")
    yield Told(f"{', '.join(words)}; tracing took {seconds(function.seconds)}", "dim")
    counts = {"compiled": function.calls.compiled, "eager": function.calls.eager}
    if told := ", ".join(f"{number:,} {how}" for how, number in counts.items() if number):
        yield Told(f"calls: {told}", "dim")


def _title(words: str, right: str, file: str, line: int, style: Style) -> Iterator[Told]:
    yield Told()
    yield Told(f"{words}  {style.place(file, line)}", "name", right=right, file=file, line=line)
    if text := source.line_text(file, line).strip():
        yield Told(clean(text), "code", 4, file=file, line=line, is_wrapped=False)


def _causes(function: FunctionSummary, style: Style, glyphs: Glyphs) -> Iterator[Told]:
    for cause in sorted(function.causes, key=lambda one: one.settled):
        yield from _cause(cause, style, glyphs)
    if function.limit_hits:
        yield Told()
        yield Told(
            f"the framework's limit of traces was reached{_times(function.limit_hits)}: each one counts",
            "stop",
        )


def _cause(cause: CauseGroup, style: Style, glyphs: Glyphs) -> Iterator[Told]:
    right = f"{count(cause.count, 'retrace')} {seconds(cause.seconds)}"
    words = "settled" if cause.settled else "traced again"
    yield from _title(f"{glyphs.retrace} {words}", right, cause.file, cause.line, style)
    at = {"file": cause.file, "line": cause.line}
    yield Told(cause.message, "", 2, **at)  # type: ignore[arg-type]
    if cause.before and cause.after and not cause.after.startswith("another "):
        name = f"{cause.argument}: " if cause.argument else ""
        yield Told(f"{name}{cause.before} {style.glyphs.arrow} {cause.after}", "note", 2, **at)  # type: ignore[arg-type]
    if len(cause.values) > 2:  # noqa: PLR2004  two are told above
        yield Told(f"values: {', '.join(cause.values)}", "dim", 2, **at)  # type: ignore[arg-type]
    yield from _advice(cause.advice, style)
    yield Told(f"more: tracedbg explain {cause.kind.value}", "dim", 2)


def _breaks(snapshot: Snapshot, function: FunctionSummary, style: Style, glyphs: Glyphs) -> Iterator[Told]:
    for found in snapshot.breaks_of(function):
        place = found.frame.file, found.frame.line
        yield from _title(f"{glyphs.graph_break} graph break", found.code, *place, style)
        reason = found.reason.strip().partition("\n")[0]
        text = found.kind if not reason or reason == found.kind else f"{found.kind}: {reason}"
        yield Told(text, "", 2, file=place[0], line=place[1])
        for frame in found.stack:
            if (frame.file, frame.line) != place:
                words = f"called by {frame.function or '?'}  {style.place(frame.file, frame.line)}"
                yield Told(words, "dim", 2, file=frame.file, line=frame.line)


def _eager(function: FunctionSummary, style: Style) -> Iterator[Told]:
    silent = function.silent_eager
    if silent is None:
        return
    since = f"since call {silent.since_call}" if silent.since_call else ""
    yield from _title("runs eager, without a word", since, function.file, function.line, style)
    yield Told(silent.reason, "", 2)
    yield from _advice(silent.advice, style)


def _stale(function: FunctionSummary, style: Style) -> Iterator[Told]:
    for one in (function, *function.resumes):
        for group in one.stale:
            yield from _title("stale", group.kind.replace("_", " "), group.file, group.line, style)
            yield Told(group.message, "", 2, file=group.file, line=group.line)
            yield from _advice(group.advice, style)


def _loops(snapshot: Snapshot, function: FunctionSummary, style: Style) -> Iterator[Told]:
    summary = snapshot.summary
    for one in summary.conversions if summary else ():
        if (one.file, one.line) != (function.file, function.line):
            continue
        if one.failure:
            yield from _title("AutoGraph left it as it is", "", one.file, one.line, style)
            yield Told(one.failure.strip().partition("\n")[0], "", 2)
        for construct in one.constructs:
            if construct.became == "unrolled":
                yield from _title("unrolled loop", "", construct.file, construct.line, style)
                yield Told("a Python loop becomes as many operations as it has turns", "", 2)


def _advice(text: str, style: Style) -> Iterator[Told]:
    if text:
        yield Told(text, "good", 2, lead=f"{style.glyphs.advice} ")


def _times(number: int) -> str:
    return f" {number} times" if number > 1 else ""
