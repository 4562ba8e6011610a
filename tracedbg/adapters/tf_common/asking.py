"""Which method of the framework leads to the value of a tensor: how the program waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.source import is_ours, is_user_file

if TYPE_CHECKING:
    from types import FrameType

METHODS = {
    "__bool__": "bool",
    "__int__": "item",
    "__float__": "item",
    "__complex__": "item",
    "__index__": "item",
    "__array__": "numpy",
    "__format__": "numpy",
    "__repr__": "numpy",
    "__str__": "numpy",
    "numpy": "numpy",
    "to_list": "tolist",
    "tolist": "tolist",
}
"""Methods that wait for a value -> what that is, as `ran.SYNCS` has it."""


def asking_method(frame: FrameType | None) -> str | None:
    """The outermost method of `METHODS` below the user's line; None if it is we who ask."""
    asked = "numpy"
    while frame is not None and not is_user_file(frame.f_code.co_filename):
        if is_ours(frame.f_code.co_filename):
            return None
        name = frame.f_code.co_name
        if name in METHODS:
            asked = name
        frame = frame.f_back
    return asked
