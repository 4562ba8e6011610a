"""One program for each of many features of TorchScript, for the matrix."""

# ruff: noqa  this is TorchScript, and each line is a case
import enum
import math
import warnings
from typing import Any, Dict, Final, List, NamedTuple, Optional, Tuple, Union

import torch
from torch import nn


class Color(enum.Enum):
    RED = 1
    BLUE = 2


def enums(c: Color, x):
    if c == Color.RED:
        y = x + c.value
    else:
        y = x * 2
    return y


class Interface(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pass


with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # torch.jit is deprecated
    Interface = torch.jit.interface(Interface)


class AddsOne(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1


class UsesInterface(nn.Module):
    p: Interface

    def __init__(self):
        super().__init__()
        self.p = AddsOne()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.p.forward(x) * 2


class Pair(NamedTuple):
    a: torch.Tensor
    n: int


def ntarg(p: Pair, k: Tuple[int, Tuple[int, str]] = (1, (2, "s"))):
    a, n = p
    u, (v, s) = k
    return a * n + u + v, s, p.n


def union(x, y: Union[int, str, List[int]]):
    if isinstance(y, int):
        return x + y
    elif isinstance(y, str):
        return x * len(y)
    else:
        return x - y[0]


def lists(n: int):
    l = [3, 1, 2]
    l.sort()
    l.reverse()
    l.remove(1)
    q = l.pop()
    l.insert(0, n)
    l[0] = 7
    pass
    del l[0]
    m = [str(i) + "a" for i in l]
    z = list(range(3)) + [4] * 2
    return (
        l,
        q,
        m,
        z,
        sum(z),
        max(z),
        min(z),
        any([True, False]),
        all([True]),
        4 in z,
        z.index(4),
        z.count(4),
        z[::-1],
    )


def dicts():
    d = {"a": 1, "b": 2}
    d["c"] = 3
    del d["a"]
    e = d.copy()
    e.update({"z": 9})
    v = d.pop("b")
    g = d.get("q", 5)
    s = d.setdefault("w", 8)
    it = [(k, w) for k, w in e.items()]
    return d, e, v, g, s, it, len(e), list(e.values())


def maths(x: float, n: int):
    a = math.sqrt(x) + math.pi + math.floor(x) + math.log(x)
    return (
        a,
        int(a),
        round(x),
        abs(-n),
        divmod(n, 2),
        n << 2,
        n & 3,
        n | 8,
        n ^ 1,
        x // 2,
        x % 2,
        -x,
        n / 3,
        2**n,
        x**0.5,
        bool(n),
        n > 2 > 1,
        math.inf,
        float("nan") != 1,
    )


def strs(s: str):
    return (
        s.upper().split("_"),
        s[1:3],
        s.startswith("a"),
        s.find("b"),
        "{:d}"[0:1],
        "%s-%d" % (s, 3),
        s.join(["x", "y"]),
        s == "q",
        ord("a"),
        chr(98),
        len(s),
        s.strip(),
        "a" + str(1.5) + str(True),
        s.isdigit(),
    )


def prints(x):
    print("hello", x.sum(), 3, [1, 2], {"a": 1}, (1, "b"))
    return x


def cont(x):
    n = 0
    while True:
        n += 1
        if n == 2:
            continue
        if n > 4:
            break
        x = x + n
    else_ = 0
    for i in range(10, 0, -3):
        else_ += i
    for a in [x, x + 1]:
        x = x + a
    for i, (a, b) in enumerate(zip([1, 2], ["p", "q"])):
        if b == "q":
            return x * a
    return x + else_


def slices(x):
    x = x.clone()
    x[0, 1:] = 5
    x[x > 2] = 0
    y = x[:, -1].unsqueeze(0)
    a, b = x.shape
    return y, a, b, x[torch.tensor([0])], x.t()[..., 0], x[None], x.size(), x.numel(), list(x.shape)


def cplx():
    c = complex(1, 2)
    return c, c * c, abs(c)


def opt(x: Optional[torch.Tensor], y: Optional[int] = None):
    z = torch.zeros(2) if x is None else x
    k = y if y is not None else 3
    assert k is not None
    return z + k


def rec(x, fs: List[Dict[str, List[int]]]):
    t = 0
    for f in fs:
        for k in f:
            f[k].append(1)
            for v in f[k]:
                t += v
    return x * t, fs


class UsesIgnored(nn.Module):
    k: Final[int] = 3

    def __init__(self):
        super().__init__()
        self.d = nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.ReLU()})
        self.ps = nn.ParameterList([nn.Parameter(torch.ones(2))])
        self.names = ["x", "y"]
        self.t = (1, 2.0)

    def forward(self, x):
        for n, m in self.d.items():
            x = m(x)
        if torch.jit.is_scripting():
            x = x * self.k
        x = x + self.ps[0] + len(self.names) + self.t[0]
        return self.helper(x, 2.0) + self.pyfun(x)

    @torch.jit.export
    def helper(self, x, scale: float = 2.0):
        return x * scale if self.training else x

    @torch.jit.ignore
    def pyfun(self, x: torch.Tensor) -> torch.Tensor:
        return x.sin()


class UsesDict(UsesIgnored):
    def forward(self, x):
        for n, m in self.d.items():
            x = m(x)
        for name in self.names:
            x = x + len(name)
        return self.helper(x, scale=3.0)


class Hooked(nn.Module):
    def __init__(self):
        super().__init__()
        self.l = nn.Linear(2, 2)

    def forward(self, x):
        return self.l(x)


def doubled(self, input: Tuple[torch.Tensor]) -> Tuple[torch.Tensor]:
    return (input[0] * 2,)


class Stateful(nn.Module):
    last: Optional[torch.Tensor]

    def __init__(self):
        super().__init__()
        self.register_buffer("b", torch.zeros(2))
        self.last = None
        self.n = 0
        self.s = "a"

    def forward(self, x):
        self.n += 1
        self.s = self.s + "b"
        self.b = self.b + x.mean()
        self.b.add_(1)
        last = self.last
        if last is not None:
            x = x + last
        self.last = x
        return x, self.n, self.s


class Context:
    def __init__(self, n: int):
        self.n = n

    def __enter__(self):
        self.n += 1
        return self.n

    def __exit__(self, a: Any, b: Any, c: Any):
        self.n += 10


def withs(x, n: int):
    with Context(n) as k:
        x = x + k
        with Context(3) as j:
            x = x * j
    return x


def defaults(x, alpha: float = 1.5, beta: Optional[int] = None):
    return x * alpha if beta is None else x * beta


def x():
    return torch.tensor([[1.0, -2.0], [3.0, 4.0]])


def hooked():
    module = Hooked()
    module.l.register_forward_pre_hook(doubled)
    return module


FEATURES = {
    "enums": (lambda: enums, lambda: (Color.RED, x())),
    "interface": (UsesInterface, lambda: (x(),)),
    "named_tuple_argument": (lambda: ntarg, lambda: (Pair(x(), 3),)),
    "union_int": (lambda: union, lambda: (x(), 3)),
    "union_str": (lambda: union, lambda: (x(), "abc")),
    "union_list": (lambda: union, lambda: (x(), [4])),
    "lists": (lambda: lists, lambda: (2,)),
    "dicts": (lambda: dicts, tuple),
    "maths": (lambda: maths, lambda: (2.5, 5)),
    "an_int_for_a_float": (lambda: maths, lambda: (3, 5)),
    "texts": (lambda: strs, lambda: ("ab_cd ",)),
    "prints": (lambda: prints, lambda: (x(),)),
    "continue_and_break": (lambda: cont, lambda: (x(),)),
    "slices": (lambda: slices, lambda: (x(),)),
    "optional_none": (lambda: opt, lambda: (None,)),
    "optional_tensor": (lambda: opt, lambda: (torch.ones(2), 4)),
    "nested_containers": (lambda: rec, lambda: (x(), [{"a": [1, 2]}, {"b": [3]}])),
    "ignored_method": (UsesIgnored, lambda: (x(),)),
    "module_dict": (UsesDict, lambda: (x(),)),
    "hooked": (hooked, lambda: (x(),)),
    "stateful": (Stateful, lambda: (x(),)),
    "with_blocks": (lambda: withs, lambda: (x(), 3)),
    "defaults": (lambda: defaults, lambda: (x(), 2)),
}
PAUSED = frozenset({"interface"})
"""Those that only torch's own interpreter can run."""
