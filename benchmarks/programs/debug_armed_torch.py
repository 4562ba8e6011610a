"""What a breakpoint that does not hold costs a compiled function: prints the ratio to an eager call last."""

import time
from statistics import median

import torch

import tracedbg
from tracedbg.engine import Breakpoint

torch.set_num_threads(1)
ROUNDS, CALLS = 15, 20


class Silent:
    """A stop would be a fault of the benchmark."""

    def interact(self, stop):
        raise AssertionError(stop)

    def say(self, text, stop=None):
        raise AssertionError(text, stop)


def eager(x):
    for _ in range(50):
        x = torch.tanh(x * 1.01)
    return x


@torch.compile(backend="eager")
def compiled(x):
    for _ in range(50):
        x = torch.tanh(x * 1.01)
    return x.sum() if x is None else x + 0  # @armed


def seconds(function, x):
    start = time.perf_counter()
    for _ in range(CALLS):
        function(x)
    return time.perf_counter() - start


with open(__file__, encoding="utf-8") as file:
    line = next(at for at, text in enumerate(file, 1) if text.rstrip().endswith("# @armed"))
x = torch.ones(64, 64)
with tracedbg.debug(frontend=Silent()) as engine:
    compiled(x)
    armed = engine.breakpoints.add(Breakpoint(file=__file__, line=line, condition="x is None"))
    compiled(x)
    if armed.hits or not armed.is_bound:
        raise AssertionError(armed)
    print(median(seconds(compiled, x) / seconds(eager, x) for _ in range(ROUNDS)))
