"""The head of the page: what was run, how it went, what to do first. It must not know what sections say."""

from __future__ import annotations

import os
from collections import Counter
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from tracedbg.report.html.findings import NOTED, WRONG, findings_of
from tracedbg.report.html.markup import Element, element
from tracedbg.report.html.parts import Section, advice, capitalised, muted, place, prose, shortened
from tracedbg.report.style import count, seconds
from tracedbg.report.text import FRAMEWORKS, headline, is_healthy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.explain import Summary
    from tracedbg.explain.detail import Detail
    from tracedbg.report.html.findings import Finding
    from tracedbg.report.html.markup import Node
    from tracedbg.report.html.parts import Look
    from tracedbg.store.records import ProcessInfo
    from tracedbg.store.run_info import RunInfo

MAX_FINDINGS = 10
MAX_ALIKE = 5
_ARGUMENTS = 300
_A_PERCENT = 0.01


def title_of(run: RunInfo) -> str:
    """What was run, in a few words."""
    argv = run.argv
    words = [os.path.basename(argv[0]), *argv[1:]] if argv else [run.id]
    return shortened(" ".join(words), 80)


def header(run: RunInfo, processes: Sequence[ProcessInfo]) -> Element:
    """What was run, when and by what, and how it ended."""
    started = datetime.fromtimestamp(run.started_wall_ns / 1e9, tz=timezone.utc)
    versions = {name: found for process in processes for name, found in process.versions.items()}
    pythons = dict.fromkeys(process.python for process in processes)
    ended = _ended(run)
    facts: list[tuple[str, Node]] = [
        ("Ended", element("span", ended, class_="bad" if run.exit_code else None) if ended else None),
        ("Took", "" if run.wall_ns is None else f"{seconds(run.wall_ns / 1e9)} s"),
        (
            "Started",
            element("time", f"{started:%Y-%m-%d %H:%M} UTC", datetime=started.isoformat(timespec="seconds")),
        ),
        (
            "With",
            ", ".join(
                [
                    *(f"{name} {versions[name]}" for name in FRAMEWORKS if name in versions),
                    *(f"Python {one}" for one in pythons),
                ]
            ),
        ),
        ("Run", element("code", run.id)),
        ("Values", "left out (--redact), and with them lines of source" if run.redacted else None),
    ]
    return element(
        "header",
        element("p", "tracedbg", class_="brand"),
        element("h1", element("code", shortened(" ".join(run.argv), _ARGUMENTS) or run.id)),
        element(
            "dl",
            [element("div", element("dt", name), element("dd", what)) for name, what in facts if what],
            class_="facts",
        ),
        class_="top",
    )


def _ended(run: RunInfo) -> str:
    if run.signal:
        return f"by signal {run.signal}"
    return "" if run.exit_code is None else f"exit {run.exit_code}"


def overview(detail: Detail, look: Look) -> Section:
    """How it went in a sentence and some numbers, then the findings."""
    summary = detail.summary
    found = findings_of(detail)
    words = headline(summary)
    is_good = bool(summary.functions) and is_healthy(summary)
    content: list[Node] = [
        element("p", capitalised(words) + ".", class_="verdict good" if is_good else "verdict")
    ]
    content.append(_tiles(summary) if summary.functions else None)
    content.append(_damage(summary))
    if found:
        shown = [_finding(one, look) for one in _some(found)]
        content += [element("h3", "What is wrong, worst first"), element("ol", shown, class_="findings")]
        rest = len(found) - len(shown)
        content.append(muted(f"And {rest} more, below.") if rest > 0 else None)
    elif is_good:
        content.append(element("p", "There is nothing here that wants to be changed.", class_="muted"))
    return Section("summary", "Summary", tuple(content))


def _some(found: Sequence[Finding]) -> list[Finding]:
    """The worst, so many of each section that one kind does not hide the others."""
    taken: Counter[str] = Counter()
    shown = []
    for one in found:
        slug = one.anchor.partition("-")[0]
        taken[slug] += 1
        if taken[slug] <= MAX_ALIKE:
            shown.append(one)
    return shown[:MAX_FINDINGS]


def _finding(one: Finding, look: Look) -> Element:
    level = {WRONG: "bad", NOTED: "note"}.get(one.level, "warn")
    return element(
        "li",
        element(
            "div",
            element("span", one.level, class_=f"level {level}"),
            element("span", one.cost, class_="cost") if one.cost else None,
            class_="meta",
        ),
        element("p", element("a", prose(capitalised(one.title)), href=f"#{one.anchor}"), class_="what"),
        element("p", place(look, one.file, one.line), class_="where") if one.file else None,
        advice(one.advice),
    )


def _tiles(summary: Summary) -> Element:
    functions = list(summary.every_function())
    wall_s = (summary.run.wall_ns or 0) / 1e9
    is_shared = wall_s > 0 and len(summary.processes) == 1
    share = (
        f"{summary.seconds / wall_s:.0%} of the run"
        if is_shared and summary.seconds / wall_s >= _A_PERCENT
        else ""
    )
    settled = sum(function.settled for function in functions)
    tiles = [
        (str(len(summary.functions)), "functions traced", "", False),
        (
            str(summary.traces),
            "traces",
            f"in {count(len(summary.processes), 'process').replace('processs', 'processes')}",
            False,
        ),
        (
            str(summary.retraces),
            "retraces",
            f"{settled} settled" if settled else "",
            summary.retraces > settled,
        ),
        (str(len(summary.graph_breaks)), "graph breaks", "", bool(summary.graph_breaks)),
        (f"{seconds(summary.seconds)} s", "tracing", share, False),
    ]
    return element(
        "dl",
        [
            element(
                "div",
                element("dt", name),
                element("dd", value, class_="warn" if is_bad else None),
                element("dd", more, class_="more") if more else None,
            )
            for value, name, more, is_bad in tiles
        ],
        class_="tiles",
    )


def _damage(summary: Summary) -> Node:
    """That something is missing; what, is told at the end."""
    lost = [process for process in summary.processes if process.recording_error]
    if not (summary.faults or summary.dropped or lost):
        return None
    link = element("a", "what is missing", href="#faults")
    return element("p", element("strong", "The recording is not whole: "), link, class_="notice", role="note")


def faults(summary: Summary, _: Look) -> Section | None:
    """What went wrong with tracedbg itself, and what it could not keep."""
    items = [f"{fault.where}: {fault.message}" for fault in summary.faults]
    items += [f"process {one.pid}: {one.recording_error}" for one in summary.processes if one.recording_error]
    if summary.dropped:
        kinds = ", ".join(f"{number} {kind}" for kind, number in summary.dropped.items())
        items.append(f"counted but not kept, as the recording was full (see --max-mb): {kinds}")
    if not items:
        return None
    shown = [element("li", shortened(one)) for one in items[:100]]
    rest = muted(f"And {len(items) - 100} more: see --format json.") if len(items) > 100 else None  # noqa: PLR2004
    return Section(
        "faults", "Faults of tracedbg, and what is missing", (element("ul", shown), rest), str(len(items))
    )
