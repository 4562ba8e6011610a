"""Programs whose ops are recorded: unchanged by it, in whatever threads and processes they run."""

from __future__ import annotations

import os

import pytest

from tracedbg.store.reader import Run

pytestmark = pytest.mark.torch
TRAIN = """
import torch
from torch import nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
optimizer = torch.optim.Adam(net.parameters())
def step(x):
    optimizer.zero_grad()
    loss = net(x).square().mean()
    loss.backward()
    optimizer.step()
    return loss.item()
"""


def both(lab, *program: str, options: list[str] | None = None):
    """Run plain and recorded; the recorded run."""
    plain = lab.plain(*program)
    recorded = lab.traced(*program, options=["--quiet", "--ops", *(options or [])])
    assert (recorded.code, recorded.stdout, recorded.stderr) == (plain.code, plain.stdout, plain.stderr)
    with Run.open(str(recorded.run)) as run:
        assert [fault for process in run.processes for fault in process.faults()] == []
    return recorded


def counts(recorded, name: str) -> list[int]:
    """How often the op ran, in each process that ran it."""
    found = []
    with Run.open(str(recorded.run)) as run:
        for process in run.processes:
            totals = [total for seen in process.ran.ops() for total in seen.totals]
            count = sum(total.count for total in totals if total.kind.name == name)
            found += [count] if count else []
    return sorted(found)


def test_a_train_loop_prints_what_it_prints_alone(lab):
    lab.write("p.py", TRAIN + "print([step(torch.randn(3, 4)) for _ in range(20)], torch.rand(2))\n")
    assert counts(both(lab, "p.py"), "aten::addmm") == [40]


def test_workers_of_a_data_loader_are_recorded_in_their_own_processes(lab):
    lab.write(
        "p.py",
        "import torch\n"
        "class Data(torch.utils.data.Dataset):\n"
        "    def __len__(self):\n        return 12\n"
        "    def __getitem__(self, n):\n        return torch.full((3,), float(n)).sin()\n"
        "if __name__ == '__main__':\n"
        "    torch.ones(2).sin()\n"
        "    loader = torch.utils.data.DataLoader(Data(), batch_size=3, num_workers=2)\n"
        "    print(sum(batch.sum().item() for batch in loader))\n",
    )
    assert counts(both(lab, "p.py"), "aten::sin") == [1, 6, 6]


def test_a_forked_child_counts_from_where_it_begins(lab):
    lab.write(
        "p.py",
        "import os, sys, threading, torch\n"
        "x = torch.ones(2)\n"
        "stop = threading.Event()\n"
        "def work():\n"
        "    while not stop.is_set():\n        x.cos()\n"
        "thread = threading.Thread(target=work)\n"
        "thread.start()\n"
        "for _ in range(10):\n    x.sin()\n"
        "child = os.fork()\n"
        "for _ in range(3 if child else 7):\n    x.sin()\n"
        "if child == 0:\n"
        "    sys.exit(3)\n"
        "print(os.waitpid(child, 0)[1] >> 8)\n"
        "stop.set()\nthread.join()\n",
    )
    assert counts(both(lab, "p.py"), "aten::sin") == [7, 13]


def test_two_ranks_of_a_distributed_train_loop(lab):
    lab.write(
        "p.py",
        "import os, time, torch, torch.distributed as dist, torch.multiprocessing as mp\n"
        "from torch.nn.parallel import DistributedDataParallel\n"
        "def rank(number, file):\n"
        "    dist.init_process_group('gloo', init_method='file://' + file, rank=number, world_size=2)\n"
        "    torch.manual_seed(number)\n"
        "    net = DistributedDataParallel(torch.nn.Linear(4, 2))\n"
        "    for _ in range(4):\n"
        "        net(torch.randn(3, 4)).sum().backward()\n"
        "    total = sum(p.grad.sum().item() for p in net.parameters())\n"
        "    with open(f'rank{number}', 'w') as told:\n        told.write(f'{total:.4f}')\n"
        "    time.sleep(0.5)  # the group's thread needs the GIL, which its end would hold, to let go of its work\n"
        "    dist.destroy_process_group()\n"
        "if __name__ == '__main__':\n"
        "    import tempfile\n"
        "    with tempfile.TemporaryDirectory() as folder:\n"
        "        mp.spawn(rank, (folder + '/store',), nprocs=2)\n"
        "    print(open('rank0').read(), open('rank1').read())\n",
    )
    plain = lab.plain("p.py")
    recorded = lab.traced("p.py", options=["--quiet", "--ops"])
    assert plain.code == 0, plain.stderr
    assert (recorded.code, recorded.stdout) == (plain.code, plain.stdout)
    assert counts(recorded, "AddmmBackward0") == [4, 4]


@pytest.mark.parametrize(
    "end",
    [
        "threading.Thread(target=forever, daemon=True).start(); time.sleep(0.05)",
        "del torch.Tensor.__add__; sys.modules.clear()",
    ],
)
def test_however_it_ends(lab, end):
    """In ways that the programs of `test_undisturbed_torch.py` do not have: ops run until the last moment."""
    lab.write(
        "p.py",
        "import os, sys, threading, time, torch\n"
        "x = torch.ones(50, 50)\n"
        "def forever():\n"
        "    while True:\n        x @ x\n"
        "class Last:\n"
        "    def __del__(self, x=x):\n        x.sin()\n"
        "last = Last()\nlast.itself = last\n"
        "x.cos()\nprint('said', flush=True)\n" + end + "\n",
    )
    both(lab, "p.py")


def test_a_program_without_a_compiler_has_a_window(lab):
    lab.write("p.py", TRAIN + "print([step(torch.randn(3, 4)) for _ in range(30)])\n")
    plain = lab.plain("p.py")
    recorded = lab.traced(
        "p.py",
        options=["--quiet", "--ops"],
        env={"PATH": "/nonexistent", "CXX": "", "XDG_CACHE_HOME": str(lab.folder)},
    )
    assert (recorded.code, recorded.stdout) == (plain.code, plain.stdout)
    with Run.open(str(recorded.run)) as run:
        (seen,) = run.processes[0].ran.ops()
    assert seen.observer == "torch.profiler"
    assert seen.note == (
        "10 steps of the program, and no more:"
        " there is no C++ compiler (g++, c++, clang++, or what CXX names)"
    )
    assert counts(recorded, "aten::addmm") == [20]


def test_a_recorded_block_leaves_nothing_behind(lab):
    lab.write(
        "p.py",
        "import torch, tracedbg\n"
        "before = [getattr(torch.Tensor, name) for name in ('cpu', 'numpy', 'tolist')]\n"
        "for _ in range(2):\n"
        "    with tracedbg.record(ops=True) as run:\n"
        "        torch.ones(2).sin()\n"
        "    torch.ones(2).sin()\n"
        "print(before == [getattr(torch.Tensor, name) for name in ('cpu', 'numpy', 'tolist')])\n"
        "print('4 ops in' in run.report())\n",
    )
    ended = lab.plain("p.py", env={"PYTHONPATH": os.getcwd()})
    assert (ended.code, ended.stdout) == (0, b"True\nTrue\n")
