"""How long it takes to explain one recompile of a transformer, told in milliseconds.

Counted are both parts: asking torch's guards of each cached entry, in the program, and reading what
they say, afterwards.
"""

import time
from statistics import median

import torch

import tracedbg
from tracedbg.adapters.torch_compile import compiles
from tracedbg.explain import Explainer, is_retrace

RECOMPILES, LAYERS = 7, 4

asked_ms = []
guard_failures = compiles.guard_failures


def timed(*args):
    start = time.perf_counter()
    try:
        return guard_failures(*args)
    finally:
        asked_ms.append((time.perf_counter() - start) * 1e3)


model = torch.nn.TransformerEncoder(
    torch.nn.TransformerEncoderLayer(16, 2, 32, batch_first=True), LAYERS, enable_nested_tensor=False
)


@torch.compile(backend="eager", dynamic=False)
def step(batch, scale):
    return model(batch["x"]) * scale


with tracedbg.record() as run:
    step({"x": torch.ones(2, 8, 16)}, 1.5)
    compiles.guard_failures = timed
    for n in range(RECOMPILES):
        step({"x": torch.ones(3 + n, 8, 16)}, 1.5)
    compiles.guard_failures = guard_failures

explain_ms = []
explainer = Explainer()
for trace in run.traces:
    start = time.perf_counter()
    causes = explainer.next(trace)
    if is_retrace(trace, causes):
        explain_ms.append((time.perf_counter() - start) * 1e3)
assert len(explain_ms) == RECOMPILES, len(explain_ms)
print(median(asked_ms) + median(explain_ms))
