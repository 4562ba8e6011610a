"""Recording a block in-process, and asking what was traced in it."""

import torch

import tracedbg


@torch.compile(backend="eager", dynamic=False)
def double(x):
    return x * 2


with tracedbg.record() as run:
    for rows in (2, 3):
        double(torch.ones(rows))

print("traces:", len(run.traces), "retraces:", len(run.retraces))
for cause in run.causes:
    print(cause.kind.value, cause.argument, cause.before, "->", cause.after)
