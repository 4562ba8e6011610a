"""Compiling itself: a transformer encoder layer, for several shapes, forward and backward."""

import stretches
import torch

torch.set_num_threads(1)
torch.manual_seed(0)


def build():
    layer = torch.nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
    return torch.compile(layer, backend="aot_eager", dynamic=False)


build()(torch.randn(2, 3, 32)).sum().backward()
torch._dynamo.reset()
layer = build()
stretches.run(
    [lambda length=length: layer(torch.randn(2, length, 32)).sum().backward() for length in range(4, 10)]
)
