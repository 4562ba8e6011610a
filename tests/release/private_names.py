"""Which private names of a framework this environment has: `python private_names.py torch`, as JSON."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import sys

import tracedbg.adapters

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
LOADED = {
    "torch": ("torch._dynamo", "torch._inductor.compile_fx", "torch.jit", "torch.profiler"),
    "tensorflow": ("tensorflow",),
}
"""What a program has loaded where the names are looked for."""


def listed(framework: str) -> dict[str, object]:
    """All names of a framework that some `_compat` lists, by `module:path`."""
    found = {}
    for module in pkgutil.walk_packages(tracedbg.adapters.__path__, f"{tracedbg.adapters.__name__}."):
        if not module.name.endswith("._compat"):
            continue
        for value in vars(importlib.import_module(module.name)).values():
            if hasattr(value, "versions") and not isinstance(value, type):
                of = "torch" if value.module.split(".")[0] == "torch" else "tensorflow"
                if of == framework:
                    found[f"{value.module}:{value.path}"] = value
    return found


def missing(framework: str) -> list[str]:
    """Those that are not there."""
    for module in LOADED[framework]:
        importlib.import_module(module)
    gone = []
    for name, value in listed(framework).items():
        try:
            (value.find if hasattr(value, "find") else value.owner)()
        except Exception:
            gone.append(name)
    return sorted(gone)


if __name__ == "__main__":
    print(json.dumps(missing(sys.argv[1])))
