"""An eager train loop of a small transformer."""

import torch
from steps import run

torch.set_num_threads(1)
torch.manual_seed(0)
net = torch.nn.TransformerEncoder(
    torch.nn.TransformerEncoderLayer(64, 4, 128, batch_first=True, dropout=0.0), 2, enable_nested_tensor=False
)
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
x = torch.randn(64, 32, 64)  # batch, time, features


def step():
    optimizer.zero_grad()
    net(x).square().mean().backward()
    optimizer.step()


run(step, 150)
