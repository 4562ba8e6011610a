"""What the interface remembers: kept where it can be, and never in the way."""

from __future__ import annotations

import os

import pytest

from tracedbg_tui.breakpoints import Wanted
from tracedbg_tui.settings import Settings


def test_what_is_kept_comes_back(tmp_path):
    path = str(tmp_path / "ui.json")
    kept = Settings(path, theme="light", is_zoomed=True, hint_seen=True, watches=["x.sum()"])
    kept.book.add(Wanted(file="/m.py", line=3, condition="x > 1"))
    assert kept.save()
    again = Settings.load(path)
    assert again.to_data() == kept.to_data()
    assert os.listdir(tmp_path) == ["ui.json"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"theme": 3, "watches": {"a": 1}, "stops": [4]}',
        "[" * 100_000,
        '{"stops": {"breakpoints": 7}}',
    ],
)
def test_damaged_settings_are_as_at_first(tmp_path, text):
    path = tmp_path / "ui.json"
    path.write_text(text)
    assert Settings.load(str(path)).to_data() == Settings().to_data()


def test_settings_that_cannot_be_written_are_lost_without_a_word(tmp_path):
    (tmp_path / "file").write_text("")
    assert not Settings(str(tmp_path / "file" / "ui.json")).save()


def test_settings_belong_to_the_folder_of_the_runs(tmp_path):
    assert Settings.of_run(str(tmp_path / ".tracedbg" / "run")).path == str(
        tmp_path / ".tracedbg" / "ui.json"
    )
