"""Inductor's own record of what its kernels were fused from: for each kernel, the stacks of the ops in it.

Torch writes it as `inductor_provenance_tracking_kernel_stack_traces.json` with INDUCTOR_PROVENANCE=1 and
TORCH_COMPILE_DEBUG=1 or TORCH_TRACE set. Source: torch/_inductor/debug.py of torch 2.13.
"""

from __future__ import annotations

import re

import msgspec

from tracedbg.errors import TraceFileError
from tracedbg.kernels import CallFrame

_FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+)(?:, in (?P<function>[^\n]+))?')


def read_provenance(file: str) -> dict[str, tuple[tuple[CallFrame, ...], ...]]:
    """Name of a kernel -> the stacks of what it was fused from, each innermost first.

    Kernels of several graphs may have one name: then the stacks of all are there.

    Raises:
        TraceFileError: it cannot be read.
    """
    try:
        with open(file, "rb") as opened:
            data = msgspec.json.decode(opened.read(), type=dict[str, list[str]])
    except OSError as error:
        raise TraceFileError(f"cannot read {file}: {error.strerror or error}") from error
    except msgspec.DecodeError as error:
        raise TraceFileError(f"{file} is no record of Inductor's kernels: {error}") from error
    found: dict[str, tuple[tuple[CallFrame, ...], ...]] = {}
    for key, texts in data.items():
        name = key.rpartition(":")[0] or key  # `triton_poi_fused_add_0:3`: the number is that of a call
        stacks = (_stack(text) for text in texts)
        found[name] = tuple(dict.fromkeys([*found.get(name, ()), *(stack for stack in stacks if stack)]))
    return found


def _stack(text: str) -> tuple[CallFrame, ...]:
    """The frames of a stack that was written as Python writes it: the innermost last."""
    frames = [
        CallFrame(at["file"], int(at["line"]), (at["function"] or "").strip(), is_exact=True)
        for at in _FRAME.finditer(text)
    ]
    return tuple(reversed(frames))
