"""Compiling itself: a transformer encoder layer, for several shapes, forward and backward."""

import stretches
import torch

torch.set_num_threads(1)
torch.manual_seed(0)
LENGTHS = range(4, 10)


def build():
    layer = torch.nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
    return torch.compile(layer, backend="aot_eager", dynamic=False)


def compiles(layer, length):
    def stretch():
        if length == LENGTHS[0]:
            torch._dynamo.reset()  # it compiles for eight shapes at most
        layer(torch.randn(2, length, 32)).sum().backward()

    return stretch


build()(torch.randn(2, 3, 32)).sum().backward()
stretches.run([compiles(layer, length) for layer in (build(), build(), build()) for length in LENGTHS])
