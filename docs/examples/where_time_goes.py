"""A program that loads, compiles, computes, waits and counts: where does its time go?"""

import time

import torch


@torch.compile(backend="aot_eager")
def activation(x):
    return torch.nn.functional.gelu(x) * x.sigmoid()


def batches(count):
    for _ in range(count):
        time.sleep(0.1)  # @wait
        yield torch.randn(800, 800)


def tokens(count):
    total = 0
    for number in range(count):
        total += number * number  # @count
    return total


weights = torch.randn(800, 800)
activation(weights)  # @compile
for batch in batches(20):
    for _ in range(15):
        batch = batch @ weights  # @matmul
    tokens(400_000)
print("done")
