"""The train loop of a small net that Inductor compiles, forward and backward."""

import torch
from steps import run

torch.set_num_threads(1)
torch.manual_seed(0)
net = torch.nn.Sequential(
    torch.nn.Linear(256, 512), torch.nn.GELU(), torch.nn.LayerNorm(512), torch.nn.Linear(512, 256)
)
forward = torch.compile(net)
optimizer = torch.optim.SGD(net.parameters(), lr=1e-3)
x = torch.randn(256, 256)  # batch, features


def step():
    optimizer.zero_grad()
    forward(x).square().mean().backward()
    optimizer.step()


run(step, 150)
