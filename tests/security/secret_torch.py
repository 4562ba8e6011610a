"""Puts a secret wherever something of ours could pick it up; ends with an exception that has one, too."""

import functools
import os
import sys

import torch

TEXT = "hunter2" + "text"
NUMBER = 777123
os.environ["HUNTER2ENV"] = "hunter2env"
limit = NUMBER


class Config:
    def __init__(self, rate):
        self.rate = rate

    def __repr__(self):
        return "hunter2repr"


def number(x, n):
    return x * n if n > 777000 else x


def text(x, name):
    return x + 1 if name == "hunter2text" else x


def key(x, batch):
    return x * batch["hunter2key"] if "hunter2key" in batch else x


def item(x, batch):
    return x * batch["hunter2key"][0]["hunter2inner"]


def shape(x, batch):
    return batch["hunter2key"] * 2


def attribute(x, config):
    return x * config.rate


def outer(x):
    return x * limit


def items(x, values):
    return x * sum(values)


def backend(graph, inputs, secret="hunter2option"):
    return graph.forward


def bad(graph, inputs):
    raise ValueError("hunter2error 777123")


def compiled(function, **options):
    options.setdefault("backend", functools.partial(backend, secret="hunter2option"))
    return torch.compile(function, dynamic=False, **options)


def twice(function, one, other):
    f = compiled(function)
    for given in (one, other):
        f(torch.ones(3), given)


twice(number, 777123, 777124)
twice(text, TEXT, "hunter2other")
twice(key, {"hunter2key": 777123}, {"hunter2new": 777124})
twice(item, {"hunter2key": [{"hunter2inner": 777123}]}, {"hunter2key": [{"hunter2inner": 777124}]})
twice(shape, {"hunter2key": torch.ones(3)}, {"hunter2key": torch.ones(4)})
twice(attribute, Config(777123.5), Config(777124.5))
twice(items, [777123, 777124], [777123, 777124, 777125])
f = compiled(outer)
f(torch.ones(3))
limit = 777128
f(torch.ones(3))
try:
    compiled(number, backend=bad)(torch.ones(2), 777129)
except Exception as error:
    print(type(error).__name__)


def branch(x):
    return x * 2 if float(x.sum()) > 777 else x


traced = torch.jit.trace(branch, torch.full((2,), 777123.0), check_trace=False)
layer = torch.nn.ModuleDict({"plain": torch.nn.Linear(3, 2)})
for _ in range(3):
    with torch.profiler.record_function("hunter2scope"):
        loss = layer["plain"](torch.full((4, 3), 777123.0)).pow(2).mean()
        loss.backward()
print("hunter2console", file=sys.stderr)
raise SystemExit("hunter2exit")
"""The program's last words are its own: they go to its stderr, and into no recording."""
