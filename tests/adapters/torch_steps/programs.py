"""Models whose graphs change from step to step, and some whose graphs do not."""

from __future__ import annotations

import torch
from torch import nn


class Branching(nn.Module):
    """A tensor decides."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        x = self.first(x)
        if x.sum() > 0:  # noqa: SIM108  # @if
            x = x * 2  # @mul
        else:
            x = x + 2  # @add
        return x.sum()


class SameOps(Branching):
    """Two branches of the same ops."""

    def forward(self, x):
        if x.sum() > 0:  # noqa: SIM108  # @if same
            x = self.first(x)  # @first
        else:
            x = self.second(x)  # @second
        return x.sum()


class Block(nn.Module):
    """A layer of a model."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x):
        x = self.linear(x)  # @linear
        return torch.relu(x)


class Experts(nn.Module):
    """Two branches that are the same code, called from two lines; then a loop that leaves blocks out."""

    def __init__(self):
        super().__init__()
        self.first, self.second = Block(), Block()
        self.blocks = nn.ModuleList(Block() for _ in range(3))

    def forward(self, x, dropped=()):
        if x.sum() > 0:  # noqa: SIM108  # @if expert
            x = self.first(x)  # @first expert
        else:
            x = self.second(x)  # @second expert
        for number, block in enumerate(self.blocks):  # @blocks
            if number not in dropped:
                x = block(x)
        return x.sum()


class Recurrent(nn.Module):
    """As many turns as the sequence is long."""

    def __init__(self):
        super().__init__()
        self.cell = nn.Linear(4, 4)

    def forward(self, x_TD):
        state_D = torch.zeros(4)
        for x_D in x_TD:  # @loop
            state_D = torch.tanh(self.cell(state_D) + x_D)
        return state_D.sum()


class LayerDrop(nn.Module):
    """Leaves layers out, as it is told."""

    def __init__(self, count=6):
        super().__init__()
        self.layers = nn.ModuleList(nn.Sequential(nn.Linear(4, 4), nn.ReLU()) for _ in range(count))
        self.head = nn.Linear(4, 1)

    def forward(self, x, dropped=()):
        for number, layer in enumerate(self.layers):  # @layers
            if number in dropped:
                continue
            x = x + layer(x)
        return self.head(x).sum()


class Conv(nn.Module):
    """A small net with most of what such nets keep."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.norm, self.head = nn.BatchNorm2d(8), nn.Linear(8 * 4 * 4, 10)

    def forward(self, x):
        x = torch.relu(self.norm(self.first(x)))
        x = x + torch.relu(self.second(x))
        x = nn.functional.max_pool2d(x, 4)
        return nn.functional.cross_entropy(self.head(x.flatten(1)), torch.zeros(len(x), dtype=torch.long))


def mlp():
    layers = [nn.Linear(64, 128), nn.GELU(), nn.LayerNorm(128), nn.Dropout(0.1), nn.Linear(128, 10)]
    return nn.Sequential(*layers)


def train(model, batches):
    """One backward for each batch, all in one line."""
    for batch in batches:
        loss = model(*batch) if isinstance(batch, tuple) else model(batch)
        loss.backward()  # @backward


def signs(*numbers):
    """Batches whose sums have these signs, whatever the weights of a `SameOps` are."""
    return [torch.full((2, 4), float(number)) for number in numbers]
