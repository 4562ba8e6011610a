"""Compiling itself: a transformer encoder layer, for several shapes, forward and backward."""

import time

import torch

torch.set_num_threads(1)
torch.manual_seed(0)


def build():
    layer = torch.nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
    return torch.compile(layer, backend="aot_eager", dynamic=False)


build()(torch.randn(2, 3, 32)).sum().backward()
torch._dynamo.reset()
start = time.process_time()
layer = build()
for length in range(4, 10):
    layer(torch.randn(2, length, 32)).sum().backward()
print(time.process_time() - start)
