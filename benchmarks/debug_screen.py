"""The debug screen over a graph of many ops: time from a key to what it draws, and memory.

    python -m benchmarks.debug_screen [OPS]

Each key goes into the queue of a screen of 120 x 40 that is driven without a terminal; the time is until
a frame that shows the op at the cursor has been drawn, fetched pages included. The debugger is one that
makes each page as it is asked for. Textual draws at most 60 frames a second: 17 ms is the least.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import statistics
import sys
import time

from textual import events
from textual.app import App

from benchmarks import rows
from tracedbg_tui.answers import Op, OpsPage
from tracedbg_tui.debug import DebugView

TURNS = 200
BUDGET_MS = 30.0
BUDGET_MB = 150.0


class Screen(App):
    """The debug screen, its ops from nowhere."""

    def __init__(self, total):
        super().__init__()
        self.total = total
        self.is_drawn = asyncio.Event()

    def _display(self, screen, renderable):
        super()._display(screen, renderable)
        self.is_drawn.set()

    def compose(self):
        self.view = DebugView(None)
        self.view.ops._fetch = self.page
        yield self.view

    async def page(self, graph, start, count):
        rows = range(start, min(start + count, self.total))
        ops = tuple(
            Op(
                at,
                f"add_{at}",
                "aten.add.Tensor",
                (f"mul_{at}", "x"),
                "float32[64, 64]",
                "/m/model.py",
                at % 999,
                hex(at),
            )
            for at in rows
        )
        return OpsPage("step", graph, self.total, 0, (), ops)


async def pressed(app, key):
    """Milliseconds from a key to the frame that shows where it led."""
    ops, before = app.view.ops, app.view.ops.cursor
    began = time.perf_counter()
    app.post_message(events.Key(key, None))
    while True:
        await app.is_drawn.wait()
        app.is_drawn.clear()
        if ops.cursor != before and ops.op(ops.cursor) is not None:
            return (time.perf_counter() - began) * 1000


async def measured(total):
    """What is done -> milliseconds of each time."""
    app = Screen(total)
    found = {}
    async with app.run_test(size=(120, 40)) as pilot:
        ops = app.view.ops
        ops.show_graph(await app.page("0/0", 0, 256), 0)
        app.view.reveal("ops")
        await pilot.pause()
        for name, keys in {
            "cursor down": ["j"],
            "page down": ["pagedown"],
            "end and home": ["end", "home"],
            "page up from the end": ["end", *["pageup"] * 19],
        }.items():
            found[name] = []
            for turn in range(TURNS):
                await pilot.pause()
                app.is_drawn.clear()
                found[name].append(await pressed(app, keys[turn % len(keys)]))
    return found


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.debug_screen", description=__doc__)
    parser.add_argument("ops", nargs="?", type=int, default=1_000_000)
    rows.add_option(parser)
    options = parser.parse_args()
    found = asyncio.run(measured(options.ops))
    size_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    results = rows.Results(options.json)
    graph = f"a graph of {options.ops:,} ops"
    for name, times in found.items():
        results.add(rows.measured("", f"{graph}, {name}", "ms", times))
        slowest = statistics.quantiles(times, n=20)[-1]
        results.add(rows.measured("", f"{graph}, {name}: 95 of 100 within", "ms", [slowest], BUDGET_MS))
    results.add(rows.measured("", f"{graph}, memory of the screen", "MB", [size_mb], BUDGET_MB))
    return results.end()


if __name__ == "__main__":
    sys.exit(main())
