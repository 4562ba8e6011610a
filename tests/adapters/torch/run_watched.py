"""Runs a script with the adapter attached when the script loads Dynamo; prints the counts as JSON.

python run_watched.py SCRIPT
"""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from adapters.sink import ListSink
from adapters.torch.counts import from_events
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
names = runpy.run_path(script, run_name="__main__")
assert sink.of(Fault) == [], sink.of(Fault)
print(json.dumps({"expected": names["EXPECT"], "events": from_events(sink)}))
