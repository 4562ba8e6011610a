"""Processes of all kinds, of a program that trains with torch; workers come back with what they have computed."""

import multiprocessing
import os
import sys
import tempfile
import threading
import time

import torch
from torch.utils.data import DataLoader, Dataset


class Squares(Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, index):
        return torch.tensor(float(index)) ** 2, torch.utils.data.get_worker_info().id


def even(steps=3):
    model = torch.nn.Linear(4, 2)
    for parameter in model.parameters():
        torch.nn.init.constant_(parameter, 0.1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = model(torch.ones(2, 4)).square().mean()
        loss.backward()
        optimizer.step()
    return loss.item()


def work(count):
    return even(count), [thread.name for thread in threading.enumerate()]


def rank(number, folder):
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/store", rank=number, world_size=2
    )
    model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(4, 1))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(0.5)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        model(torch.full((2, 4), float(number))).sum().backward()
        optimizer.step()
    gathered = [torch.zeros(1), torch.zeros(1)]
    torch.distributed.all_gather(gathered, model.module.bias.detach())
    if number == 0:
        print("ranks", gathered, model.module.weight.tolist(), flush=True)
    time.sleep(
        0.5
    )  # the group's thread lets go of the last work, for which it needs the GIL that its end holds
    torch.distributed.destroy_process_group()


def forked_in_a_loop():
    """The child goes on with the training that it was forked in."""
    model = torch.nn.Linear(4, 1)
    torch.nn.init.ones_(model.weight), torch.nn.init.zeros_(model.bias)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    child = None
    for step in range(6):
        optimizer.zero_grad()
        loss = model(torch.ones(2, 4)).square().mean()
        if step == 2:
            sys.stdout.flush()
            child = os.fork()
        if step < 2 or child:  # a child of a process that has run a backward may run none
            loss.backward()
        optimizer.step()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) if child else None
    print("parent" if child else "child", loss.item(), threading.active_count(), code, flush=True)
    if not child:
        os._exit(7)


def loaded(method):
    workers = DataLoader(Squares(), 2, num_workers=2, multiprocessing_context=method, persistent_workers=True)
    for _ in range(2):
        print(method, [(values.tolist(), ids.tolist()) for values, ids in workers])


def failed(number):
    (torch.ones(2) @ torch.ones(3)).sum()


def main():
    for method in ("fork", "spawn", "forkserver"):
        with multiprocessing.get_context(method).Pool(1) as pool:
            print(method, pool.map(work, [1, 2]))
    loaded("fork")
    loaded("spawn")
    forked_in_a_loop()
    torch.multiprocessing.start_processes(rank, (tempfile.mkdtemp(),), nprocs=2, start_method="fork")
    try:
        torch.multiprocessing.start_processes(failed, nprocs=1, start_method="fork")
    except torch.multiprocessing.ProcessRaisedException as error:
        print(error)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
