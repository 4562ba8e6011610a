"""Screens of a recording alone in an application, and recordings written by the store's own writer."""

from __future__ import annotations

import dataclasses
import os
import socket

from textual.app import App

from recordings import CALL, Timeline, function, signature, tensor, value
from tracedbg import events as ev
from tracedbg.store.records import ProcessInfo
from tracedbg.store.run import create_run
from tracedbg.store.writer import Writer
from tracedbg_tui.contract import Goto
from tracedbg_tui.recording import Recording

TORCH = ev.Framework.TORCH_COMPILE
GONE = 2**22 + 7
"""No process has this number."""


class RecordedApp(App):
    """One screen of a recording."""

    def __init__(self, folder, make, **options):
        super().__init__()
        self.recording = Recording(str(folder)) if folder else None
        self.view = make(self.recording, **options)
        self.told, self.wanted, self.copied = [], [], []

    def compose(self):
        yield self.view

    def on_mount(self):
        if self.recording is not None:
            self.recording.start()
        self.view.focus_first()

    def on_unmount(self):
        if self.recording is not None:
            self.recording.close()

    def on_goto(self, message: Goto):
        self.wanted.append((message.file, message.line))

    def copy_to_clipboard(self, text):
        self.copied.append(text)

    def notify(self, message, **options):
        self.told.append(message)
        super().notify(message, **options)


class Written:
    """A run that is written event by event."""

    def __init__(self, folder):
        self.run = create_run(str(folder), ["train.py"])
        self.folder = str(folder)
        self.writers = []

    def process(self, pid=GONE, *, rank=None, **more):
        """One more process."""
        info = ProcessInfo(
            pid=pid,
            ppid=1,
            argv=("train.py",),
            host=more.pop("host", socket.gethostname()),
            python=more.pop("python", "3.11.7"),
            started_wall_ns=more.pop("started_wall_ns", 1_700_000_000_000_000_000 + len(self.writers)),
            rank=rank,
            **more,
        )
        number = len(self.writers)
        writer = Writer(os.path.join(self.folder, f"p{pid}-{number}.db"), info, 10**9)
        self.writers.append(writer)
        return writer

    def finish(self, wall_s=4):
        for writer in self.writers:
            writer.close(wall_s * 10**9)
        self.run.finish(exit_code=0, signal=None, wall_ns=wall_s * 10**9)


def events_of(record):
    """A trace as the events that it came from."""
    yield record.started
    if record.ended:
        yield record.ended
    yield from record.phases


def traces_of(count, *, of=None):
    """Traces of one function, each for another number."""
    timeline = Timeline()
    of = of or function("step", 10)
    return [timeline.trace(of, signature(x=tensor(3), n=value(number))) for number in range(count)]


def write_troubles(folder):
    """A run with retraces, a break, an eager and a stale function, graphs and a conversion."""
    written = Written(folder)
    writer = written.process()
    f = function("f", 50, TORCH)
    traces = traces_of(3)
    timeline = Timeline()
    timeline.count = 3
    gradient = timeline.trace(function("step", 10), role=ev.Role.BACKWARD, start_ms=320, took_ms=5)
    compiled = timeline.trace(f, took_ms=40, label="0/0")
    phases = (
        ev.PhaseSpan(5, "dynamo", 500_000_000, 40_000_000),
        ev.PhaseSpan(5, "backend", 510_000_000, 20_000_000),
    )
    compiled = dataclasses.replace(compiled, phases=phases)
    for record in (*traces, gradient, compiled):
        writer.write(list(events_of(record)))
    body = [
        ev.OpSite("x", "Placeholder", (), "float32[3]", CALL.file, 11),
        ev.OpSite("while", "StatelessWhile", ("x:0",), "float32[3]", CALL.file, 12),
        ev.OpSite("while/counter", "Const", (), "int32[]", CALL.file, 12),
        ev.OpSite("while/body/mul", "Mul", ("while/counter:0",), "float32[3]", CALL.file, 13),
        ev.OpSite("add", "Add", ("while:0",), "float32[3]", CALL.file, 14),
    ]
    back = [
        ev.OpSite("grad_ys", "Identity", (), "float32[3]", CALL.file, 30),
        ev.OpSite("gradients/add_grad/Shape", "Const", (), "int32[1]", CALL.file, 30),
    ]
    writer.write([ev.GraphMade(3, "func_graph", tuple(body)), ev.GraphMade(4, "func_graph", tuple(back))])
    kind = "Data-dependent branching"
    writer.write(
        [
            ev.GraphBreak("GB0170", kind, "An if on a tensor", ev.Frame(f.file, 52), f, ran_eager="if x:"),
            ev.Calls(f, 1, 2, first_eager_call=2),
            ev.Fallback(f, "recompile_limit", "limit", 0),
            ev.Stale(function("step", 10), "global", "scale", ev.Frame(f.file, 14), "1.0", "5.0", 0, 3),
            ev.Conversion(
                "step",
                f.file,
                10,
                2_000_000,
                source="def step(x, n):\n    while x:\n        x = 1\n",
                generated="def outer():\n    def tf__step(x, n):\n        ag__.while_stmt(x)\n",
                line_map=((10, 2), (11, 3)),
                trace_id=1,
            ),
            ev.Construct(f.file, 11, "while", "while_loop", "step", 1),
        ]
    )
    written.finish()
    return written.folder
