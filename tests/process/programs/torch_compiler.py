"""What programs ask of torch's compilers, one section after the other; each prints what it has seen."""

import copy
import io
import pickle
import re
import sys
import threading
import traceback

import torch
from torch import nn
from torch._dynamo.testing import CompileCounter, CompileCounterWithBackend
from torch._dynamo.utils import counters
from torch.testing._internal.two_tensor import TwoTensor
from torch.utils._python_dispatch import TorchDispatchMode

ADDRESS = re.compile(r"0x[0-9a-f]+")


def told():
    print({name: dict(values) for name, values in sorted(counters.items()) if values})


def frames(error):
    """The program's own in a traceback, in their order: between them are Dynamo's, and ours around those."""
    found = traceback.extract_tb(error.__traceback__)
    return [(frame.name, frame.lineno) for frame in found if frame.filename == __file__]


def logs():
    """What torch says of its own work, on stderr, with the guards that it checks."""
    torch._logging.set_logs(recompiles=True, graph_breaks=True, graph_code=True, guards=True)

    @torch.compile(backend="eager")
    def f(x, n):
        y = x * n
        torch._dynamo.graph_break()
        return y + 1

    for n in (1, 2, 3):
        f(torch.ones(n), n)
    torch._logging.set_logs()


def limits():
    """A function that is compiled too often runs eagerly, with a warning."""

    @torch.compile(backend=(counter := CompileCounter()), dynamic=False)
    def f(x):
        return x + 1

    @torch.compile(backend="eager", fullgraph=True, dynamic=False)
    def whole(x):
        return x + 1

    for n in range(1, 12):
        f(torch.ones(n))
    try:
        for n in range(1, 12):
            whole(torch.ones(n))
    except Exception as error:
        print(type(error).__name__, str(error).splitlines()[0], frames(error))
    with torch._dynamo.config.patch(error_on_recompile=True):
        try:
            torch.compile(lambda x: x + 1, backend="eager")(torch.ones(2))
            f(torch.ones(40))
        except Exception as error:
            print(type(error).__name__, str(error).count("\n") > 0)
    print(counter.frame_count)


def errors():
    def inner(x):
        raise KeyError("mine")

    @torch.compile(backend="eager")
    def outer(x):
        return inner(x + 1)

    @torch.compile(backend="eager", fullgraph=True)
    def whole(x):
        print("side effect")
        return x

    @torch.compile(backend="eager")
    def shapes(x):
        return x @ torch.ones(7)

    def broken(graph, inputs):
        raise ZeroDivisionError("in a backend")

    for attempt in (outer, whole, shapes, torch.compile(lambda x: x + 1, backend=broken)):
        try:
            attempt(torch.ones(2))
        except Exception as error:
            print(type(error).__name__, ADDRESS.sub("", str(error)), frames(error))
            print(type(error.__cause__), type(error.__context__), error.__suppress_context__)


def ways():
    """Stances, switches and what runs beside a compiled function."""

    @torch.compile(backend=(counter := CompileCounter()))
    def f(x):
        return x.sin() + helper(x)

    @torch.compiler.disable
    def helper(x):
        return x * 2

    x = torch.ones(3)
    with torch.compiler.set_stance("force_eager"):
        print(f(x), counter.frame_count)
    print(f(x), counter.frame_count)
    with torch.compiler.set_stance("fail_on_recompile"):
        try:
            f(torch.ones(3, 3))
        except RuntimeError as error:
            print(str(error).splitlines()[0])
    with torch.compiler.set_stance("eager_on_recompile"):
        print(f(torch.ones(2, 2)), counter.frame_count)
    explanation = torch._dynamo.explain(lambda x: helper(x) + 1)(x)
    print(explanation.graph_count, explanation.graph_break_count, explanation.op_count)
    torch._dynamo.mark_dynamic(y := torch.ones(6), 0)
    for one in (y, torch.ones(9), torch.ones(11)):
        f(one)
    print(counter.frame_count, torch.compiler.is_compiling(), f._torchdynamo_orig_callable.__name__)
    told()


def graphs():
    """Exports and traces of other kinds, which patch torch while they work."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    torch.nn.init.ones_(model[0].weight)
    x = torch.ones(2, 3)
    print(torch.export.export(model, (x,)).graph_module.code)
    print(torch.fx.symbolic_trace(model).code)
    print(torch.fx.experimental.proxy_tensor.make_fx(lambda x: (x * 2).sum())(x).code)
    print(torch.func.functionalize(lambda x: x.clone().add_(1))(x))
    scripted = torch.jit.freeze(torch.jit.script(model.eval()))
    buffer = io.BytesIO()
    torch.jit.save(scripted, buffer)
    buffer.seek(0)
    print(torch.jit.load(buffer)(x).tolist(), str(scripted.graph).count("aten::"))


def copies():
    """Copies and pickles of what is compiled."""
    torch.manual_seed(0)
    model = nn.Linear(3, 1)
    compiled = torch.compile(model, backend="eager")
    x = torch.ones(1, 3)
    compiled(x).sum().backward()
    twin = copy.deepcopy(compiled)
    print(torch.equal(twin(x), model(x)), list(compiled.state_dict()), type(compiled).__name__)
    buffer = io.BytesIO()
    torch.save(model, buffer)
    buffer.seek(0)
    print(torch.equal(torch.load(buffer, weights_only=False)(x), model(x)))
    print(torch.equal(pickle.loads(pickle.dumps(model.state_dict()))["weight"], model.weight))


def backwards():
    """Graphs of both directions, through every stage but Inductor."""
    for backend in ("aot_eager", "aot_eager_decomp_partition"):
        counter = CompileCounterWithBackend(backend)
        net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Dropout(0.5), nn.Linear(4, 1))
        torch.manual_seed(0)
        for parameter in net.parameters():
            nn.init.constant_(parameter, 0.3)
        step = torch.compile(net, backend=counter)
        for n in (2, 3, 4):
            step(torch.ones(n, 3)).square().mean().backward()
        print(backend, counter.frame_count, [p.grad.sum().item() for p in net.parameters()])
    with torch._dynamo.compiled_autograd._enable(torch.compile(backend=(counter := CompileCounter()))):
        x = torch.ones(3, requires_grad=True)
        x.sin().sum().backward()
    print(counter.frame_count, x.grad)

    @torch.compile(backend="aot_eager")
    def checkpointed(x):
        return torch.utils.checkpoint.checkpoint(lambda y: y.sin().cos(), x, use_reentrant=False)

    x = torch.ones(3, requires_grad=True)
    checkpointed(x).sum().backward()
    print(x.grad)


class Seen(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.ops = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.ops.append((str(function), sorted(kind.__name__ for kind in types)))
        return function(*args, **(kwargs or {}))


def wrapped():
    """A subclass of two tensors, by itself, in a mode, in a graph and in transforms."""
    x = TwoTensor(torch.ones(2), torch.zeros(2)).requires_grad_()
    with Seen() as seen:
        y = (x * 3).sin()
    print(y, seen.ops)
    compiled = torch.compile(lambda t: (t * 2).cos(), backend=CompileCounterWithBackend("aot_eager"))
    z = compiled(x)
    z.sum().backward()
    print(type(z).__name__, z.a.tolist(), z.b.tolist(), x.grad)
    f = torch.compile(torch.func.vmap(torch.func.grad(lambda x: (x**3).sum())), backend="aot_eager")
    print(f(torch.arange(6.0).reshape(2, 3)))
    told()


def own_ops():
    @torch.library.custom_op("mine::twice", mutates_args=())
    def twice(x: torch.Tensor) -> torch.Tensor:
        return x * 2

    twice.register_fake(lambda x: torch.empty_like(x))
    twice.register_autograd(lambda context, grad: grad * 2)
    x = torch.ones(2, requires_grad=True)
    torch.compile(lambda x: twice(x).sum(), backend="aot_eager", fullgraph=True)(x).backward()
    print(x.grad, torch.library.opcheck(twice, (torch.ones(2),)))


def threads():
    counter = CompileCounter()

    @torch.compile(backend=counter)
    def f(x):
        return x * 2

    f(torch.ones(4))
    barrier = threading.Barrier(4)

    def work(n):
        barrier.wait()
        for _ in range(5):
            f(torch.ones(4)).sum().item()

    workers = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(counter.frame_count)


def hooks():
    """Hooks of modules and tensors, within compiled code and beside it."""
    seen = []
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    nn.init.ones_(net[0].weight)
    net[0].register_forward_hook(lambda m, i, o: seen.append(("forward", type(o).__name__)))
    net[1].register_full_backward_hook(lambda m, i, o: seen.append(("backward", len(o))))
    torch.compile(net, backend="aot_eager")(torch.ones(1, 2)).sum().backward()
    with torch.autograd.graph.save_on_cpu():
        net(torch.ones(1, 2)).sum().backward()
    print(seen, net[0].weight.grad)


SECTIONS = [
    logs, limits, errors, ways, graphs, copies, backwards, wrapped, own_ops, threads, hooks,
]  # fmt: skip

for section in SECTIONS:
    if sys.argv[1:] and section.__name__ not in sys.argv[1:]:
        continue
    print("---", section.__name__, flush=True)
    torch._dynamo.reset()
    counters.clear()
    section()
