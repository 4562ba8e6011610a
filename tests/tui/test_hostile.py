"""A recording that was made to do harm, in the interface: its text reaches the terminal as text alone."""

from __future__ import annotations

import pytest

from security.test_hostile import HARMFUL, hostile  # noqa: F401  a fixture
from tracedbg_tui.recorded import GraphView, RanksView, TimeView, TracesView
from tui.recorded import RecordedApp
from tui.screens import driven, lines, until

KEYS = ("enter", "down", "enter", "tab", "down", "enter", "tab", "enter", "shift+tab", "end", "enter")


@pytest.mark.parametrize("view", [TracesView, GraphView, TimeView, RanksView])
@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
def test_no_screen_has_what_a_terminal_acts_on(hostile, view, size):  # noqa: F811
    seen = []

    async def scenario(pilot):
        await until(pilot, lambda: pilot.app.recording.is_read)
        for key in KEYS:
            await pilot.press(key)
            await pilot.pause()
            seen.extend(lines(pilot.app))

    app = RecordedApp(str(hostile), view)
    driven(app, scenario, size)
    told = [str(message) for message in app.told]
    assert HARMFUL.findall("".join(seen + told)) == []
    if view is not RanksView:
        assert "evil" in "".join(seen), "the text itself is there"
    if view is TracesView:
        assert any("[red]" in line for line in seen), "markup is text"
