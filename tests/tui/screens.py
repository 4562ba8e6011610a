"""The debug screen alone in an application, and how to drive it: by keys, waiting for facts, never for time."""

from __future__ import annotations

import asyncio
import time

from textual.app import App

from tracedbg_tui.debug import DebugView
from tracedbg_tui.live import Live

PATIENCE_S = 30


class DebugApp(App):
    """Only the debug screen."""

    def __init__(self, connection, *, hold=True, make=Live):
        super().__init__()
        self.connection, self.hold, self.make = connection, hold, make
        self.heard = []
        self.told = []

    def compose(self):
        self.live = self.make(self.connection, self.heard.append) if self.connection else None
        self.view = DebugView(self.live)
        yield self.view

    def on_mount(self):
        if self.live is not None:
            self.live.start(hold=self.hold)

    def notify(self, message, **options):
        self.told.append(message)
        super().notify(message, **options)

    def on_unmount(self):
        if self.live is not None:
            self.live.close()


async def until(pilot, fact, patience_s=PATIENCE_S):
    """Wait until a fact is true."""
    end = time.monotonic() + patience_s
    while not fact():
        assert time.monotonic() < end, "\n".join([*lines(pilot.app), *pilot.app.told])
        await pilot.pause(0.01)


async def stopped(pilot):
    """Wait until a stop is shown."""
    app = pilot.app
    await until(pilot, lambda: app.live.stop is not None and app.view.is_settled)


async def go(pilot, key):
    """Press a key that lets the program go on, and wait for the next stop."""
    before = pilot.app.live.stop
    await pilot.press(key)
    await until(pilot, lambda: pilot.app.live.stop is not None and pilot.app.live.stop is not before)
    await stopped(pilot)


def lines(app):
    """What can be read on the screen."""
    return [
        "".join(segment.text for segment in strip).rstrip()
        for strip in app.screen._compositor.render_strips(app.screen.size)
    ]


def drawn(pane):
    """What can be read in one pane that is seen."""
    return [pane.render_line(y).text.rstrip() for y in range(pane.size.height)]


def driven(app, scenario, size=(120, 40)):
    """Run a scenario with a pilot of an application."""

    async def run():
        async with app.run_test(size=size) as pilot:
            await scenario(pilot)

    asyncio.run(run())
