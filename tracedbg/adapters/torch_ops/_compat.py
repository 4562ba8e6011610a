"""Every private name of torch that recording ops relies on, and the versions it is known to hold for.

Which were run: `docs/reference/versions.md`. `tests/adapters/torch_ops/test_compat.py` fails when one
moves. The observer itself uses what torch's C++ headers offer (`at::addGlobalCallback`): where one moves,
it does not compile.
"""

from __future__ import annotations

import re

from tracedbg.adapters.torch_kernels._compat import BACKWARD, COMPILERS, WRAP

GENERATED_BEGINS = ("<eval_with_key>",)
"""Begins of the names of files that FX gives to the code of its graphs (2.7-2.15)."""
GENERATED_PARTS = ("/torchinductor_", "/torch_compile_debug/")
"""Parts of the paths of what Inductor has written (2.7-2.15)."""
GENERATED_NAME = re.compile(r"/[^/]{2}/c[^/]{46,}\.py$")
"""The same, wherever its cache is: two letters of a hash, and the hash (2.7-2.15)."""
COMPILER_ENDS = tuple(COMPILERS)
"""Ends of the files whose functions compile: ops below them are none of the program's."""
RUNTIME_NAME = "run"
"""The function in those files that is on the stack while compiled code runs (2.7-2.15: of CUDA graphs)."""

NAMES = (BACKWARD,)
"""Those of torch itself; `WRAP` is looked for when Dynamo is loaded."""

__all__ = [
    "BACKWARD",
    "COMPILER_ENDS",
    "GENERATED_BEGINS",
    "GENERATED_NAME",
    "GENERATED_PARTS",
    "NAMES",
    "RUNTIME_NAME",
    "WRAP",
]
