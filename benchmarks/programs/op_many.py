"""As many small ops as it is told to run."""

from __future__ import annotations

import sys

import torch

torch.set_num_threads(1)
x, out = torch.ones(4), torch.empty(4)
with torch.no_grad():
    for _ in range(int(sys.argv[1]) // 2):
        torch.add(x, x, out=out)
        torch.mul(x, x, out=out)
print("done")
