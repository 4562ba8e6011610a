"""Programs whose kernels are timed; lines are found by their marks."""

from __future__ import annotations

import torch
from torch import nn

torch.manual_seed(0)
WEIGHT = torch.randn(16, 16, requires_grad=True)
BIAS = torch.randn(16, requires_grad=True)


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x + 1

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return 2 * x * gradient  # @own backward


def operators(x):
    """Operators, which are no calls: in a row, in a loop, in a branch, in parts of a statement."""
    h = x @ WEIGHT + BIAS
    h = h * 2 - 1
    parts = []
    for i in range(3):
        p = h[i : i + 4] * i
        q = p + 1
        q = q / (
            2.0
            + p.abs()
        )  # fmt: skip
        parts.append(q)
    y = torch.cat(parts)
    y = Square.apply(y)
    if y.sum() > 0:  # noqa: SIM108  a branch, on purpose
        y = -y
    else:
        y = y + 2
    z = y[None, :, 1] ** 2
    m = z < 3
    z[m] = 0.5
    z += 1
    t = float(z.mean().detach())
    k = [a * b for a in (1.0, 2.0) for b in (y[0], y[1])]
    s = sum(k).sum() * t
    u = torch.nn.functional.softmax(y, -1)
    u = u.T @ u
    (lambda v: v + 1)(u)
    return (
        s
        + u.sum()
        + z.sum()
    )  # fmt: skip


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.up, self.down, self.norm = nn.Linear(32, 64), nn.Linear(64, 32), nn.LayerNorm(32)

    def forward(self, x):
        h = torch.nn.functional.gelu(self.up(x))  # @up
        h = h * 2 + 1  # @scale
        return self.norm(x + self.down(h))  # @down


class Block(nn.Module):
    """A transformer's block."""

    def __init__(self, width=32, heads=2):
        super().__init__()
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.project, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down, self.heads = nn.Linear(width, 4 * width), nn.Linear(4 * width, width), heads

    def attend(self, x):
        batch, length, width = x.shape
        parts = self.project(x).view(batch, length, 3, self.heads, width // self.heads)  # @project
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        weights = torch.softmax(q @ k.transpose(-1, -2), -1)  # @softmax
        return self.out((weights @ v).transpose(1, 2).reshape(batch, length, width))  # @out

    def forward(self, x):
        x = x + self.attend(self.first(x))  # @attend
        return x + self.down(torch.nn.functional.gelu(self.up(self.second(x))))  # @feed


def training(model, x):
    """One step of training it."""
    optimizer = torch.optim.Adam(model.parameters())

    def step():
        optimizer.zero_grad()
        loss = ((model(x) - x) ** 2).mean()  # @loss
        loss.backward()  # @backward
        optimizer.step()  # @optimizer

    return step
