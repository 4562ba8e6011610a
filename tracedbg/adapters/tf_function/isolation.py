"""Makes what tf.function has traced so far count for nothing."""

from __future__ import annotations

import sys

from tracedbg.adapters.instances import instances_of
from tracedbg.adapters.tf_common import _compat


def drop_caches() -> None:
    """Drop the graphs of every `tf.function` that is alive, not its variables: the next call traces anew."""
    if _compat.FUNCTION_CLASS.module not in sys.modules:
        return
    function = _compat.FUNCTION_CLASS.get()
    for one in instances_of(function):
        one._function_cache.clear()
