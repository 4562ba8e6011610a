"""One table of keys: what screens bind, and what the documentation says, is what stands there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracedbg_tui import keys
from tracedbg_tui.app import TracedbgApp
from tracedbg_tui.debug import DebugView
from tracedbg_tui.debug.lines import Lines
from tracedbg_tui.debug.variables import VariablesPane
from tracedbg_tui.recorded.view import RecordedView

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "keys.md"


def bound(cls):
    return {(key, one.action) for one in cls.BINDINGS for key in one.key.split(",")}


@pytest.mark.parametrize(
    ("group", "cls"),
    [
        (keys.APP, TracedbgApp),
        (keys.DEBUG, DebugView),
        (keys.RECORDED, RecordedView),
        (keys.LISTS, Lines),
        (keys.VALUES, VariablesPane),
    ],
)
def test_a_screen_binds_what_the_table_says(group, cls):
    assert {(key, one.action) for one in group.keys for key in one.keys.split(",")} == bound(cls)


def test_each_key_of_a_group_does_one_thing():
    for group in keys.GROUPS:
        names = [key for one in group.keys for key in one.keys.split(",")]
        assert len(names) == len(set(names)), group.name


def test_the_page_of_keys_is_made_from_the_table():
    assert (
        PAGE.read_text(encoding="utf-8") == keys.as_markdown()
    )  # else: python -m tracedbg_tui.keys > the page
