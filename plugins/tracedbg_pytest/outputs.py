"""What is told of all tests: the summary on the terminal, JSON, SARIF, annotations of GitHub."""

from __future__ import annotations

import json
import os
import urllib.parse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tracedbg import __version__
from tracedbg_pytest.verdict import place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tracedbg_pytest.results import Finding, Function, Result

_SARIF = "https://json.schemastore.org/sarif-2.1.0.json"
FORMAT = 1
"""Of the JSON file: raised when a reader of it would break."""


def check_writable(path: str, option: str) -> None:
    """Find out before the tests run.

    Raises:
        pytest.UsageError: nothing can be written there.
    """
    folder = os.path.dirname(os.path.abspath(path))
    if os.path.isdir(path) or not os.path.isdir(folder) or not os.access(folder, os.W_OK):
        raise pytest.UsageError(f"{option}: cannot write {path}")


def write_json(path: str, results: Iterable[Result]) -> None:
    """Every test with its functions and causes."""
    data = {"format": FORMAT, "tracedbg": __version__, "tests": [one.to_json() for one in results]}
    with open(path, "w", encoding="utf-8") as file:
        json.dump(data, file, indent=1)
        file.write("\n")


def write_sarif(path: str, results: Iterable[Result], root: str) -> None:
    """Each finding once, at the user's line: code scanning shows it there."""
    found = [_sarif(note, root) for note in _notes(results)]
    kinds = sorted({str(one["ruleId"]) for one in found})
    rules = [
        {"id": kind, "shortDescription": {"text": _RULES.get(kind, _RETRACED.format(kind))}} for kind in kinds
    ]
    driver = {"name": "tracedbg", "version": __version__, "rules": rules}
    data: dict[str, Any] = {
        "$schema": _SARIF,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": found}],
    }
    with open(path, "w", encoding="utf-8") as file:
        json.dump(data, file, indent=1)
        file.write("\n")


def _sarif(note: _Note, root: str) -> dict[str, Any]:
    artifact = {"uri": _uri(note.file, root)}
    place = {"artifactLocation": artifact, "region": {"startLine": max(note.line, 1)}}
    return {
        "ruleId": note.kind,
        "level": note.level,
        "message": {"text": note.text},
        "locations": [{"physicalLocation": place}],
    }


def github(results: Iterable[Result], root: str) -> Iterator[str]:
    """Workflow commands of GitHub: https://docs.github.com/actions/reference/workflow-commands."""
    for note in _notes(results):
        file = _property(_path(note.file, root))
        yield f"::{note.level} file={file},line={max(note.line, 1)},title=tracedbg::{_data(note.text)}"


def summary(results: Iterable[Result], top: int) -> list[str]:
    """The dearest functions of all tests together."""
    seconds: dict[tuple[str, str, int], float] = {}
    numbers: dict[tuple[str, str, int], list[int]] = {}
    for result in results:
        for one in result.functions:
            key = one.name, one.file, one.line
            seconds[key] = seconds.get(key, 0.0) + one.seconds
            counted = numbers.setdefault(key, [0, 0, 0])
            for at, number in enumerate((one.traces, one.retraces, one.graph_breaks)):
                counted[at] += number
    if not seconds or top < 1:
        return []
    lines = ["   time  traces  retraces  graph breaks  function"]
    for key in sorted(seconds, key=lambda one: -seconds[one])[:top]:
        name, file, line = key
        traces, retraces, breaks = numbers[key]
        lines.append(
            f"{seconds[key]:6.2f}s {traces:7} {retraces:9} {breaks:13}  {name} ({_short(file, line)})"
        )
    if len(seconds) > top:
        lines.append(f"... and {len(seconds) - top} more")
    return lines


def _short(file: str, line: int) -> str:
    """Of an installed package, the path inside it: the table is to be read."""
    parts = file.replace(os.sep, "/").rpartition("/site-packages/")
    return f"{parts[2]}:{line}" if parts[1] else place(file, line)


def unmatched(results: Iterable[Result]) -> list[str]:
    """Budgets that nothing can break, as no function has such a name."""
    told = sorted({f"{said} in {one.test}" for one in results for said in one.unmatched})
    return [f"no traced function has a name that fits: {one}" for one in told]


@dataclass(frozen=True)
class _Note:
    """What is said at one line."""

    kind: str
    level: str
    file: str
    line: int
    text: str


_RULES = {
    "graph_break": "The graph is cut in two here.",
    "silent_eager": "The function was to be compiled, and runs eager without an error.",
    "stale": "A trace is used that should have been remade.",
    "max_traces": "A test traces more than its budget.",
    "max_compile_seconds": "A test takes longer to trace and compile than its budget.",
    "steady_state": "Something is traced in a steady state.",
    "baseline": "A test traces more than in the baseline.",
}
_VERBS = {"graph_break": "has a graph break", "silent_eager": "runs eager", "stale": "uses a stale trace"}
_SAID = ("max_traces", "steady_state", "baseline")
"""Failures that need no note of their own where a cause has one."""
_RETRACED = "A function is traced again: {}."
_ABOUT = {
    "max_graph_breaks": {"graph_break"},
    "no_silent_eager": {"silent_eager"},
    "no_stale_trace": {"stale"},
    "baseline": {"cause", "graph_break"},
}
"""What makes a test fail for a budget; for the others it is its retraces."""


def _notes(results: Iterable[Result]) -> list[_Note]:
    """Each thing once: as an error if a test has failed for it."""
    found: dict[tuple[str, int, str, str], _Note] = {}
    for result in results:
        guilty = {about for one in result.failures for about in _ABOUT.get(one.kind, {"cause"})}
        notes = [
            _note(function, one, guilty)
            for function in result.functions
            for one in (*function.causes, *function.findings)
        ]
        is_said = any(note.level == "error" for note in notes)
        notes += [
            _Note(one.kind, "error", result.file, result.line, one.text)
            for one in result.failures
            if one.kind in _RULES and not (is_said and one.kind in _SAID)
        ]
        for note in notes:
            key = note.file, note.line, note.kind, note.text
            if key not in found or note.level == "error":
                found[key] = note
    return sorted(found.values(), key=lambda one: (one.level, one.file, one.line, one.kind, one.text))


def _note(function: Function, finding: Finding, guilty: set[str]) -> _Note:
    is_finding = finding.kind in _RULES
    level = "error" if (finding.kind if is_finding else "cause") in guilty else "warning"
    verb = _VERBS.get(finding.kind, "is traced again")
    advice = f"; {finding.advice}" if finding.advice else ""
    return _Note(
        finding.kind, level, finding.file, finding.line, f"{function.name} {verb}: {finding.message}{advice}"
    )


def _path(file: str, root: str) -> str:
    full = os.path.join(root, file)
    inside = os.path.relpath(full, root)
    return (full if inside.startswith("..") else inside).replace(os.sep, "/")


def _uri(file: str, root: str) -> str:
    path = _path(file, root)
    return urllib.parse.quote(path) if not os.path.isabs(path) else f"file://{urllib.parse.quote(path)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
