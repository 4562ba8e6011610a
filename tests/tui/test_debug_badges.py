"""Badges of lines, from a recording to the source pane."""

from __future__ import annotations

import os

from textual.app import App

from recordings import Process, Run, Timeline, function, signature, tensor
from tracedbg.explain import summarise
from tracedbg_tui.debug import DebugView
from tracedbg_tui.recording import Changed
from tracedbg_tui.snapshot import Snapshot
from tui.screens import drawn, driven, until


class Recorded:
    """A recording that is told what to hold."""

    def __init__(self):
        self.snapshot, self.listeners = Snapshot(), []

    def listen(self, post):
        self.listeners.append(post)

    def unlisten(self, post):
        self.listeners.remove(post)


class DebugApp(App):
    def __init__(self, recording):
        super().__init__()
        self.recording = recording

    def compose(self):
        self.view = DebugView(None, self.recording)
        yield self.view


def test_a_retrace_that_is_recorded_while_a_file_is_shown_appears_at_its_line(tmp_path):
    path = tmp_path / "model.py"
    path.write_text("def step(x):\n    return x\n")
    link = tmp_path / "link.py"
    os.symlink(path, link)
    recording = Recorded()

    async def scenario(pilot):
        view = pilot.app.view
        await view.goto(str(link), 1)
        await pilot.pause()
        assert drawn(view.source)[0].strip() == "1  def step(x):"
        timeline, step = Timeline(), function(file=str(link), line=1)
        traces = [timeline.trace(step, signature(x=tensor(size, 3))) for size in (2, 4, 8)]
        recording.snapshot = Snapshot(summary=summarise(Run(Process(traces))))
        for post in recording.listeners:
            post(Changed())
        await until(pilot, lambda: drawn(view.source)[0].endswith(" ↻ 2"))

    driven(DebugApp(recording), scenario)
    assert recording.listeners == []
