"""Runs a script with the adapter attached when the script loads Dynamo; prints the counts as JSON.

With what the script's own check complained of, if it did: the rest of the counts hold all the same.

python run_watched.py SCRIPT
"""

from __future__ import annotations

import json
import runpy
import sys
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from adapters.sink import ListSink
from adapters.torch.counts import from_events, from_torch
from tracedbg.adapters.torch_compile import TorchCompileAdapter
from tracedbg.boot.imports import PostImport
from tracedbg.events import Fault
from tracedbg.hooks import Hooks

adapter = TorchCompileAdapter()
sink = ListSink()
hooks = Hooks(sink, adapter.name)
imports = PostImport()
imports.watch(adapter.modules[0], lambda module: adapter.attach(module, hooks))
script = sys.argv[1]
sys.argv = [script]
complaint = ""
try:
    runpy.run_path(script, run_name="__main__")
except AssertionError as error:
    complaint = traceback.format_exception_only(error)[-1]
assert sink.of(Fault) == [], sink.of(Fault)
print(json.dumps({"expected": from_torch(), "events": from_events(sink), "complaint": complaint}))
