"""One table of keys: what screens bind, and what the documentation says, is what stands there."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import pytest
from textual.screen import ModalScreen

import tracedbg_tui
from tracedbg_tui import keys

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "keys.md"


def bound(cls):
    return {(key, one.action) for one in cls.BINDINGS for key in one.key.split(",")}


def widgets():
    """All classes of the interface that bind keys of their own."""
    for found in pkgutil.walk_packages(tracedbg_tui.__path__, "tracedbg_tui."):
        if found.name != "tracedbg_tui.__main__":
            for one in vars(importlib.import_module(found.name)).values():
                if isinstance(one, type) and one.__module__ == found.name and vars(one).get("BINDINGS"):
                    yield one


WIDGETS = sorted(widgets(), key=lambda one: one.__name__)


@pytest.mark.parametrize(
    "cls", [one for one in WIDGETS if not issubclass(one, ModalScreen)], ids=lambda one: one.__name__
)
def test_what_is_bound_stands_in_the_table(cls):
    tables = [
        {(key, one.action) for one in group.keys for key in one.keys.split(",")} for group in keys.GROUPS
    ]
    assert bound(cls) in tables


def test_each_key_of_a_group_does_one_thing():
    for group in keys.GROUPS:
        names = [key for one in group.keys for key in one.keys.split(",")]
        assert len(names) == len(set(names)), group.name


def test_the_page_of_keys_is_made_from_the_table():
    assert (
        PAGE.read_text(encoding="utf-8") == keys.as_markdown()
    )  # else: python -m tracedbg_tui.keys > the page
