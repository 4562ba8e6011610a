"""One small program for each way in which a call can miss the cache of a compiled function.

A scenario takes `compiled`, which is `torch.compile` with the eager backend, and calls a function
so often that it is compiled again. The names are the keys of `guard_texts.json`.
"""

import contextlib
import gc
import types

import torch
from torch import nn

SCENARIOS = {}
FLAG = True


def scenario(function):
    SCENARIOS[function.__name__] = function
    return function


def double(x):
    return x * 2


def scaled(x, n):
    return x * n


@scenario
def size(compiled):
    f = compiled(double)
    f(torch.ones(10, 4))
    f(torch.ones(11, 4))


@scenario
def size_one(compiled):
    f = compiled(double)
    f(torch.ones(10, 4))
    f(torch.ones(11, 4))
    f(torch.ones(1, 4))


@scenario
def size_of_user_condition(compiled):
    def f(x):
        if x.size()[0] > 5:
            return x + 1
        return x - 1

    f = compiled(f, dynamic=True)
    f(torch.ones(10))
    f(torch.ones(3))


@scenario
def sizes_equal(compiled):
    f = compiled(lambda a, b: a + 1 if a.size()[0] == b.size()[0] else b, dynamic=True)
    f(torch.ones(4), torch.ones(4))
    f(torch.ones(4), torch.ones(5))


@scenario
def rank(compiled):
    f = compiled(double)
    f(torch.ones(4))
    f(torch.ones(4, 4))


@scenario
def dtype(compiled):
    f = compiled(double)
    f(torch.ones(4))
    f(torch.ones(4, dtype=torch.float64))


@scenario
def stride(compiled):
    f = compiled(double)
    f(torch.ones(4, 5))
    f(torch.ones(5, 4).t())


@scenario
def device(compiled):
    f = compiled(double)
    f(torch.ones(4))
    f(torch.ones(4, device="meta"))


@scenario
def inference_tensor(compiled):
    f = compiled(double)
    f(torch.ones(4))
    with torch.inference_mode():
        x = torch.ones(4)
    f(x)


@scenario
def requires_grad(compiled):
    f = compiled(double)
    f(torch.ones(4))
    f(torch.ones(4, requires_grad=True))


@scenario
def parameter_frozen(compiled):
    layer = nn.Linear(4, 4)
    f = compiled(layer)
    f(torch.ones(2, 4))
    layer.weight.requires_grad_(False)
    f(torch.ones(2, 4))


@scenario
def parameter_instead_of_tensor(compiled):
    f = compiled(double)
    f(torch.ones(4))
    f(nn.Parameter(torch.ones(4)))


@scenario
def duplicate_tensors(compiled):
    f = compiled(lambda a, b: a + b)
    f(torch.ones(4), torch.ones(4))
    x = torch.ones(4)
    f(x, x)


@scenario
def none_to_tensor(compiled):
    f = compiled(lambda x, mask=None: x + 1 if mask is None else x * mask)
    f(torch.ones(4))
    f(torch.ones(4), torch.ones(4))


@scenario
def tensor_to_none(compiled):
    f = compiled(lambda x, mask=None: x + 1 if mask is None else x * mask)
    f(torch.ones(4), torch.ones(4))
    f(torch.ones(4))


@scenario
def python_to_tensor(compiled):
    f = compiled(scaled)
    f(torch.ones(4), 3)
    f(torch.ones(4), torch.tensor(3))


@scenario
def int_value(compiled):
    f = compiled(scaled)
    f(torch.ones(4), 2)
    f(torch.ones(4), 3)


@scenario
def int_to_float(compiled):
    f = compiled(scaled)
    f(torch.ones(4), 2)
    f(torch.ones(4), 2.5)


@scenario
def float_value(compiled):
    f = compiled(scaled)
    f(torch.ones(4), 1.5)
    f(torch.ones(4), 2.5)


@scenario
def str_value(compiled):
    f = compiled(lambda x, mode: x + 1 if mode == "train" else x - 1)
    f(torch.ones(4), "train")
    f(torch.ones(4), "eval")


@scenario
def bool_value(compiled):
    f = compiled(lambda x, training: x + 1 if training else x - 1)
    f(torch.ones(4), True)
    f(torch.ones(4), False)


@scenario
def list_length(compiled):
    f = compiled(lambda x, items: x + len(items))
    f(torch.ones(4), [1])
    f(torch.ones(4), [1, 2])


@scenario
def tuple_length(compiled):
    f = compiled(lambda xs: sum(xs))
    f((torch.ones(4), torch.ones(4)))
    f((torch.ones(4), torch.ones(4), torch.ones(4)))


@scenario
def dict_value(compiled):
    f = compiled(lambda x, options: x * options["scale"])
    f(torch.ones(4), {"scale": 1.5})
    f(torch.ones(4), {"scale": 2.5})


@scenario
def dict_keys(compiled):
    f = compiled(lambda batch: sum(batch.values()))
    f({"a": torch.ones(4)})
    f({"a": torch.ones(4), "b": torch.ones(4)})


@scenario
def dict_key_renamed(compiled):
    f = compiled(lambda batch: batch["a"] + 1 if "a" in batch else batch["b"] + 2)
    f({"a": torch.ones(4)})
    f({"b": torch.ones(4)})


@scenario
def list_to_tuple(compiled):
    f = compiled(lambda xs: xs[0] + xs[1])
    f([torch.ones(4), torch.ones(4)])
    f((torch.ones(4), torch.ones(4)))


@scenario
def object_attribute(compiled):
    f = compiled(lambda x, config: x * config.scale)
    f(torch.ones(4), types.SimpleNamespace(scale=2))
    f(torch.ones(4), types.SimpleNamespace(scale=3))


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.scale = 3
        self.residual = True

    def forward(self, x):
        y = self.linear(x) * self.scale
        return x + y if self.residual else y


@scenario
def module_int_attribute(compiled):
    module = Scaled()
    f = compiled(module)
    f(torch.ones(2, 4))
    module.scale = 1
    f(torch.ones(2, 4))


@scenario
def module_bool_attribute(compiled):
    module = Scaled()
    f = compiled(module)
    f(torch.ones(2, 4))
    module.residual = False
    f(torch.ones(2, 4))


@scenario
def module_training(compiled):
    module = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5))
    f = compiled(module)
    f(torch.ones(2, 4))
    module.eval()
    f(torch.ones(2, 4))


@scenario
def module_hook_added(compiled):
    module = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    with torch._dynamo.config.patch(skip_nnmodule_hook_guards=False):
        f = compiled(lambda x: module(x))
        f(torch.ones(2, 4))
        module[0].register_forward_hook(lambda *_: None)
        f(torch.ones(2, 4))


@scenario
def module_of_other_size(compiled):
    f = compiled(lambda layer, x: layer(x))
    f(nn.Linear(4, 4), torch.ones(2, 4))
    f(nn.Linear(4, 5), torch.ones(2, 4))


@scenario
def module_of_other_type(compiled):
    f = compiled(lambda layer, x: layer(x))
    f(nn.Linear(4, 4), torch.ones(2, 4))
    f(nn.ReLU(), torch.ones(2, 4))


@scenario
def function_object(compiled):
    def apply(function, x):
        return function(x)

    f = compiled(apply)
    f(lambda y: y + 1, torch.ones(4))
    f(lambda y: y + 2, torch.ones(4))


@scenario
def object_identity(compiled):
    f = compiled(lambda x, kind: x.to(kind) if kind is torch.float64 else x + 1)
    f(torch.ones(4), torch.float64)
    f(torch.ones(4), torch.float32)


@scenario
def class_identity(compiled):
    f = compiled(lambda x, kind: x + 1 if kind is int else x - 1)
    f(torch.ones(4), int)
    f(torch.ones(4), str)


@scenario
def closure_value(compiled):
    factor = 2

    def f(x):
        return x * factor

    f = compiled(f)
    f(torch.ones(4))
    factor = 3
    f(torch.ones(4))


@scenario
def global_value(compiled):
    global FLAG

    def f(x):
        return x + 1 if FLAG else x - 1

    f = compiled(f)
    f(torch.ones(4))
    FLAG = False
    f(torch.ones(4))
    FLAG = True


@scenario
def default_argument(compiled):
    def f(x, *, inner=double):
        return inner(x)

    f = compiled(f)
    f(torch.ones(4))
    f(torch.ones(4), inner=lambda x: x + 1)


@scenario
def optimizer_state(compiled):
    parameter = nn.Parameter(torch.ones(4))
    optimizer = torch.optim.SGD([parameter], lr=0.1, momentum=0.9)
    step = compiled(lambda: optimizer.step())
    for _ in range(2):
        parameter.grad = torch.ones(4)
        step()


@scenario
def learning_rate(compiled):
    parameter = nn.Parameter(torch.ones(4))
    optimizer = torch.optim.SGD([parameter], lr=0.1)
    step = compiled(lambda: optimizer.step())
    for _ in range(3):
        parameter.grad = torch.ones(4)
        step()
        optimizer.param_groups[0]["lr"] *= 0.5


@scenario
def grad_mode(compiled):
    f = compiled(double)
    f(torch.ones(4))
    with torch.no_grad():
        f(torch.ones(4))


@scenario
def autocast(compiled):
    f = compiled(double)
    f(torch.ones(4))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        f(torch.ones(4))


@scenario
def default_dtype(compiled):
    f = compiled(double)
    f(torch.ones(4, dtype=torch.float32))
    torch.set_default_dtype(torch.float64)
    with contextlib.ExitStack() as stack:
        stack.callback(torch.set_default_dtype, torch.float32)
        f(torch.ones(4, dtype=torch.float32))


@scenario
def num_threads(compiled):
    with contextlib.ExitStack() as stack:
        stack.callback(torch.set_num_threads, torch.get_num_threads())
        torch.set_num_threads(2)
        f = compiled(double)
        f(torch.ones(4))
        torch.set_num_threads(3)
        f(torch.ones(4))


@scenario
def deterministic(compiled):
    f = compiled(double)
    f(torch.ones(4))
    torch.use_deterministic_algorithms(True)
    with contextlib.ExitStack() as stack:
        stack.callback(torch.use_deterministic_algorithms, False)
        f(torch.ones(4))


@scenario
def default_device(compiled):
    f = compiled(lambda x: (x + 1, torch.ones(4) + 1))
    f(torch.ones(4))
    with torch.device("meta"):
        f(torch.ones(4, device="cpu"))


@scenario
def backend_of_other_name(compiled):
    compiled(double)(torch.ones(4))
    torch.compile(double, backend="aot_eager")(torch.ones(4))


@scenario
def backend_object(compiled):
    for _ in range(2):
        torch.compile(double, backend=lambda graph, _: graph.forward)(torch.ones(4))


@scenario
def mark_dynamic(compiled):
    f = compiled(double)
    f(torch.ones(4, 4))
    x = torch.ones(4, 4)
    torch._dynamo.mark_dynamic(x, 0)
    f(x)


@scenario
def dead_object(compiled):
    f = compiled(lambda x, kind: x + 1 if kind is not int else x - 1)
    for name in "ABC":
        kind = type(name, (), {})
        f(torch.ones(4), kind)
        del kind
        gc.collect()
