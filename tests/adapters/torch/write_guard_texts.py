"""Writes `guard_texts.json` anew from the installed torch; look at the difference before you commit it.

PYTHONPATH=tests python tests/adapters/torch/write_guard_texts.py
"""

from __future__ import annotations

import json
from functools import partial

import torch
import torch._dynamo

from adapters.sink import attached
from adapters.torch.test_guards import FIXTURE, observed, scenarios
from tracedbg.adapters.torch_compile import TorchCompileAdapter

found = {}
for name, scenario in scenarios().items():
    torch._dynamo.reset()
    with attached(torch._dynamo.convert_frame, TorchCompileAdapter()) as sink:
        scenario(partial(torch.compile, backend="eager"))
    found[name] = observed(sink)
FIXTURE.write_text(json.dumps(found, indent=1) + "\n")
