import sys

import torch


def block(x, w):
    h = x @ w
    h = torch.relu(h)  # @inside
    return h.sum()


step = torch.compile(block, backend="eager")
for k in range(3):
    y = step(torch.full((2, 3), float(k)), torch.ones(3, 3))  # @loop
bad = torch.log(torch.tensor(-1.0))  # @bad
print("the end")
sys.exit(3)
