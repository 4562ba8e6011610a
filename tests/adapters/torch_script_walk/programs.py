"""Programs in TorchScript, for the matrix: each as written, and how it is called."""

# ruff: noqa: SIM108  they are to have the control flow that stands here

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional

PROGRAMS = {}


def program(make):
    PROGRAMS[make.__name__] = make
    return make


def helper(a, k: int):
    return a.sin() * k


def loops(x, n: int):
    i = 0
    while i < n:
        if bool(x.sum() > 0):
            x = helper(x, i) + 1
        else:
            x = x - 0.5
        i += 1
    for j in range(3):
        if j == 1:
            continue
        x = x * j + i
    return x


def early_return(x, n: int):
    for i in range(n):
        x = x + i
        if bool(x.sum() > 10):
            return x, i
    return -x, n


def containers(x, names: list[str], extra: dict[str, torch.Tensor] | None):
    acc: list[torch.Tensor] = []
    table: dict[str, torch.Tensor] = {}
    for k, name in enumerate(names):
        acc.append(x * k)
        table[name] = acc[-1] + 1
    if extra is not None:
        for name, value in extra.items():
            table[name] = value
    nested: list[list[int]] = [[1], [2, 3]]
    nested[0].append(7)
    nested += [[4]]
    counts = [len(inner) for inner in nested]
    first, second = acc[0], acc[1:]
    if "b" in table:
        first = first + table["b"]
    return torch.stack(second).sum(0) + first, table, nested, counts, sorted(table.keys())


def strings(x, n: int, flag: bool):
    text = f"n={n}" + str(n) + f"{n} of {x.dim()}"
    text = text.upper().replace("N", "m")
    parts = text.split("=")
    return (parts[-1], "-".join(parts), len(text), n // 2, n % 3, -n, n**2, n / 4, float(n), flag and n > 2)


def kinds(x, value: Any, q: int | None):
    out = 0
    if isinstance(value, int):
        out += value
    elif isinstance(value, str):
        out += 100
    if q is None:
        return x, out
    assert q is not None
    return x * q, out + q


def in_place(x):
    y = x.clone()
    y += 1
    y[0] = 5
    y[:, 1].mul_(3)
    y.relu_()
    z = y.view(-1)
    z.add_(y.sum())
    return y, z


class Point(NamedTuple):
    a: torch.Tensor
    b: int


def named(x, n: int):
    point = Point(x + 1, n)
    return Point(point.a * point.b, b=point.b + 1), (x, (n, "t"))


class Counter:
    def __init__(self, start: int):
        self.total = start
        self.items: list[int] = []

    def add(self, k: int):
        self.total += k
        self.items.append(k)
        return self


def objects(x, n: int):
    counter = Counter(n)
    counter.add(2).add(3)
    for i in range(n):
        counter.add(i)
    return x * counter.total, counter.items, len(counter.items)


def blocks(x):
    with torch.no_grad():
        y = x * 2
    z = x * 3
    return y, z, y.requires_grad, z.requires_grad


def dtypes(x):
    y = torch.zeros([2, 3], dtype=torch.float64, device=x.device) + x.to(torch.float64)
    if x.dtype == torch.float32:
        y = y * 2
    return y.to(x.dtype), x.size(0), x.shape[-1], x.is_cuda, torch.arange(4, device=x.device).view(2, -1)


def matmuls(x):
    w = torch.ones(3, 4)
    a, b = x.chunk(2, dim=0)
    return functional.softmax(x @ w, dim=-1), torch.cat([a, b], dim=0), x[..., None, 0:2], x.max(dim=1)[0]


def random(x):
    return functional.dropout(x, 0.5, True) + torch.rand(2, 3) + torch.randn_like(x)


for _function, _args in (
    (loops, lambda: (torch.randn(2, 3), 4)),
    (early_return, lambda: (torch.ones(2, 3), 9)),
    (containers, lambda: (torch.randn(2, 3), ["a", "b", "c"], {"z": torch.ones(2, 3)})),
    (strings, lambda: (torch.randn(2, 3), 7, True)),
    (kinds, lambda: (torch.randn(2, 3), 3, 4)),
    (in_place, lambda: (torch.randn(2, 3),)),
    (named, lambda: (torch.randn(2, 3), 3)),
    (objects, lambda: (torch.randn(2, 3), 3)),
    (blocks, lambda: (torch.randn(2, 3, requires_grad=True),)),
    (dtypes, lambda: (torch.randn(2, 3),)),
    (matmuls, lambda: (torch.randn(2, 3),)),
    (random, lambda: (torch.randn(2, 3),)),
):
    PROGRAMS[_function.__name__] = lambda f=_function, a=_args: (torch.jit.script(f), a)


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))
        self.register_buffer("calls", torch.zeros(()))
        self.count = 0
        self.scale: list[float] = [0.5, 2.0]

    def forward(self, x):
        self.calls += 1
        self.count += 1
        x = self.layers(x)  # @layers
        return self.scaled(x, self.count)

    def scaled(self, x, k: int):
        return x * k * self.scale[0]  # @scaled


class Residual(nn.Module):
    def __init__(self, width, out, stride):
        super().__init__()
        self.first = nn.Conv2d(width, out, 3, stride, 1, bias=False)
        self.norm = nn.BatchNorm2d(out)
        self.second = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.down = nn.Conv2d(width, out, 1, stride, bias=False) if stride != 1 else None

    def forward(self, x):
        y = functional.relu(self.norm(self.first(x)))
        y = self.second(y)
        if self.down is not None:
            x = self.down(x)
        return functional.relu(x + y)


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, 1, 1)
        self.pool = nn.MaxPool2d(2)
        self.blocks = nn.ModuleList([Residual(4, 4, 1), Residual(4, 8, 2)])
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        x = self.pool(self.stem(x))
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean((2, 3)))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 4, 2)
        self.cell = nn.GRUCell(4, 4)

    def forward(self, x, state: tuple[torch.Tensor, torch.Tensor] | None = None):
        out, (h, c) = self.lstm(x, state)
        hidden = h[0]
        outputs: list[torch.Tensor] = []
        for t in range(out.size(0)):
            hidden = self.cell(out[t], hidden)
            outputs.append(hidden)
        return torch.stack(outputs), c


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(10, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.out = nn.Linear(8, 10)

    def forward(self, x):
        return self.out(self.encoder(self.embed(x)))


class Inner(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 3)

    def forward(self, x):
        return self.linear(x).tanh()  # @inner


class Outer(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = Inner()

    def forward(self, x):
        y = self.inner(x)  # @outer
        return helper(y, 2)  # @after


@program
def mlp():
    return torch.jit.script(Mlp()), lambda: (torch.randn(4, 3),)


@program
def resnet():
    return torch.jit.script(ResNet()), lambda: (torch.randn(2, 3, 8, 8),)


@program
def resnet_eval():
    return torch.jit.script(ResNet().eval()), lambda: (torch.randn(2, 3, 8, 8),)


@program
def recurrent():
    return torch.jit.script(Recurrent()), lambda: (torch.randn(4, 2, 3),)


@program
def transformer():
    return torch.jit.script(Attention()), lambda: (torch.randint(0, 10, (2, 4)),)


@program
def transformer_eval():
    return torch.jit.script(Attention().eval()), lambda: (torch.randint(0, 10, (2, 4)),)


@program
def traced_function():
    return torch.jit.trace(lambda x: helper(x, 2) + x.size(0), torch.ones(2, 3)), lambda: (torch.randn(2, 3),)


@program
def traced_module():
    return torch.jit.trace(Outer(), torch.ones(2, 3)), lambda: (torch.randn(2, 3),)


@program
def traced_resnet():
    return torch.jit.trace(ResNet().eval(), torch.ones(2, 3, 8, 8)), lambda: (torch.randn(2, 3, 8, 8),)


@program
def frozen():
    return torch.jit.freeze(torch.jit.script(Outer().eval())), lambda: (torch.randn(2, 3),)


@program
def submodule_of_python():
    class Python(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = torch.jit.script(Outer())

        def forward(self, x):
            return self.inner(x + 1) * 2

    return Python(), lambda: (torch.randn(2, 3),)


def reloaded(module):
    import io

    file = io.BytesIO()
    torch.jit.save(module, file)
    file.seek(0)
    return torch.jit.load(file)


@program
def loaded():
    return reloaded(torch.jit.script(Mlp())), lambda: (torch.randn(4, 3),)


@program
def loaded_traced():
    return reloaded(torch.jit.trace(Outer(), torch.ones(2, 3))), lambda: (torch.randn(2, 3),)


@program
def loaded_outer():
    return reloaded(torch.jit.script(Outer())), lambda: (torch.randn(2, 3),)


class Keeps(nn.Module):
    """Writes into a list of the module: for torch's own interpreter."""

    def __init__(self):
        super().__init__()
        self.history: list[int] = [0]

    def forward(self, x):
        self.history.append(x.size(0))  # @history
        return x * len(self.history)  # @keeps


def forks(x):
    future = torch.jit.fork(helper, x, 2)  # @fork
    y = x + 1  # @beside
    return torch.jit.wait(future) + y  # @wait


@program
def keeps():
    return torch.jit.script(Keeps()), lambda: (torch.randn(2, 3),)


PROGRAMS["forks"] = lambda: (torch.jit.script(forks), lambda: (torch.randn(2, 3),))
PAUSED = frozenset({"keeps", "forks"})
"""Those that only torch's own interpreter can run."""
