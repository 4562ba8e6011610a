"""A program that knows where its time goes: it says so as JSON when it ends."""

import json
import queue
import threading
import time

import torch
from torch.utils.data import DataLoader, Dataset

torch.set_num_threads(1)
took = {}


class timed:
    def __init__(self, name):
        self.name = name

    def __enter__(self):
        self.start = time.monotonic()

    def __exit__(self, *_):
        took[self.name] = time.monotonic() - self.start


class Slow(Dataset):
    def __len__(self):
        return 20

    def __getitem__(self, index):
        time.sleep(0.05)
        return index


@torch.compile(backend="aot_eager")
def compiled(x):
    for _ in range(30):
        x = torch.nn.functional.gelu(x) * x.sigmoid()
    return x


def main():
    a = torch.randn(700, 700)
    data = DataLoader(Slow(), num_workers=2)
    with timed("sleep"):
        time.sleep(1.0)  # @sleep
    with timed("ops"):
        for _ in range(60):
            a @ a  # @ops
    total = 0
    with timed("python"):
        for number in range(10_000_000):
            total += number  # @python
    with timed("compile"):
        compiled(a)  # @compile
    with timed("run"):
        for _ in range(60):
            compiled(a)  # @run
    with timed("load"):
        for _ in data:  # @load
            pass
    items = queue.Queue()
    threading.Timer(0.7, items.put, (1,)).start()
    with timed("queue"):
        items.get()  # @queue
    print(json.dumps(took))


if __name__ == "__main__":
    main()
