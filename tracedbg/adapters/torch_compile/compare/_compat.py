"""Every private name of torch that the comparison relies on, and the versions it is known to hold for.

Which were run: `docs/reference/versions.md`. `tests/adapters/torch_compare/test_private_names.py` fails
when one moves.
"""

from __future__ import annotations

from tracedbg.adapters.torch_common.private import MovedError, Private
from tracedbg.adapters.torch_compile._compat import CALL_USER_COMPILER
from tracedbg.adapters.torch_compile.walk._compat import COMPILED, INSTALL_GLOBAL

__all__ = [
    "AOT",
    "BACKENDS",
    "CALL_USER_COMPILER",
    "COMPILED",
    "COUNTERS",
    "INDUCTOR_CONFIG",
    "INSTALL_GLOBAL",
    "METRICS",
    "NAMES",
    "MovedError",
    "Private",
]

BACKENDS = Private("torch._dynamo.backends.registry", "lookup_backend", "2.7-2.15", "a backend by its name")
COUNTERS = Private(
    "torch._dynamo.utils", "counters", "2.7-2.15", "what torch counts of compiles: put back after ours"
)
INDUCTOR_CONFIG = Private(
    "torch._inductor.config", "patch", "2.7-2.15", "settings for one compile: nothing goes into its caches"
)
METRICS = Private(
    "torch._dynamo.utils",
    "_compilation_metrics",
    "2.7-2.15",
    "what torch has measured of compiles, a deque",
)
NAMES = (BACKENDS, CALL_USER_COMPILER, COUNTERS, INDUCTOR_CONFIG, INSTALL_GLOBAL, METRICS)
AOT = "aot_eager_decomp_partition"
"""The backend that stops before Inductor generates code, with Inductor's decompositions; in 2.7-2.15."""
