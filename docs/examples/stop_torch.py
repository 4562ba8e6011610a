"""A compiled PyTorch function whose loss becomes NaN in its second step."""

import torch


def scale(x, by):
    y = x * by
    return y + 1.0  # @scaled


@torch.compile(backend="aot_eager")
def step(weight, batch):
    for turn in range(2):
        batch = scale(batch, turn + 2)
    error = batch * weight - 24.0
    return torch.log(error).mean()  # @loss


weight = torch.tensor([2.0, 3.0], requires_grad=True)
for start in (3.0, 1.0):
    step(weight, torch.tensor([start, start])).backward()
print("done")
