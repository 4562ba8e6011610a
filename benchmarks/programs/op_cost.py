"""What it costs to see the ops of a train step: prints `{recorder: [ratio, ...]}` of one net, as JSON.

Blocks of steps alternate in one process, plain and recorded: a ratio is that of the medians of the steps of
two blocks that follow each other, in processor time of all threads. Post-processing is not in it: that of
torch.profiler takes longer than its recording.
"""

from __future__ import annotations

import cProfile
import importlib.util
import json
import sys
import time
import warnings
from contextlib import contextmanager
from statistics import median

import torch
from torch import nn
from torch.nn import functional

import tracedbg
from tracedbg import plugins

STEPS = {"mlp": 800, "transformer": 20, "conv": 6}


class Block(nn.Module):
    """Of a ResNet."""

    def __init__(self, inner, outer, stride=1):
        super().__init__()
        self.first, self.first_norm = nn.Conv2d(inner, outer, 3, stride, 1, bias=False), nn.BatchNorm2d(outer)
        self.second, self.second_norm = nn.Conv2d(outer, outer, 3, 1, 1, bias=False), nn.BatchNorm2d(outer)
        self.down = None
        if stride != 1 or inner != outer:
            self.down = nn.Sequential(nn.Conv2d(inner, outer, 1, stride, bias=False), nn.BatchNorm2d(outer))

    def forward(self, x):
        y = functional.relu(self.first_norm(self.first(x)))
        y = self.second_norm(self.second(y))
        return functional.relu(y + (x if self.down is None else self.down(x)))


class ResNet(nn.Module):
    """As ResNet-18."""

    def __init__(self):
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        blocks, inner = [], 64
        for outer, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
            blocks += [Block(inner, outer, stride), Block(outer, outer)]
            inner = outer
        self.blocks, self.head = nn.Sequential(*blocks), nn.Linear(512, 10)

    def forward(self, x):
        x = functional.max_pool2d(functional.relu(self.norm(self.stem(x))), 3, 2, 1)
        return self.head(self.blocks(x).mean((2, 3)))


class Transformer(nn.Module):
    """Two layers of an encoder."""

    def __init__(self, width=128):
        super().__init__()
        self.embed = nn.Embedding(1000, width)
        layer = nn.TransformerEncoderLayer(width, 4, 256, batch_first=True, dropout=0.1)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.out = nn.Linear(width, 1000)

    def forward(self, x):
        return self.out(self.layers(self.embed(x))).reshape(-1, 1000)


def step_of(net: str):
    torch.manual_seed(0)
    if net == "mlp":
        model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
        x, y = torch.randn(32, 64), torch.randint(0, 10, (32,))
    elif net == "transformer":
        model, x, y = Transformer(), torch.randint(0, 1000, (8, 32)), torch.randint(0, 1000, (256,))
    else:
        model, x, y = ResNet(), torch.randn(4, 3, 64, 64), torch.randint(0, 10, (4,))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)

    def step():
        optimizer.zero_grad(set_to_none=True)
        functional.cross_entropy(model(x), y).backward()
        optimizer.step()

    return step


@contextmanager
def ours():
    """Ops with their lines."""
    others = {
        name: plugins.OP_RECORDERS.pop(name) for name in list(plugins.OP_RECORDERS) if name != "torch_ops"
    }
    try:
        with tracedbg.record(ops=True, rate_hz=0):
            yield
    finally:
        plugins.OP_RECORDERS.update(others)


@contextmanager
def ours_with_graphs():
    """All that `--ops` stands for: also the graphs of steps."""
    with tracedbg.record(ops=True, rate_hz=0):
        yield


@contextmanager
def torch_profiler():
    """Recording alone."""
    profile = torch.autograd.profiler.profile(use_kineto=True, with_stack=True)
    profile._prepare_trace()
    profile._start_trace()
    try:
        yield
    finally:
        torch.autograd._disable_profiler()
        profile.entered = False


@contextmanager
def c_profile():
    profile = cProfile.Profile()
    profile.enable()
    try:
        yield
    finally:
        profile.disable()


@contextmanager
def viztracer():
    from viztracer import VizTracer

    tracer = VizTracer(verbose=0)
    tracer.start()
    try:
        yield
    finally:
        tracer.stop()
        tracer.clear()


def recorders():
    found = {
        "tracedbg": ours,
        "tracedbg, graphs too": ours_with_graphs,
        "torch.profiler with_stack": torch_profiler,
        "cProfile": c_profile,
    }
    if importlib.util.find_spec("viztracer"):
        found["viztracer"] = viztracer
    return found


def block_ns(step, count: int) -> float:
    """The median step of a block."""
    times = []
    for _ in range(count):
        start = time.process_time_ns()
        step()
        times.append(time.process_time_ns() - start)
    return median(times)


def main() -> None:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    net, pairs = sys.argv[1], int(sys.argv[2])
    step, count = step_of(net), STEPS[net]
    for _ in range(5):
        step()
    ratios: dict[str, list[float]] = {name: [] for name in recorders()}
    for _ in range(pairs):
        for name, recorder in recorders().items():
            plain = block_ns(step, count)
            with recorder():
                step()
                ratios[name].append(block_ns(step, count) / plain)
    print(json.dumps(ratios))


if __name__ == "__main__":
    main()
