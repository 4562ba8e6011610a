"""Programs that torch.compile compiles, each of which returns all that it makes.

A program takes what it is to compile functions with, and calls each compiled function a few times.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

PROGRAMS = {}


def program(function):
    PROGRAMS[function.__name__] = function
    return function


def trained(model, step, calls=2):
    """The losses and gradients of a few calls."""
    found = []
    for _ in range(calls):
        model.zero_grad()
        loss = step()
        loss.backward()
        found += [loss.detach().clone(), *(p.grad.clone() for p in model.parameters() if p.grad is not None)]
    return found


@program
def transformer_layer(compile):
    model = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    compiled, x = compile(model), torch.randn(2, 5, 16)

    def step():
        optimizer.step()
        return compiled(x).square().mean()

    return [*trained(model, step), *(p.detach().clone() for p in model.parameters())]


class Cells(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(4, 6)
        self.hidden = nn.Linear(6, 6)

    def forward(self, xs):
        h = torch.zeros(xs.shape[0], 6)
        kept = []
        for t in range(xs.shape[1]):
            h = torch.tanh(self.inner(xs[:, t]) + self.hidden(h))
            if t % 2 == 0:
                kept.append(h * t)
        return h + sum(kept)


@program
def recurrent_loop(compile):
    model = Cells()
    compiled, x = compile(model), torch.randn(3, 5, 4)
    return trained(model, lambda: compiled(x).sum())


@program
def resume_functions(compile):
    said = []

    @torch.compiler.disable
    def tell(value):
        said.append(float(value))

    def f(x):
        y = x * 2
        tell(y.sum())
        z = y + 1
        for turn in range(2):
            z = z * (turn + 1)
            tell(z.sum())
        return z.sin()

    compiled, x = compile(f), torch.randn(4, requires_grad=True)
    made = [compiled(x) for _ in range(2)]
    made[1].sum().backward()
    return [*made, x.grad, torch.tensor(said)]


@program
def in_place_and_aliases(compile):
    def f(x, buffer):
        buffer.add_(x)
        y = buffer * 2
        x.mul_(3)
        part = y[1:]
        part += 1
        return y, part, x.view(2, 2), buffer

    compiled = compile(f)
    found = []
    for _ in range(2):
        x, buffer = torch.arange(4.0), torch.ones(4)
        y, part, view, same = compiled(x, buffer)
        assert same is buffer
        view.add_(1)
        part.add_(1)
        found += [x, buffer, y, part, view]
    return found


@program
def symbolic_sizes(compile):
    def f(x, n):
        rows = x.shape[0] * 2
        y = x.reshape(-1) * n
        z = y.sum() + rows
        return z, torch.zeros(rows)

    compiled = compile(f, dynamic=True)
    return [made for size in (4, 7, 9) for made in compiled(torch.ones(size, 3), size + 1)]


@program
def branch_in_the_graph(compile):
    def positive(x):
        q = x * 2
        return q.sin()

    def negative(x):
        return x - 1

    def f(x):
        y = torch.cond(x.sum() > 0, positive, negative, (x,))
        return y + 1

    compiled, found = compile(f), []
    for sign in (1, -1):
        x = (sign * torch.ones(4)).requires_grad_()
        made = compiled(x)
        made.sum().backward()
        found += [made, x.grad]
    return found


@program
def loop_in_the_graph(compile):
    from torch._higher_order_ops.while_loop import while_loop

    def f(x):
        def goes_on(i, v):
            return i < 3

        def body(i, v):
            w = v * 2
            return i + 1, w + 1

        i, y = while_loop(goes_on, body, (torch.tensor(0), x))
        return y, i

    compiled = compile(f)
    return [made for _ in range(2) for made in compiled(torch.ones(2))]


@program
def scan_in_the_graph(compile):
    from torch._higher_order_ops.scan import scan

    def combine(carry, x):
        total = carry + x
        return total, total * 2

    def f(xs):
        last, all_of = scan(combine, torch.zeros(3), xs)
        return last, all_of

    compiled = compile(f)
    return [made for size in (4, 4) for made in compiled(torch.ones(size, 3))]


@program
def map_in_the_graph(compile):
    from torch._higher_order_ops.map import map as map_over

    def f(xs, y):
        def body(x, y):
            z = x + y
            return z.sin()

        return map_over(body, xs, y)

    compiled = compile(f)
    return [compiled(torch.ones(3, 2), torch.ones(2)) for _ in range(2)]


@program
def flex_attention(compile):
    from torch.nn.attention.flex_attention import flex_attention

    def score(value, b, h, i, j):
        return value + (i - j)

    def f(q, k, v):
        o = flex_attention(q, k, v, score_mod=score)
        return o * 2

    compiled, q = compile(f), torch.randn(1, 2, 16, 16)
    return [compiled(q, q + 1, q) for _ in range(2)]


@program
def checkpoint(compile):
    from torch.utils.checkpoint import checkpoint as checkpointed

    def block(x):
        y = x.sin()
        return F.dropout(y, 0.5).cos()

    def f(x):
        z = checkpointed(block, x, use_reentrant=False)
        return z.sum()

    compiled, x = compile(f), torch.randn(6, requires_grad=True)
    made = [compiled(x) for _ in range(2)]
    sum(made).backward()
    return [*made, x.grad]


@program
def custom_autograd_function(compile):
    class Scaled(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            y = x.exp()
            return y * 2

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * x * 7

    def f(x):
        z = Scaled.apply(x)
        return z.sum()

    compiled, x = compile(f), torch.randn(4, requires_grad=True)
    made = [compiled(x) for _ in range(2)]
    sum(made).backward()
    return [*made, x.grad]


@program
def autocast_and_no_grad(compile):
    def f(x, w):
        with torch.no_grad():
            s = x.abs().max()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            y = x @ w
        z = y.float() / s
        return z.sum(), y

    compiled, x, w = compile(f), torch.randn(4, 4, requires_grad=True), torch.randn(4, 4)
    made = [one for _ in range(2) for one in compiled(x, w)]
    (made[0] + made[2]).backward()
    return [*made, x.grad]


@program
def vmap_of_grad(compile):
    def f(x):
        def loss(v):
            return (v**2).sum()

        g = torch.func.vmap(torch.func.grad(loss))(x)
        return g * 2

    compiled, x = compile(f), torch.randn(3, 2)
    return [compiled(x) for _ in range(2)]


@program
def fullgraph(compile):
    def f(x, w):
        y = x @ w
        if y.ndim == 2:
            y = y.relu()
        return y.softmax(-1)

    compiled, x = compile(f, fullgraph=True), torch.randn(4, 4)
    return [compiled(x, x + 1) for _ in range(2)]


@program
def adam_step(compile):
    parameters = [nn.Parameter(torch.randn(4)) for _ in range(3)]
    optimizer = torch.optim.Adam(parameters, lr=0.1)

    @compile
    def step():
        optimizer.step()

    found = []
    for _ in range(3):
        for parameter in parameters:
            parameter.grad = torch.randn(4)
        step()
        found += [parameter.detach().clone() for parameter in parameters]
    return found


@program
def compiled_autograd(compile):
    model, x = nn.Linear(4, 4), torch.randn(2, 4)

    def f(x):
        y = model(x)
        return y.square().mean()

    compiled = compile(f)

    def step():
        return compiled(x)

    found = []
    for _ in range(2):
        model.zero_grad()
        loss = step()
        with torch._dynamo.compiled_autograd._enable(compile):
            loss.backward()
        found += [loss.detach(), model.weight.grad.clone()]
    return found


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.all = nn.Linear(8, 24)

    def forward(self, x_BTD):
        q, k, v = self.all(x_BTD).chunk(3, dim=-1)
        mask = torch.tril(torch.ones(x_BTD.shape[1], x_BTD.shape[1], dtype=torch.bool))
        scores = (q @ k.transpose(-1, -2)).masked_fill(~mask, float("-inf"))
        return F.scaled_dot_product_attention(q, k, v, is_causal=True) + scores.softmax(-1) @ v


@program
def attention(compile):
    model = Attention()
    compiled, x = compile(model), torch.randn(2, 3, 8)
    return trained(model, lambda: compiled(x).sum())


@program
def batch_norm_and_convolution(compile):
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))
    compiled, x = compile(model), torch.randn(3, 1, 4, 4)
    found = trained(model, lambda: compiled(x).sum())
    model.eval()
    return [*found, compiled(x), *(buffer.clone() for buffer in model.buffers())]


@program
def embedding(compile):
    model = nn.Embedding(5, 3)

    def f(tokens):
        one = model(tokens)
        return one.mean(0), {"first": one[0], "n": len(tokens)}

    compiled, tokens = compile(f), torch.tensor([1, 4, 4])
    found = [compiled(tokens) for _ in range(2)]
    found[1][0].sum().backward()
    return [found[0][0], found[1][1]["first"], model.weight.grad]


@program
def dropout(compile):
    def f(x):
        y = F.dropout(x, 0.5)
        return y * torch.rand(50)

    compiled = compile(f)
    return [compiled(torch.ones(50)) for _ in range(2)]


@program
def containers_and_objects(compile):
    class Box:
        pass

    def f(d, items, box):
        acc = [v * 2 for v in items]
        e = {"s": d["a"] + acc[0], "n": 3}
        box.kept = e["s"]
        acc.append(e["s"])
        names = tuple(str(i) for i in range(2))
        return e["s"] * len(names) + acc[-1], acc

    compiled, found = compile(f), []
    for _ in range(2):
        box = Box()
        made, acc = compiled({"a": torch.ones(2)}, [torch.ones(2), torch.zeros(2)], box)
        found += [made, box.kept, *acc]
    return found


@program
def recompiled_for_sizes(compile):
    def f(x, scale=2.0):
        y = x + 1
        return y * scale

    compiled = compile(f, dynamic=False)
    return [compiled(torch.ones(size)) for size in (2, 3, 4, 2)]


@program
def scalar_of_a_tensor(compile):
    def f(x):
        n = x.sum().item()
        y = x * n
        return y, n

    with torch._dynamo.config.patch(capture_scalar_outputs=True):
        compiled = compile(f)
        return [torch.as_tensor(made) for _ in range(2) for made in compiled(torch.ones(4))]


@program
def inner_functions_and_generators(compile):
    def f(x):
        scale = 2

        def scaled(value):
            nonlocal scale
            scale += 1
            return value * scale

        def parts(value):
            yield value.sin()
            yield value.cos()

        total = scaled(x) + scaled(x)
        for part in parts(x):
            total = total + part
        return total * scale, sorted([3, 1, 2])[0]

    compiled, x = compile(f), torch.ones(3)
    return [compiled(x)[0] for _ in range(2)]


@program
def nested_region(compile):
    @torch.compiler.nested_compile_region
    def region(x, y):
        z = x * y
        return z.sin()

    def f(x, y):
        one = region(x, y)
        two = region(one, y)
        return one + two

    compiled, x = compile(f), torch.ones(3, requires_grad=True)
    made = [compiled(x, torch.full((3,), 2.0)) for _ in range(2)]
    sum(made).sum().backward()
    return [*made, x.grad]


@program
def associative_scan_is_stepped_over(compile):
    from torch._higher_order_ops.associative_scan import associative_scan

    def combine(left, right):
        return left * right

    def f(x):
        y = associative_scan(combine, x, 0, combine_mode="generic")
        return y + 1

    compiled = compile(f)
    return [compiled(torch.arange(1.0, 5.0)) for _ in range(2)]


@program
def vmap_of_a_branch(compile):
    def f(xs):
        def positive(x):
            return x * 2

        def negative(x):
            return x - 1

        def one(x):
            return torch.cond(x.sum() > 0, positive, negative, (x,))

        made = torch.vmap(one)(xs)
        return made + 1

    compiled = compile(f)
    return [compiled(torch.tensor([[1.0, 2.0], [-3.0, 1.0]])) for _ in range(2)]
