"""A rank of a train job: some compiled blocks, an evaluation, and on odd ranks batches of other sizes."""

from __future__ import annotations

import os
import sys

import torch
from torch import nn

RANK = int(os.environ.get("RANK", "0"))
IS_ODD = RANK % 2 == 1
torch.set_num_threads(1)
torch.manual_seed(0)


class Block(nn.Module):
    """Attention and a perceptron."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, 2, batch_first=True)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x_BTD: torch.Tensor) -> torch.Tensor:  # noqa: N803  B batch, T time, D width
        normed = self.norm(x_BTD)
        x_BTD = x_BTD + self.attention(normed, normed, normed, need_weights=False)[0]  # noqa: N806
        return x_BTD + self.down(torch.relu(self.up(x_BTD)))


class Net(nn.Module):
    """A few blocks, with a head."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(16) for _ in range(3))
        self.head = nn.Linear(16, 4)
        self.epoch = 0

    def forward(self, x_BTD: torch.Tensor) -> torch.Tensor:  # noqa: N803
        for block in self.blocks:
            x_BTD = block(x_BTD)  # noqa: N806
        return self.head(x_BTD) * (1 + self.epoch)


net = Net()
optimizer = torch.optim.AdamW(net.parameters())


@torch.compile(backend="aot_eager")
def loss_of(x_BTD: torch.Tensor, target_BT: torch.Tensor) -> torch.Tensor:  # noqa: N803
    out = net(x_BTD)
    return nn.functional.cross_entropy(out.flatten(0, 1), target_BT.flatten())


@torch.compile(backend="aot_eager")
def evaluate(x_BTD: torch.Tensor) -> torch.Tensor:  # noqa: N803
    top = net(x_BTD).amax()
    if top > 0:
        return top
    return -top


def batch(size: int, length: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(size, length, 16), torch.randint(4, (size, length))


for step in range(int(sys.argv[1])):
    net.epoch = step // 20
    size = 3 + step % 5 if IS_ODD and step % 10 == 0 else 8
    loss = loss_of(*batch(size, 12))
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    if step % 10 == 0:
        with torch.no_grad():
            evaluate(batch(4, 12)[0])
