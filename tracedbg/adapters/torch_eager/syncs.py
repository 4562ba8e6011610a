"""Tells the debugger where the program waits for a value of the device, or would on a GPU."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_common.syncs import INDEXING, OPS
from tracedbg.frames import PythonView
from tracedbg.source import is_ours, is_user_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from tracedbg.debugging import Debugger
    from tracedbg.hooks import Hooks

_MADE_OF = {
    "__bool__": "bool()",
    "__int__": "int()",
    "__float__": "float()",
    "__index__": "an index",
    "__format__": "a text",
    "__repr__": "a text",
    "__contains__": "in",
}


def tell_sync(debugger: Debugger, view: PythonView, args: tuple[Any, ...]) -> None:
    """Tell of an op that waits."""
    if not debugger.wants("host_sync") or view.op is None:
        return
    waits = _waits(view.op.site.op.removeprefix("aten."), args)
    if waits and args:
        debugger.happened("host_sync", view, _text(_asked_by(sys._getframe(1)) or waits, args[0]))


def watch_method(original: Callable[..., Any], name: str, debugger: Debugger, hooks: Hooks) -> Any:
    """A method for `original` that tells of each call by the program."""

    def method(tensor, *args, **kwargs):
        if debugger.wants("host_sync") and not _is_ours_asking(sys._getframe(1)):
            view = PythonView(sys._getframe(1))
            hooks.safely("method", debugger.happened, "host_sync", view, _text(f"{name}()", tensor))
        return original(tensor, *args, **kwargs)

    return method


def _waits(name: str, args: tuple[Any, ...]) -> str:
    """What makes the host wait; empty where nothing does."""
    if name in INDEXING:
        return "a boolean mask" if _has_mask(args) else ""
    return OPS[name].asked_by if name in OPS else ""


def _has_mask(args: tuple[Any, ...]) -> bool:
    import torch

    indices = args[1] if len(args) > 1 and isinstance(args[1], (list, tuple)) else ()
    return any(one is not None and one.dtype in (torch.bool, torch.uint8) for one in indices)


def _text(waits: str, tensor: Any) -> str:
    dtype = str(tensor.dtype).removeprefix("torch.")
    return f"{waits} waits for a {dtype} of {tensor.device}"


def _asked_by(frame: FrameType | None) -> str:
    """The outermost method of torch's that leads to it."""
    asked = ""
    while frame is not None and not is_user_file(frame.f_code.co_filename):
        asked = _MADE_OF.get(frame.f_code.co_name, asked)
        frame = frame.f_back
    return asked


def _is_ours_asking(frame: FrameType | None) -> bool:
    while frame is not None and not is_user_file(frame.f_code.co_filename):
        if is_ours(frame.f_code.co_filename):
            return True
        frame = frame.f_back
    return False
