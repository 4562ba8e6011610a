"""Steady state of a compiled train step of a small net of depthwise-separable convolutions."""

import stretches
import torch

torch.set_num_threads(1)
torch.manual_seed(0)


class Block(torch.nn.Module):
    """As in MobileNet, and with few channels: the calls are to count, not the arithmetic."""

    def __init__(self, channels):
        super().__init__()
        self.depth = torch.nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.point = torch.nn.Conv2d(channels, channels, 1)
        self.norm = torch.nn.BatchNorm2d(channels)

    def forward(self, x):
        return x + torch.nn.functional.relu6(self.norm(self.point(self.depth(x))))


net = torch.nn.Sequential(*[Block(8) for _ in range(4)])
step = torch.compile(net, backend="aot_eager")
x = torch.rand(2, 8, 8, 8)
for _ in range(50):
    step(x).mean().backward()
stretches.run(stretches.of(lambda: step(x).mean().backward(), 2000))
