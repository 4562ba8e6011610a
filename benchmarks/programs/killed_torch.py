"""Traces, runs ops and calls functions without end, and notes when: to be killed. `killed_torch.py LOG`."""

import torch
from killed_log import note

torch.set_num_threads(1)


x = torch.ones(4)


@torch.compile(backend="eager")
def steady(x):
    return x + 1


steady(x)
ops, calls = 0, 1
for trace in range(1, 100_000):
    scope: dict = {}
    exec(f"def traced(x):\n    return x * {trace}\n", scope)  # code of its own: nothing to be compared with
    torch.compile(scope["traced"], backend="eager", dynamic=False)(x)
    note("trace", trace)
    for _ in range(10):
        for _ in range(20):
            x.sin()
        ops += 20
        note("op", ops)
        steady(x)
        calls += 1
        note("call", calls)
