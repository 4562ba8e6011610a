"""Tells the debugger where the program waits for a value: `numpy()`, `if tensor`, `int(tensor)`, `print`.

Not seen is who reads a tensor's memory without asking it: `memoryview(tensor)`, and the runtime itself.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_common.asking import asking_method
from tracedbg.adapters.tf_common.reading import short_device
from tracedbg.frames import PythonView

if TYPE_CHECKING:
    from types import FrameType

    from tracedbg.debugging import Debugger
    from tracedbg.hooks import Hooks

_MADE_OF = {
    "__bool__": "bool()",
    "__int__": "int()",
    "__float__": "float()",
    "__complex__": "complex()",
    "__index__": "an index",
    "__array__": "NumPy",
    "__format__": "a text",
    "__repr__": "a text",
    "__str__": "a text",
}
"""In words; the others by their name."""


def watch_syncs(original: Any, debugger: Debugger, hooks: Hooks) -> Any:
    """A method for `original` that tells of each call by the program."""

    def _numpy(tensor):
        if debugger.wants("host_sync"):
            hooks.safely("host_sync", _tell, debugger, tensor, sys._getframe(1))
        return original(tensor)

    return _numpy


def _tell(debugger: Debugger, tensor: Any, frame: FrameType) -> None:
    method = asking_method(frame)
    if method is not None:
        asked_by = _MADE_OF.get(method, f"{method}()")
        text = f"{asked_by} waits for a {tensor.dtype.name} of {short_device(tensor.device)}"
        debugger.happened("host_sync", PythonView(frame), text)
