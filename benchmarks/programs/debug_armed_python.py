"""What a breakpoint in code that is not run costs calls of a small Python function: prints the ratio last.

Before Python 3.12 each call is seen by a trace function: one that does nothing costs 4 to 5 times a call of
this function, which is the smallest there is.
"""

import time
from statistics import median

import tracedbg
from tracedbg.engine import Breakpoint

ROUNDS, CALLS = 15, 50_000


class Silent:
    """A stop would be a fault of the benchmark."""

    def interact(self, stop):
        raise AssertionError(stop)

    def say(self, text, stop=None):
        raise AssertionError(text, stop)


def small(x):
    return x + 1


def never(x):
    return x  # @armed


def seconds():
    start = time.perf_counter()
    total = 0
    for _ in range(CALLS):
        total = small(total)
    return time.perf_counter() - start


with open(__file__, encoding="utf-8") as file:
    line = next(at for at, text in enumerate(file, 1) if text.rstrip().endswith("# @armed"))
with tracedbg.debug(frontend=Silent()) as engine:
    ratios = []
    for _ in range(ROUNDS):
        plain = seconds()
        armed = engine.breakpoints.add(Breakpoint(file=__file__, line=line))
        if not armed.is_bound:
            raise AssertionError(armed)
        ratios.append(seconds() / plain)
        engine.breakpoints.remove([armed.id])
    print(median(ratios))
