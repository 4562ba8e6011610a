"""How Kineto writes frames: `train.py(12): step`, `nn.Module: Linear_3`, `<built-in method add of ...>`."""

from __future__ import annotations

import re

from tracedbg.kernels import CallFrame

_FRAME = re.compile(r"(?P<file>.+)\((?P<line>\d+)\): (?P<function>.+)", re.DOTALL)
_MODULE = "nn.Module: "
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def frame_of(name: str) -> CallFrame:
    """The frame of a `python_function`; its line is where the function begins."""
    if name.startswith(_MODULE):
        return CallFrame("", 0, "", module=name.removeprefix(_MODULE))
    found = _FRAME.fullmatch(name)
    if found is None:
        return CallFrame("", 0, _ADDRESS.sub("", name))
    return CallFrame(found["file"], int(found["line"]), found["function"])


def stack_of(text: str) -> tuple[CallFrame, ...]:
    """The stack that older profilers wrote at an op, innermost first, with the lines that ran."""
    return tuple(frame_of(part)._replace(is_exact=True) for part in text.split(";") if part)
