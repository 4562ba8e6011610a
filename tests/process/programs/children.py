"""Starts a child of each kind; each scripts one function, and says so."""

import multiprocessing
import os
import subprocess
import sys

import torch
from torch.utils.data import DataLoader


def double(x):
    return x * 2


def work(number):
    return torch.jit.script(double)(torch.ones(number)).sum().item()


class Items(torch.utils.data.Dataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        return work(index + 1)


def rank(_number, folder):
    with open(os.path.join(folder, "ranked"), "w") as file:
        file.write(str(work(3)))


def main(folder):
    for method in ("fork", "spawn", "forkserver"):
        with multiprocessing.get_context(method).Pool(1) as pool:
            print(method, pool.map(work, [1]))
    print(
        "subprocess",
        subprocess.run([sys.executable, __file__, "alone"], check=True, capture_output=True).stdout,
    )
    print("loader", [items.tolist() for items in DataLoader(Items(), 2, num_workers=1)])
    torch.multiprocessing.start_processes(rank, (folder,), nprocs=1, start_method="fork")
    with open(os.path.join(folder, "ranked")) as file:
        print("torch", file.read())
    if "joblib" in sys.argv:
        import joblib

        print("loky", joblib.Parallel(2)(joblib.delayed(work)(n) for n in (1, 2)))
    sys.stdout.flush()
    child = os.fork()
    if not child:
        print("os.fork", work(1), flush=True)
        os._exit(0)
    os.waitpid(child, 0)


if __name__ == "__main__":
    torch.set_num_threads(1)
    if "alone" in sys.argv:
        print(work(4))
    else:
        main(sys.argv[1])
