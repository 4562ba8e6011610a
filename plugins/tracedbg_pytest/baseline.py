"""The committed baseline: what each test may trace, in a text that merges line by line."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tracedbg_pytest.verdict import count

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest itself brings it there

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracedbg_pytest.results import Function, Result

_HEAD = "# What each test traces. Written by: pytest --tracedbg-baseline {name} --tracedbg-update\n"
_COUNTS = ("traces", "retraces", "graph_breaks")
_NOUNS = {"traces": "trace", "retraces": "retrace", "graph_breaks": "graph break"}

Counts = dict[str, int]


@dataclass
class Session:
    """Which tests were there."""

    tests: set[str] = field(default_factory=set)
    """All that were reported, those that were skipped too."""
    is_partial: bool = False
    """Whether some tests of these files were left out."""


class Baseline:
    """Test -> function -> counts."""

    def __init__(self, path: str, root: str, tests: dict[str, dict[str, Counts]], *, is_update: bool) -> None:
        self.path = path
        self._root = root
        self._tests = tests
        self._is_update = is_update

    @classmethod
    def read(cls, path: str, root: str, *, is_update: bool) -> Baseline:
        """Read a file that `update` has written.

        Raises:
            pytest.UsageError: it is not there and is not to be written now, or it is none.
        """
        name = os.path.basename(path)
        try:
            with open(path, "rb") as file:
                data = tomllib.load(file)
        except FileNotFoundError as error:
            if not is_update:
                raise pytest.UsageError(
                    f"no baseline {path}; write it with --tracedbg-baseline {name} --tracedbg-update"
                ) from error
            if not os.access(os.path.dirname(path), os.W_OK):
                raise pytest.UsageError(f"--tracedbg-baseline: cannot write {path}") from error
            data = {}
        except (OSError, ValueError) as error:
            raise pytest.UsageError(f"cannot read the baseline {path}: {error}") from error
        for test, functions in data.items():
            if not isinstance(functions, dict) or not all(map(_is_counts, functions.values())):
                raise pytest.UsageError(
                    f"the baseline {path} is damaged at {test!r}: each function needs"
                    " { traces = N, retraces = N, graph_breaks = N }"
                )
        return cls(path, root, data, is_update=is_update)

    def growth(self, result: Result) -> list[str]:
        """What a test traces more than it may; nothing for a test that is not in the baseline."""
        known = self._tests.get(result.test)
        if known is None:
            return []
        found = []
        for name, counts in self._counts(result.functions).items():
            before = known.get(name, {})
            grown = [
                f"{count(counts[key], _NOUNS[key])}, {before.get(key, 0)} in the baseline"
                for key in _COUNTS
                if counts[key] > before.get(key, 0)
            ]
            if grown:
                lines = [
                    f"\n    {one.message}" + (f"\n      {one.advice}" if one.advice else "")
                    for function in result.functions
                    if self._name(function) == name
                    for one in (*function.causes, *function.findings)
                ]
                found.append(f"{name}: {'; '.join(grown)}{''.join(lines)}")
        return found

    def news(self, results: Iterable[Result]) -> list[str]:
        """What the person who keeps the baseline is to know."""
        if self._is_update:
            failed = [
                f"not brought up to date, as it failed: {one.test}" for one in results if not one.is_whole
            ]
            return [f"baseline written: {self.path} ({count(len(self._tests), 'test')})", *failed]
        results = [one for one in results if one.is_whole]
        shrunk = [text for one in results for text in self._shrinkage(one)]
        new = [one.test for one in results if self._counts(one.functions) and one.test not in self._tests]
        lines = [*shrunk, *(f"not in the baseline: {test}" for test in new)]
        return [*lines, "--tracedbg-update brings the baseline up to date"] if lines else []

    def update(self, results: Iterable[Result], session: Session) -> None:
        """Write what was seen. Tests that were not run stay, those that are gone from their file do not."""
        if not session.is_partial:
            files = {_file(test) for test in session.tests}
            gone = [test for test in self._tests if _file(test) in files and test not in session.tests]
            for test in gone:
                del self._tests[test]
        for one in results:
            if not one.is_whole:
                continue
            counts = self._counts(one.functions)
            if counts:
                self._tests[one.test] = counts
            else:
                self._tests.pop(one.test, None)
        with open(self.path, "w", encoding="utf-8", newline="\n") as file:
            file.write(_HEAD.format(name=os.path.relpath(self.path, self._root)))
            for test in sorted(self._tests):
                file.write(f"\n[{_quoted(test)}]\n")
                for name, known in sorted(self._tests[test].items()):
                    text = ", ".join(f"{key} = {known[key]}" for key in _COUNTS)
                    file.write(f"{_quoted(name)} = {{ {text} }}\n")

    def _shrinkage(self, result: Result) -> list[str]:
        now = self._counts(result.functions)
        found = []
        for name, before in self._tests.get(result.test, {}).items():
            counts = now.get(name, dict.fromkeys(_COUNTS, 0))
            less = [
                f"{count(counts[key], _NOUNS[key])}, {before[key]} in the baseline"
                for key in _COUNTS
                if counts[key] < before[key]
            ]
            if less:
                found.append(f"less than in the baseline: {result.test}: {name}: {'; '.join(less)}")
        return found

    def _counts(self, functions: Iterable[Function]) -> dict[str, Counts]:
        found: dict[str, Counts] = {}
        for one in functions:
            if one.traces or one.graph_breaks:
                counts = found.setdefault(self._name(one), dict.fromkeys(_COUNTS, 0))
                for key in _COUNTS:
                    counts[key] += getattr(one, key)
        return found

    def _name(self, function: Function) -> str:
        """The same on every machine: no line number, and no folder outside the project."""
        parts = function.file.replace(os.sep, "/").rpartition("/site-packages/")
        file = parts[2]
        if not parts[1]:
            inside = os.path.relpath(function.file, self._root).replace(os.sep, "/")
            file = os.path.basename(function.file) if inside.startswith("..") else inside
        return f"{file}:{function.name}"


def _file(test: str) -> str:
    return test.partition("::")[0]


def _is_counts(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == set(_COUNTS)
        and all(type(number) is int and number >= 0 for number in value.values())
    )


def _quoted(text: str) -> str:
    """A basic string of TOML."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(one if one.isprintable() or one == " " else _escaped(one) for one in escaped) + '"'


def _escaped(character: str) -> str:
    number = ord(character)
    return f"\\u{number:04X}" if number < 0x10000 else f"\\U{number:08X}"  # noqa: PLR2004  the last of the BMP
