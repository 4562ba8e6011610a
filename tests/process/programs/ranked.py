"""One rank of a DDP job: `workers`: with a DataLoader's worker; `dies`: rank 1 dies when it is first started."""

import os
import sys
import time

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader


def double(x):
    return x * 2


def say(text):
    os.write(1, f"{text}\n".encode())  # at once: the other rank writes to the same pipe


def train():
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    torch.manual_seed(rank)
    net = DistributedDataParallel(torch.nn.Linear(4, 2))
    scripted = torch.jit.script(double)
    for batch in DataLoader(torch.arange(8.0), 4, num_workers=int("workers" in sys.argv)):
        net(scripted(torch.randn(3 + rank, 4)) + batch.sum()).sum().backward()
    say(f"rank {rank} {sum(p.grad.sum().item() for p in net.parameters()):.4f}")
    time.sleep(0.5)  # the group's thread needs the GIL, which its end would hold, to let go of its work
    dist.destroy_process_group()


def die_once():
    torch.jit.script(double)(torch.ones(2))
    rank, generation = os.environ["RANK"], os.environ["TORCHELASTIC_RESTART_COUNT"]
    if (rank, generation) == ("1", "0"):
        while not os.path.exists("rank 0 is through"):  # torchrun ends it as soon as we die
            time.sleep(0.01)
        time.sleep(0.2)  # what was told is on disk
        os._exit(3)
    say(f"rank {rank} generation {generation}")
    if rank == "0":
        open("rank 0 is through", "w").close()


if __name__ == "__main__":
    torch.set_num_threads(1)
    die_once() if "dies" in sys.argv else train()
