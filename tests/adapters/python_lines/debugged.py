"""A debugger for Python lines; it needs nothing but Python."""

from __future__ import annotations

import linecache
import sys
import threading
from contextlib import contextmanager

from adapters.sink import ListSink
from tracedbg.adapters.python_lines import PythonLinesWalker
from tracedbg.engine import Action, Breakpoint, Engine, Go
from tracedbg.events import Fault
from tracedbg.hooks import Hooks


class Script:
    """Answers from a list, then continues; keeps what it saw, not the frames."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.seen = []
        self.said = []
        self.threads = []
        self.looks = []
        self.stopped = threading.Event()

    def interact(self, stop):
        frame = stop.view.frames()[0]
        self.seen.append((stop.reason, self.mark(frame)))
        self.threads.append(stop.thread_id)
        self.looks.append(dict(frame.variables()))
        self.stopped.set()
        answer = self.answers.pop(0) if self.answers else Go.CONTINUE
        return Action(answer) if isinstance(answer, Go) else answer(stop)

    @staticmethod
    def mark(frame):
        text = linecache.getline(frame.file, frame.line)
        return text.partition("# @")[2].strip() or text.strip()

    def say(self, text, stop=None):
        self.said.append(text)

    @property
    def at(self):
        return [mark for _, mark in self.seen]


class Debugged:
    def __init__(self, engine, script, hooks, sink):
        self.engine, self.script, self.hooks, self.sink = engine, script, hooks, sink

    def stop_at(self, file, mark, **more):
        return self.engine.breakpoints.add(Breakpoint(file=str(file), line=line_of(file, mark), **more))


def line_of(file, mark):
    for number, text in enumerate(linecache.getlines(str(file)), 1):
        if text.rstrip().endswith(f"# @{mark}"):
            return number
    raise LookupError(mark)


@contextmanager
def debugging(*answers, faults=0):
    script, sink = Script(*answers), ListSink()
    engine, hooks = Engine(script), Hooks(sink, "walk.python_lines")
    PythonLinesWalker().attach(sys, hooks, engine)
    try:
        yield Debugged(engine, script, hooks, sink)
    finally:
        hooks.remove()
    assert len(sink.of(Fault)) == faults, sink.events
