"""Where the host waits for a value, or takes a copy of it: `numpy()`, `if tensor`, `int(tensor)`, `cpu()`.

Not seen is who reads a tensor's memory without asking it: `np.asarray(tensor)` and what calls it, by the
buffer protocol. Ops whose result has a shape that depends on values are known by their names, in `kinds`.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_common.asking import METHODS, asking_method
from tracedbg.adapters.tf_eager._compat import TO_HOST
from tracedbg.adapters.tf_ops._compat import COPY
from tracedbg.adapters.tf_ops.disguise import in_disguise
from tracedbg.adapters.tf_ops.kinds import BACKWARD, INNER

if TYPE_CHECKING:
    from types import FrameType

    from tracedbg.adapters.tf_ops.ways import Ways
    from tracedbg.hooks import Hooks

_CPU = "CPU"
_READS = frozenset({"_numpy", "numpy"})
_STATIC = frozenset({"constant_value", "_constant_value", "_ConstantValue", "constant_value_as_shape"})
"""Functions of the framework's that look at small values which are on the host in any case: of shapes."""


class Syncs:
    """Counts waits as if they were ops."""

    def __init__(self, hooks: Hooks, ways: Ways) -> None:
        self._hooks = hooks
        self._ways = ways

    def install(self) -> None:
        """Patch what all of them pass, both or none."""
        to_host, copy = TO_HOST.owner(), COPY.owner()
        self._hooks.patch(*to_host, self._to_host)
        self._hooks.patch(*copy, self._copy)

    def _to_host(self, original: Any) -> Any:
        clock = time.monotonic_ns

        def _numpy(tensor):
            start_ns = clock()
            try:
                return original(tensor)
            finally:
                took_ns = clock() - start_ns
                self._hooks.safely("syncs", self._note, tensor, None, start_ns, took_ns, sys._getframe(1))

        return in_disguise(_numpy, TO_HOST.module)

    def _copy(self, original: Any) -> Any:
        clock = time.monotonic_ns

        def _copy_nograd(tensor, ctx=None, device_name=None):
            start_ns = clock()
            try:
                return original(tensor, ctx, device_name)
            finally:
                if _CPU in str(device_name).upper():
                    took_ns = clock() - start_ns
                    self._hooks.safely(
                        "syncs", self._note, tensor, "cpu", start_ns, took_ns, sys._getframe(1)
                    )

        return in_disguise(_copy_nograd, COPY.module)

    def _note(self, tensor: Any, method: str | None, start_ns: int, took_ns: int, frame: FrameType) -> None:
        ways = self._ways
        if not ways.is_on or _is_static(frame):
            return
        method = method or asking_method(frame)
        if method is None:
            return
        sync = METHODS.get(method, method)
        thread = ways.thread()
        thread.inner_ns += took_ns
        shapes: list[Any] = []
        ways.describer.add(shapes, tensor)
        flags = INNER if thread.depth else 0
        backward = thread.backward
        if backward is not None:
            flags |= BACKWARD
        key = ways.kinds.stack_key(frame) if backward is None else backward.stack
        whole = (f"EagerTensor.{method}", key, tuple(shapes), flags)
        slot = thread.slots.get(whole)
        if slot is None:
            slot = ways.kinds.slot(thread, whole, frame, sync)
        slot.add(took_ns, took_ns)
        if ways.window.is_open:
            ways.window.keep(thread, slot, start_ns, took_ns)


def _is_static(frame: FrameType | None) -> bool:
    """Whether a value is read to learn a shape."""
    while frame is not None and frame.f_code.co_name in _READS:
        frame = frame.f_back
    return frame is not None and frame.f_code.co_name in _STATIC
