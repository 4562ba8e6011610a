"""A loop of small compiled steps, of a few seconds: what a tool costs that looks at all of a process."""

from __future__ import annotations

import sys
import warnings

import torch

warnings.simplefilter("ignore")
torch.set_num_threads(1)
STEPS = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
weight = torch.randn(16, 16, requires_grad=True)


@torch.compile
def loss_of(x):
    return torch.relu(x @ weight).square().mean()


x = torch.randn(8, 16)
for _ in range(STEPS):
    loss_of(x).backward()
    weight.grad = None
print("done")
