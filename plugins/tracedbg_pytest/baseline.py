"""The committed baseline: what each test may trace, in a text that merges line by line."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest itself brings it there

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracedbg_pytest.results import Function, Result

_HEAD = "# What each test traces. Written by: pytest --tracedbg-baseline {name} --tracedbg-update\n"
_COUNTS = ("traces", "retraces", "graph_breaks")
_NOUNS = {"traces": "traces", "retraces": "retraces", "graph_breaks": "graph breaks"}

Counts = dict[str, int]


class Baseline:
    """Test -> function -> counts."""

    def __init__(self, path: str, tests: dict[str, dict[str, Counts]]) -> None:
        self.path = path
        self._tests = tests

    @classmethod
    def read(cls, path: str, *, may_be_missing: bool) -> Baseline:
        """Read a file that `update` has written.

        Raises:
            pytest.UsageError: it is not there, or is none.
        """
        try:
            with open(path, "rb") as file:
                data = tomllib.load(file)
        except FileNotFoundError as error:
            if may_be_missing:
                return cls(path, {})
            raise pytest.UsageError(
                f"no baseline {path}; write it with"
                f" --tracedbg-baseline {os.path.basename(path)} --tracedbg-update"
            ) from error
        except (OSError, ValueError) as error:
            raise pytest.UsageError(f"cannot read the baseline {path}: {error}") from error
        for test, functions in data.items():
            if not isinstance(functions, dict) or not all(map(_is_counts, functions.values())):
                raise pytest.UsageError(
                    f"the baseline {path} is damaged at {test!r}: each function needs"
                    " { traces = N, retraces = N, graph_breaks = N }"
                )
        return cls(path, data)

    def growth(self, result: Result) -> list[str]:
        """What a test traces more than it may; nothing for a test that is not in the baseline."""
        known = self._tests.get(result.test)
        if known is None:
            return []
        found = []
        for name, counts in _counts(result.functions).items():
            before = known.get(name, {})
            grown = [
                f"{counts[key]} {_NOUNS[key]}, {before.get(key, 0)} in the baseline"
                for key in _COUNTS
                if counts[key] > before.get(key, 0)
            ]
            if grown:
                causes = [
                    f"\n    {cause.message}\n      {cause.advice}"
                    for one in result.functions
                    if _name(one) == name
                    for cause in one.causes
                ]
                found.append(f"{name}: {'; '.join(grown)}{''.join(causes)}")
        return found

    def news(self, results: Iterable[Result], *, is_updated: bool) -> list[str]:
        """What the person who keeps the baseline is to know."""
        if is_updated:
            return [f"baseline written: {self.path}"]
        results = list(results)
        shrunk = [one.test for one in results if self._has_shrunk(one)]
        new = [one.test for one in results if one.functions and one.test not in self._tests]
        lines = [f"traces less than in the baseline: {test}" for test in shrunk]
        lines += [f"not in the baseline: {test}" for test in new]
        return [*lines, "--tracedbg-update brings the baseline up to date"] if lines else []

    def update(self, results: Iterable[Result], *, prunes: bool) -> None:
        """Write what was seen; tests that were not run stay, those of a file that was run whole do not."""
        results = list(results)
        if prunes:
            files = {one.test.partition("::")[0] for one in results}
            self._tests = {
                test: known for test, known in self._tests.items() if test.partition("::")[0] not in files
            }
        for one in results:
            counts = _counts(one.functions)
            if counts:
                self._tests[one.test] = counts
            else:
                self._tests.pop(one.test, None)
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(_HEAD.format(name=os.path.basename(self.path)))
            for test in sorted(self._tests):
                file.write(f"\n[{json.dumps(test)}]\n")
                for name, known in sorted(self._tests[test].items()):
                    text = ", ".join(f"{key} = {known[key]}" for key in _COUNTS)
                    file.write(f"{json.dumps(name)} = {{ {text} }}\n")

    def _has_shrunk(self, result: Result) -> bool:
        known = self._tests.get(result.test)
        if known is None:
            return False
        counts = _counts(result.functions)
        return any(
            counts.get(name, {}).get(key, 0) < before.get(key, 0)
            for name, before in known.items()
            for key in _COUNTS
        )


def _is_counts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(key), int) for key in _COUNTS)


def _name(function: Function) -> str:
    return f"{os.path.basename(function.file)}:{function.name}"


def _counts(functions: Iterable[Function]) -> dict[str, Counts]:
    found: dict[str, Counts] = {}
    for one in functions:
        counts = found.setdefault(_name(one), dict.fromkeys(_COUNTS, 0))
        for key in _COUNTS:
            counts[key] += getattr(one, key)
    return found
