"""Writes `guard_texts.json` anew from the installed torch; look at the difference before you commit it.

With `--newer` what a newer torch says otherwise goes to `guard_texts_newer.json`.

PYTHONPATH=tests python tests/adapters/torch/write_guard_texts.py
"""

from __future__ import annotations

import json
import sys
from functools import partial

import torch
import torch._dynamo

from adapters.sink import attached
from adapters.torch.test_guards import FIXTURE, NEWER, RELEASE, observed, scenarios
from tracedbg.adapters.torch_compile import TorchCompileAdapter

found = {}
for name, scenario in scenarios().items():
    torch._dynamo.reset()
    with attached(torch._dynamo.convert_frame, TorchCompileAdapter()) as sink:
        scenario(partial(torch.compile, backend="eager"))
    found[name] = observed(sink)
if "--newer" in sys.argv:
    before = json.loads(FIXTURE.read_text())
    newer = json.loads(NEWER.read_text()) if NEWER.exists() else {}
    newer[RELEASE] = {name: texts for name, texts in found.items() if texts != before[name]}
    NEWER.write_text(json.dumps(newer, indent=1) + "\n")
else:
    FIXTURE.write_text(json.dumps(found, indent=1) + "\n")
