"""What is told of all tests: the summary on the terminal, JSON, SARIF, annotations of GitHub."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from tracedbg import __version__
from tracedbg_pytest.verdict import place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tracedbg_pytest.results import Cause, Function, Result

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
    """Each cause once, at the user's line: code scanning shows it there."""
    found = [
        {
            "ruleId": cause.kind,
            "level": "error" if fails else "warning",
            "message": {"text": _sentence(function, cause)},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": _uri(cause.file, root)},
                        "region": {"startLine": max(cause.line, 1)},
                    }
                }
            ],
        }
        for function, cause, fails in _causes(results)
    ]
    rules = [{"id": kind} for kind in sorted({str(one["ruleId"]) for one in found})]
    driver = {"name": "tracedbg", "version": __version__, "rules": rules}
    data: dict[str, Any] = {
        "$schema": _SARIF,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": found}],
    }
    with open(path, "w", encoding="utf-8") as file:
        json.dump(data, file, indent=1)
        file.write("\n")


def github(results: Iterable[Result], root: str) -> Iterator[str]:
    """Workflow commands of GitHub: https://docs.github.com/actions/reference/workflow-commands."""
    for function, cause, fails in _causes(results):
        level = "error" if fails else "warning"
        file = _property(_uri(cause.file, root))
        text = _data(_sentence(function, cause))
        yield f"::{level} file={file},line={max(cause.line, 1)},title=tracedbg::{text}"


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
            f"{seconds[key]:6.2f}s {traces:7} {retraces:9} {breaks:13}  {name} ({place(file, line)})"
        )
    if len(seconds) > top:
        lines.append(f"... and {len(seconds) - top} more")
    return lines


def _causes(results: Iterable[Result]) -> Iterator[tuple[Function, Cause, bool]]:
    seen = set()
    for result in sorted(results, key=lambda one: not one.failures):
        for function in result.functions:
            for cause in function.causes:
                key = cause.file, cause.line, cause.kind, cause.argument
                if key not in seen:
                    seen.add(key)
                    yield function, cause, bool(result.failures)


def _sentence(function: Function, cause: Cause) -> str:
    advice = f"; {cause.advice}" if cause.advice else ""
    return f"{function.name} is traced again: {cause.message}{advice}"


def _uri(file: str, root: str) -> str:
    inside = os.path.relpath(file, root)
    return (file if inside.startswith("..") else inside).replace(os.sep, "/")


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
