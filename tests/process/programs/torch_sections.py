"""What programs do with torch, one section after the other; each prints what it has seen."""

import gc
import os
import random
import resource
import sys
import threading
import weakref

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode


def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))


def train(model, steps=3):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = model(torch.ones(2, 4)).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def random_streams():
    torch.manual_seed(3)
    random.seed(3)
    losses = train(net())
    print(losses, torch.rand(2).tolist(), random.random(), int(torch.get_rng_state().sum()))
    print(nn.functional.dropout(torch.ones(8)).tolist(), torch.randperm(5).tolist())


def compile_counts():
    from torch._dynamo.testing import CompileCounter
    from torch._dynamo.utils import counters

    counter = CompileCounter()

    @torch.compile(backend=counter)
    def f(x, k=1):
        y = x * k
        torch._dynamo.graph_break()
        return y.sum() + x.shape[0]

    for n in (2, 3, 4, 5):
        f(torch.ones(n))
    f(torch.ones(2, requires_grad=True), 2).backward()
    model = torch.compile(net(), backend=counter)
    print(train(model), counter.frame_count, counter.op_count)
    print({name: dict(values) for name, values in sorted(counters.items()) if values})


def scripts():
    @torch.jit.script
    def f(x, n: int):
        for _ in range(n):
            x = torch.relu(x) + 1
        return x

    for n in (1, 2, 3):
        f(torch.ones(2), n)
    print(f.graph, f.code)
    print(torch.jit.trace(lambda x: x.sin() + 1, torch.ones(2)).graph)


class Log(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.ops = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.ops.append(str(function))
        return function(*args, **(kwargs or {}))


class Functions(torch.overrides.TorchFunctionMode):
    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        self.names.append(torch.overrides.resolve_name(function) or repr(function))
        return function(*args, **(kwargs or {}))


def modes():
    with Log() as ops, Functions() as functions:
        train(net(), 2)
        x = torch.ones(3)
        print(x.tolist(), x.numpy(), bool(x.sum()), x[x > 0], x.nonzero(), x.cpu(), float(x[0]), repr(x))
    print(ops.ops, functions.names, sep="\n")


class Named(torch.Tensor):
    seen = []

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        cls.seen.append(function.__name__)
        return super().__torch_function__(function, types, args, kwargs)


def subclasses():
    x = torch.ones(3, requires_grad=True).as_subclass(Named)
    y = (x * 2).sum()
    y.backward()
    print(type(y), y.item(), x.detach().tolist(), x.detach().numpy(), Named.seen)


def transforms():
    f = torch.func.vmap(torch.func.grad(lambda x: (x**3).sum()))
    print(f(torch.arange(6.0).reshape(2, 3)), torch.func.jvp(torch.sin, (torch.ones(1),), (torch.ones(1),)))
    print(torch.func.hessian(lambda x: (x**3).sum())(torch.ones(2)))


def checkpoints():
    from torch.utils.checkpoint import checkpoint

    for is_reentrant in (True, False):
        calls = []
        layer = net()

        def run(x, layer=layer, calls=calls):
            calls.append(torch.is_grad_enabled())
            return nn.functional.dropout(layer(x))

        x = torch.ones(2, 4, requires_grad=True)
        checkpoint(run, x, use_reentrant=is_reentrant).sum().backward()
        print(is_reentrant, calls, x.grad.sum().item())


def backwards():
    seen = []
    x = torch.ones(2, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(
        lambda t: (seen.append("pack"), t)[1], lambda t: (seen.append("unpack"), t)[1]
    ):
        y = (x * x).exp()
    y.register_hook(lambda grad: seen.append("hook"))
    x.register_post_accumulate_grad_hook(lambda _: seen.append("accumulated"))
    y.sum().backward(retain_graph=True)
    torch.autograd.grad(y.sum(), x, retain_graph=True)
    (y.sum() * 2).backward()
    print(seen, x.grad)
    with torch.autograd.detect_anomaly():
        try:
            torch.log(torch.zeros(1, requires_grad=True) * -1).mul(0).sum().backward()
        except RuntimeError as error:
            print(error)
    try:
        y.sum().backward()
    except RuntimeError as error:
        print(error)


def determinism():
    torch.use_deterministic_algorithms(True)
    print(torch.empty(2), torch.are_deterministic_algorithms_enabled(), train(net(), 1))
    torch.use_deterministic_algorithms(False)


def profilers():
    for with_stack in (False, True):
        model = net()
        with torch.profiler.profile(with_stack=with_stack, record_shapes=True) as profiler:
            train(model, 2)
        events = [event.name for event in profiler.events()]
        ops = sorted((name, events.count(name)) for name in set(events) if name.startswith("aten::"))
        samples = sum("tracedbg/sampling.py" in name and name.endswith("_sample") for name in events)
        print(ops, samples > 1)  # the one that is under way when the profiler starts may be seen
    with torch.autograd.profiler.profile() as old:
        train(model, 1)
    print(sorted((event.key, event.count) for event in old.key_averages()))


class Thing:
    pass


def lifetimes():
    late = 0

    def work():
        thing = Thing()
        thing.tensor = torch.ones(3)
        result = (thing.tensor * 2).sum()
        result.item()
        return weakref.ref(thing), weakref.ref(thing.tensor), weakref.ref(result)

    for _ in range(2000):
        late += sum(one() is not None for one in work())
    model = net()
    loss = model(torch.ones(2, 4)).sum()
    loss.backward()
    loss.tolist()
    references = [weakref.ref(one) for one in (model, model[0], model[0].weight, model[0].weight.grad, loss)]
    del model, loss
    print("late", late, [one() for one in references])
    compiled = torch.compile(lambda x: x + 1, backend="eager")
    x = torch.ones(7)
    y = compiled(x)
    references = [weakref.ref(x), weakref.ref(y)]
    del x, y
    print([one() for one in references])


def finalizers():
    """Of cyclic garbage: each is called once, in whichever thread the collection is."""
    called = []

    class Cycle:
        def __init__(self):
            self.me = self

        def __del__(self):
            called.append(1)

    for _ in range(3000):
        Cycle().tensor = torch.ones(1).sum().item()
        {}, [[] for _ in range(20)]
    gc.collect()
    print(len(called), gc.get_threshold(), gc.garbage, gc.callbacks, threading.active_count())


def even(steps=3):
    """A training without random numbers: threads share those."""
    model = net()
    for parameter in model.parameters():
        nn.init.constant_(parameter, 0.1)
    return train(model, steps)


def threads():
    def work(results):
        results.append(even())

    results = []
    workers = [threading.Thread(target=work, args=(results,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    print(len(threading.enumerate()) <= 4)
    for worker in workers:
        worker.join()
    print(results, threading.enumerate()[0].name, threading.active_count())


def asynchronous():
    import asyncio

    async def step(n):
        await asyncio.sleep(0)
        return (await asyncio.to_thread(even), n)

    async def all_of_them():
        return await asyncio.gather(*(step(n) for n in range(3)))

    print(asyncio.run(all_of_them()))


def settings():
    print(sys.getswitchinterval(), sys.getrecursionlimit(), sys.gettrace(), sys.getprofile(), sys.flags)
    print(torch.get_num_threads(), torch.is_grad_enabled(), torch.get_default_dtype(), threading.stack_size())
    print(torch._C._len_torch_dispatch_stack(), torch._C._len_torch_function_stack())
    print(torch.autograd._profiler_enabled(), sys.excepthook, threading.excepthook, sys.unraisablehook)

    def deep(n):
        return torch.ones(1).sum().item() + deep(n - 1) if n else 0.0

    sys.setrecursionlimit(len_of_stack() + 50)
    for n in range(40, 60):
        try:
            deep(n)
        except RecursionError as error:
            print(n, error)
            break
    sys.setrecursionlimit(1000)


def len_of_stack():
    frame, count = sys._getframe(), 0
    while frame:
        frame, count = frame.f_back, count + 1
    return count


SECTIONS = [
    random_streams, compile_counts, scripts, modes, subclasses, transforms, checkpoints, backwards, determinism,
    profilers, lifetimes, finalizers, threads, asynchronous, settings,
]  # fmt: skip

for section in SECTIONS:
    if sys.argv[1:] and section.__name__ not in sys.argv[1:]:
        continue
    print("---", section.__name__, flush=True)
    section()

which = "traced" if "TRACEDBG_RUN" in os.environ else "plain"
with open(f"peak-{which}.txt", "w") as file:
    file.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
