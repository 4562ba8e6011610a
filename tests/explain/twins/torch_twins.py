"""Programs for torch.compile with the advice applied."""

from __future__ import annotations

import types

import torch

from explain.twins.registry import Twins

TWINS = Twins()


def plus_one(x):
    return x + 1


def compiled(function, **options):
    return torch.compile(function, backend="eager", **options)


def batches_of(count):
    return torch.arange(count * 1.0).reshape(count, 1).split(32)


@TWINS.fix("pt_dynamic_false_shapes", "leave out dynamic=False", 2)
def sizes_left_to_dynamo():
    f = compiled(plus_one)
    for n in range(1, 12):
        f(torch.ones(n))


@TWINS.fix("pt_fullgraph_limit_error", "leave out dynamic=False", 2)
def sizes_of_one_graph_left_to_dynamo():
    f = compiled(plus_one, fullgraph=True)
    for n in range(1, 12):
        f(torch.ones(n))


@TWINS.fix("pt_dynamic_auto_ok", "torch._dynamo.mark_dynamic(x, 0) before the first call spares this one", 1)
def size_marked():
    f = compiled(plus_one)
    for n in range(2, 12):
        x = torch.ones(n)
        torch._dynamo.mark_dynamic(x, 0)
        f(x)


@TWINS.fix("pt_zero_one_specialize", "torch._dynamo.mark_dynamic(x, 0) before the first call spares", 3)
def size_marked_beside_0_and_1():
    f = compiled(plus_one)
    for n in (5, 6, 7, 1, 0, 8):
        x = torch.ones(n)
        if n > 1:
            torch._dynamo.mark_dynamic(x, 0)
        f(x)


@TWINS.fix("pt_zero_one_specialize", "pad to 2 or more", 2)
def padded():
    f = compiled(plus_one)
    for n in (5, 6, 7, 1, 0, 8):
        f(torch.nn.functional.pad(torch.ones(n), (0, max(2 - n, 0))))


@TWINS.fix("pt_zero_one_specialize", "drop a batch that is smaller", 2)
def small_ones_dropped():
    f = compiled(plus_one)
    for n in (5, 6, 7, 1, 0, 8):
        if n >= 2:
            f(torch.ones(n))


@TWINS.fix("pt_zero_one_specialize", "torch._dynamo.decorators.mark_unbacked(x, 0) before each call", 1)
def sizes_unbacked():
    f = compiled(plus_one)
    for n in (5, 6, 7, 1, 0, 8):
        x = torch.ones(n)
        torch._dynamo.decorators.mark_unbacked(x, 0)
        f(x)


@TWINS.fix("pt_last_batch_of_one", "pad to the size of the others", 1)
def last_batch_padded():
    f = compiled(lambda x: x.sum())
    for x in batches_of(65):
        f(torch.nn.functional.pad(x, (0, 0, 0, 32 - len(x))))


@TWINS.fix("pt_last_batch_of_one", "drop a batch that is smaller", 1)
def last_batch_dropped():
    f = compiled(lambda x: x.sum())
    for x in batches_of(65):
        if len(x) == 32:
            f(x)


@TWINS.fix("pt_last_batch_of_one", "torch._dynamo.decorators.mark_unbacked(x, 0) before each call", 1)
def last_batch_unbacked():
    f = compiled(lambda x: x.sum())
    for x in batches_of(65):
        torch._dynamo.decorators.mark_unbacked(x, 0)
        f(x)


@TWINS.fix("pt_int_arg_ok", "dynamic=True spares this one", 1)
def any_int():
    f = compiled(lambda x, n: x * n, dynamic=True)
    for n in range(2, 12):
        f(torch.ones(4), n)


@TWINS.fix("pt_float_arg_ok", "dynamic=True spares this one", 1)
def any_float():
    f = compiled(lambda x, c: x + c, dynamic=True)
    for i in range(10):
        f(torch.ones(4), 0.5 + i)


class Layer(torch.nn.Module):
    def __init__(self, idx):
        super().__init__()
        self.idx = idx
        self.w = torch.nn.Parameter(torch.ones(3))

    def forward(self, x):
        return x * self.w + self.idx


def through(layers, x):
    for layer in layers:
        layer.compile(backend="eager")
    for layer in layers:
        x = layer(x)


class LayerWithTensor(Layer):
    def __init__(self, idx):
        super().__init__(idx)
        self.idx = torch.tensor(self.idx)


@TWINS.fix("pt_layer_idx", "keep `self.idx` in a tensor: self.idx = torch.tensor(self.idx)", 2)
def index_in_a_tensor():
    through([LayerWithTensor(i) for i in range(12)], torch.ones(3))


@TWINS.fix("pt_layer_idx", "torch._dynamo.config.allow_unspec_int_on_nn_module = True", 2)
def any_index():
    with torch._dynamo.config.patch(allow_unspec_int_on_nn_module=True):
        through([Layer(i) for i in range(12)], torch.ones(3))


@TWINS.fix("pt_layer_idx", "pass `x` always tracked by autograd", 1)
def always_tracked():
    through([LayerWithTensor(i) for i in range(12)], torch.ones(3, requires_grad=True))


@TWINS.fix("pt_layer_idx", "never", 1)
def never_tracked():
    with torch.no_grad():
        through([LayerWithTensor(i) for i in range(12)], torch.ones(3))


@TWINS.fix("pt_autocast_toggle", "calling under one of both spares this one", 1)
def always_under_autocast():
    f = compiled(lambda x: x @ x)
    x = torch.ones(3, 3)
    for _ in range(3):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            f(x)


@TWINS.fix("pt_grad_mode", "calling under one of both spares this one", 2)
def always_with_gradients():
    f = compiled(lambda x: x.sin())
    x = torch.ones(3, requires_grad=True)
    f(x)
    f(x)
    with torch.inference_mode():
        f(torch.ones(3))


@TWINS.fix("pt_grad_mode", "passing it always the same way spares this one", 2)
def never_an_inference_tensor():
    f = compiled(lambda x: x.sin())
    x = torch.ones(3, requires_grad=True)
    f(x)
    with torch.no_grad():
        f(x)
        f(x)


@TWINS.fix("pt_list_grow", "pass one tensor, torch.stack(xs): its size may vary", 2)
def one_stacked_tensor():
    f = compiled(lambda xs: xs.sum(0))
    xs = []
    for _ in range(12):
        xs.append(torch.ones(2))
        f(torch.stack(xs))


@TWINS.fix("pt_fresh_callable_arg", "make the function `g` once, and pass the same one", 1)
def one_callable():
    f = compiled(lambda x, g: g(x))
    g = eval("lambda y: y + 1")
    for _ in range(12):
        f(torch.ones(3), g)


@TWINS.fix("pt_backend_object_changes", "make the backend once, outside of the call", 1)
def one_backend():
    def backend(gm, _):
        return gm.forward

    f = torch.compile(plus_one, backend=backend)
    for _ in range(12):
        f(torch.ones(3))


MANY_SORTS = (
    lambda: torch.ones(4, 4),
    lambda: torch.ones(4, 4).t(),
    lambda: torch.ones(4, 4, dtype=torch.float64),
    lambda: torch.ones(4, 4, requires_grad=True),
    lambda: torch.ones(8, 8)[::2, ::2],
)


@TWINS.fix("pt_dtype_stride_grad", "pass x.contiguous()", 3)
def contiguous():
    f = compiled(plus_one)
    for make in MANY_SORTS:
        x = make()
        f(x.contiguous())


@TWINS.fix("pt_dtype_stride_grad", "x.to(torch.float32)", 4)
def of_one_dtype():
    f = compiled(plus_one)
    for make in MANY_SORTS:
        x = make()
        f(x.to(torch.float32))


@TWINS.fix("pt_dtype_stride_grad", "passing it always the same way spares this one", 4)
def never_with_a_gradient():
    f = compiled(plus_one)
    for make in MANY_SORTS:
        f(make().detach())


# --- causes that no case has ------------------------------------------------------------------


@TWINS.program
def rank_varies():
    f = compiled(plus_one)
    for rank in range(1, 4):
        f(torch.ones([2] * rank))


@TWINS.fix("rank_varies", "x.reshape(...)", 1)
def one_rank():
    f = compiled(plus_one)
    for rank in range(1, 4):
        f(torch.ones([2] * rank).reshape(-1)[:2])


@TWINS.program
def sometimes_a_number():
    f = compiled(lambda x, scale: x * scale)
    for scale in (2.0, torch.tensor(2.0)):
        f(torch.ones(2), scale)


@TWINS.fix("sometimes_a_number", "always pass `scale` as a tensor: torch.as_tensor(scale)", 1)
def always_a_tensor():
    f = compiled(lambda x, scale: x * scale)
    for scale in (2.0, torch.tensor(2.0)):
        f(torch.ones(2), torch.as_tensor(scale))


@TWINS.program
def number_of_turns():
    def f(x, n):
        for _ in range(n):
            x = x + 1
        return x

    f = compiled(f)
    for n in range(2, 6):
        f(torch.ones(3), n)


@TWINS.fix("number_of_turns", "keep its values few", 2)
def few_numbers_of_turns():
    def f(x, n):
        for _ in range(n):
            x = x + 1
        return x

    f = compiled(f)
    for n in range(2, 6):
        f(torch.ones(3), 4 if n <= 4 else 8)


@TWINS.program
def number_with_a_graph_each():
    f = compiled(lambda x, n: x * n, dynamic=False)
    for n in range(2, 6):
        f(torch.ones(3), n)


@TWINS.fix("number_with_a_graph_each", "leave out dynamic=False", 2)
def number_left_to_dynamo():
    f = compiled(lambda x, n: x * n)
    for n in range(2, 6):
        f(torch.ones(3), n)


@TWINS.fix("number_with_a_graph_each", "pass `n` as a tensor: torch.tensor(n)", 1)
def number_as_tensor():
    f = compiled(lambda x, n: x * n, dynamic=False)
    for n in range(2, 6):
        f(torch.ones(3), torch.tensor(n))


@TWINS.program
def condition_on_a_size():
    f = compiled(lambda x: x + 1 if x.size(0) > 5 else x - 1, dynamic=True)
    for n in (10, 3, 4, 11):
        f(torch.ones(n))


@TWINS.fix("condition_on_a_size", "decide before the call", 1)
def decided_before():
    f = compiled(lambda x, big: torch.where(big, x + 1, x - 1), dynamic=True)
    for n in (10, 3, 4, 11):
        f(torch.ones(n), torch.tensor(n > 5))


@TWINS.fix("condition_on_a_size", "torch.cond", 1)
def decided_in_the_graph():
    def f(x):
        return torch.cond(x.size(0) > 5, lambda x: x + 1, lambda x: x - 1, (x,))

    f = compiled(f, dynamic=True)
    for n in (10, 3, 4, 11):
        f(torch.ones(n))


@TWINS.program
def attribute_of_an_object():
    f = compiled(lambda x, cfg: x * cfg.scale)
    for scale in range(2, 6):
        f(torch.ones(3), types.SimpleNamespace(scale=scale))


@TWINS.fix("attribute_of_an_object", "dynamic=True spares this one", 1)
def any_attribute_of_an_object():
    f = compiled(lambda x, cfg: x * cfg.scale, dynamic=True)
    for scale in range(2, 6):
        f(torch.ones(3), types.SimpleNamespace(scale=scale))


def optimize(**options):
    parameter = torch.nn.Parameter(torch.ones(4))
    optimizer = torch.optim.SGD([parameter], **options)
    step = compiled(lambda: optimizer.step())
    for _ in range(4):
        parameter.grad = torch.ones(4)
        step()
        optimizer.param_groups[0]["lr"] = optimizer.param_groups[0]["lr"] * 0.5


@TWINS.program
def rate_of_an_optimizer():
    optimize(lr=0.1)


@TWINS.fix("rate_of_an_optimizer", "lr=torch.tensor(...) spares this one", 4)
def rate_in_a_tensor():
    optimize(lr=torch.tensor(0.1))


@TWINS.program
def setting_varies():
    before = torch.get_num_threads()
    f = compiled(plus_one)
    f(torch.ones(3))
    torch.set_num_threads(before + 1)
    try:
        f(torch.ones(3))
    finally:
        torch.set_num_threads(before)


@TWINS.fix("setting_varies", "set `num_threads` once, before the first call", 1)
def setting_made_before():
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        f = compiled(plus_one)
        f(torch.ones(3))
        f(torch.ones(3))
    finally:
        torch.set_num_threads(before)
