"""Makes what torch.compile has compiled so far count for nothing."""

from __future__ import annotations

import sys


def drop_caches() -> None:
    """Drop all compiled code, if there is any: the next call of each function compiles anew."""
    dynamo = sys.modules.get("torch._dynamo")
    if dynamo is not None:
        dynamo.reset()
