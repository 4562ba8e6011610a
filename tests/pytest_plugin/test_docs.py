"""The documentation: its example does what it says, its tables name what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tracedbg_pytest import plugin
from tracedbg_pytest.results import Failure, Finding, Function, Result

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLE = (DOCS / "examples" / "budgets" / "test_steps.py").read_text()
TENSORS = "(torch.tensor(0.1), torch.tensor(0.05), torch.tensor(0.01))"


@pytest.mark.torch
def test_the_example_passes_and_its_change_fails_as_the_page_says(suite):
    assert suite(EXAMPLE, name="test_steps", head="").counts() == {"passed": 3}
    assert TENSORS in EXAMPLE
    result = suite(EXAMPLE.replace(TENSORS, "(0.1, 0.05, 0.01)"), name="test_steps", head="")
    assert result.counts() == {"passed": 2, "failed": 1}
    page = (DOCS / "how-to" / "budgets-in-ci.md").read_text()
    said = re.search(r"```text\n(.*?)\n```", page, re.DOTALL)[1]
    assert result.failure("test_a_schedule_of_learning_rates_does_not_recompile") == said


def test_the_reference_names_every_marker_option_and_line():
    page = (DOCS / "reference" / "pytest.md").read_text()
    for text in plugin.MARKERS.values():
        assert f"| `{text.partition(':')[0]}` |" in page
    options: list[str] = []

    class Parser:
        def getgroup(self, *_):
            return self

        def addoption(self, name, **_):
            options.append(name)

        def addini(self, name, *_, **__):
            options.append(name)

    plugin.pytest_addoption(Parser())
    assert len(options) == 17
    assert [name for name in options if not re.search(rf"`{name}[ `]", page)] == []


def test_the_reference_names_every_key_of_the_json_file():
    page = (DOCS / "reference" / "pytest.md").read_text()
    section = page.partition("## JSON file")[2].partition("\n## ")[0]
    keys = {name for cls in (Result, Function, Finding, Failure) for name in cls.__dataclass_fields__}
    assert keys - set(re.findall(r"`(\w+)`", section)) == set()
