"""Data-parallel training in which one rank gets a longer batch: it compiles alone, and the others wait.

Start it with two ranks or more: `tracedbg run --torchrun "--nproc-per-node 2" odd_rank.py`
"""

import torch
import torch.distributed as dist
from torch import nn

LENGTHS = [16, 16, 16, 16, 16]
"""Of the batches; the shard of rank 1 has a longer sentence in the fourth."""

model = nn.Sequential(
    nn.Embedding(100, 32),
    *(nn.TransformerEncoderLayer(32, 2, 64, dropout=0.0, batch_first=True) for _ in range(2)),
    nn.Linear(32, 100),
)


@torch.compile(backend="aot_eager")
def forward_loss(batch):
    logits = model(batch["tokens"])
    return nn.functional.cross_entropy(logits.flatten(0, 1), batch["labels"].flatten())


def batch_of(rank, step):
    length = 23 if (rank, step) == (1, 3) else LENGTHS[step]
    tokens = torch.arange(4 * length).reshape(4, length) % 100
    return {"tokens": tokens, "labels": (tokens + 1) % 100}


def main():
    dist.init_process_group("gloo")
    rank, world_size = dist.get_rank(), dist.get_world_size()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for step in range(len(LENGTHS)):
        loss = forward_loss(batch_of(rank, step))  # @call
        loss.backward()
        for parameter in model.parameters():
            dist.all_reduce(parameter.grad)  # @wait
            parameter.grad /= world_size
        optimizer.step()
        optimizer.zero_grad()
    if rank == 0:
        print("done")
    dist.destroy_process_group()


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(0)
    main()
