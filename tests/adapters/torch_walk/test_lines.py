"""On which lines of a function something runs, on every Python."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from tracedbg.adapters.torch_compile.walk.timeline import _body_lines  # noqa: E402


def closure():
    kept = []

    def function(x):
        """Say nothing."""
        kept.append(x)  # @first

        return (
            x  # @last
            + 1
        )

    return function


def test_they_are_those_of_its_statements_and_not_of_its_beginning():
    function = closure()
    with open(__file__) as file:
        marked = [
            number for number, text in enumerate(file, 1) if text.rstrip().endswith(("# @first", "# @last"))
        ]
    lines = _body_lines(function.__code__)
    assert set(marked) <= lines
    assert function.__code__.co_firstlineno not in lines
