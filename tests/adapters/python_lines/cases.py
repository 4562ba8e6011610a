"""Where breakpoints stop and steps go: the same with `sys.settrace` and with `sys.monitoring`.

Run as a program it prints what went otherwise; it needs nothing but Python.
"""

from __future__ import annotations

import asyncio
import sys

from adapters.python_lines import lines_program as p
from adapters.python_lines.debugged import debugging
from tracedbg.engine import Go
from tracedbg.frames import real_path

FILE = real_path(p.__file__)
INTO, OVER, OUT = Go.INTO, Go.OVER, Go.OUT


def caller():
    p.add(1, 2)
    return 3  # @after add


def run_coroutines():
    asyncio.run(p.main_task())


# fmt: off
CASES = [
    ("first call", [OVER, OVER], lambda: p.call(1), ["first call", "second call", "call returns"]),
    ("first call", [INTO, OVER, OVER], lambda: p.call(1), ["first call", "in add", "add returns", "second call"]),
    ("in add", [OUT], lambda: p.call(1), ["in add", "second call", "in add"]),
    ("consume begins", [OVER, OVER, OVER, OVER], p.consume, ["consume begins", "loop", "body", "loop", "body"]),
    ("loop", [INTO, OVER], p.consume, ["loop", "yield 1", "body", "loop", "loop"]),
    ("yield 2", [OUT], p.consume, ["yield 2", "body"]),
    ("raises", [OVER], p.caught, ["raises", "except"]),
    ("raises", [OUT, OVER, OVER], p.caught, ["raises", "except", "handled", "caught returns"]),
    ("calls through", [OVER, OVER], p.caught, ["calls through", "except", "handled"]),
    ("one", [OUT], lambda: p.factorial(3), ["one", "debugged.engine.let_go()"]),
    ("element", [], lambda: p.squares(2), ["element", "element"]),
    ("calls decorated", [INTO, INTO, OVER], p.calls_decorated, ["calls decorated", "wrapper", "decorated", "calls_decorated returns"]),
    ("class", [INTO, INTO, INTO], p.makes_class, ["class", "class", "class body", "makes_class returns"]),
    ("makes point", [INTO, INTO, INTO, INTO, INTO], p.through_libraries, ["makes point", "with", "key", "key", "key", "with"]),
    ("add returns", [OVER], caller, ["add returns", "after add"]),
    ("awaits twice", [OVER], run_coroutines, ["awaits twice", "main_task returns"]),
    ("awaits twice", [INTO, OVER], run_coroutines, ["awaits twice", "await", "twice returns"]),
    ("comment in with_gaps", [], lambda: p.with_gaps(1), ["after the gap"]),
]
# fmt: on
"""Mark of the breakpoint, how to go on at the stops, what to run, the marks of the stops."""


def stops(mark, answers, run, **more):
    """The marks of the lines at which it stopped."""
    with debugging(*answers) as debugged:
        debugged.stop_at(FILE, mark, **more)
        run()
        debugged.engine.let_go()
    return debugged.script.at


if __name__ == "__main__":
    for mark, answers, run, expected in CASES:
        found = stops(mark, answers, run)
        if found != expected:
            print(f"{mark} {[one.value for one in answers]}: {found} and not {expected}")
    if sys.gettrace() is not None or (getattr(sys, "monitoring", None) and sys.monitoring.get_tool(4)):
        print("something is left behind")
    print(f"{len(CASES)} cases")
