"""Steady state of a compiled function: thousands of calls that hit the compile cache."""

import stretches
import torch

torch.set_num_threads(1)


@torch.compile(backend="aot_eager")
def step(x, w):
    return torch.relu(x @ w).mean()


x, w = torch.ones(32, 64), torch.ones(64, 64)
with torch.no_grad():
    for _ in range(200):
        step(x, w)
    stretches.run(stretches.of(lambda: step(x, w), 60000))
