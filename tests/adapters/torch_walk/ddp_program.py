"""Two ranks that train one model, each walked in one step; says what each has seen."""

import os
import sys
import time

import torch
import torch.distributed as dist
from torch import nn

from adapters.torch_walk.walking import walking


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 4)
        self.b = nn.Linear(4, 1)

    def forward(self, x):
        h = self.a(x)
        g = torch.tanh(h)  # @stop
        return self.b(g).mean()


def work(rank, folder):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=2)
    from torch._dynamo import convert_frame

    with walking(convert_frame) as found:
        torch.manual_seed(0)
        net = Net()
        compiled = torch.compile(nn.parallel.DistributedDataParallel(net), backend="aot_eager")
        torch.manual_seed(rank)
        x = torch.randn(3, 4)

        def step():
            net.zero_grad()
            compiled(x).backward()
            return [p.grad.clone() for p in net.parameters()]

        before = step()
        graphs = torch._dynamo.utils.counters["stats"]["unique_graphs"]
        found.line(Net.forward, "stop")
        after = step()
        same = all(torch.equal(*pair) for pair in zip(before, after, strict=True))
        other = [torch.zeros_like(after[0]) for _ in range(2)]
        dist.all_gather(other, after[0])
        told = (
            f"rank {rank}: stops {len(found.script.stops)}, h {'h' in found.script.stops[0].variables},"
            f" same {same}, ranks agree {torch.equal(*other)},"
            f" compiled again {torch._dynamo.utils.counters['stats']['unique_graphs'] - graphs}\n"
        )
        os.write(1, told.encode())  # at once: the other rank writes to the same pipe
    time.sleep(0.5)  # torch ends its own thread badly where one rank is faster
    dist.destroy_process_group()


if __name__ == "__main__":
    os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"
    torch.multiprocessing.spawn(work, args=(sys.argv[1],), nprocs=2)
