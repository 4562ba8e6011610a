"""Inductor's own record of what its kernels were fused from: for each kernel, the stacks of the ops in it.

With INDUCTOR_PROVENANCE=1, torch writes it into the log that TORCH_TRACE asks for, once for each graph;
tlparse makes a file of its own of each. Source: torch/_inductor/compile_fx.py of torch 2.13.
"""

from __future__ import annotations

import re

import msgspec

from tracedbg.errors import TraceFileError
from tracedbg.kernels import CallFrame

_ARTIFACT = b'"inductor_provenance_tracking_kernel_stack_traces"'
_Record = dict[str, list[str]]
_FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+)(?:, in (?P<function>[^\n]+))?')


def read_provenance(file: str) -> dict[str, tuple[tuple[CallFrame, ...], ...]]:
    """Name of a kernel -> the stacks of what it was fused from, each innermost first.

    Kernels of several graphs may have one name: then the stacks of all are there.

    Raises:
        TraceFileError: it cannot be read.
    """
    try:
        with open(file, "rb") as opened:
            text = opened.read()
        records = [msgspec.json.decode(record, type=_Record) for record in _records(text)]
    except OSError as error:
        raise TraceFileError(f"cannot read {file}: {error.strerror or error}") from error
    except msgspec.DecodeError as error:
        raise TraceFileError(f"{file} is no record of Inductor's kernels: {error}") from error
    if not records:
        raise TraceFileError(f"{file} has no record of Inductor's kernels; set INDUCTOR_PROVENANCE=1 as well")
    found: dict[str, tuple[tuple[CallFrame, ...], ...]] = {}
    for key, texts in (item for record in records for item in record.items()):
        name = key.rpartition(":")[0] or key  # `triton_poi_fused_add_0:3`: the number is that of a call
        stacks = (_stack(text) for text in texts)
        found[name] = tuple(dict.fromkeys([*found.get(name, ()), *(stack for stack in stacks if stack)]))
    return found


def _records(text: bytes) -> list[bytes]:
    """The records in a file: it is one, or a log in which a line names each and indented ones have it."""
    if text.lstrip()[:1] in {b"{", b"["} or b"\n\t" not in text:
        return [text]
    found: list[bytes] = []
    is_within = False
    for line in text.splitlines():
        if not line.startswith(b"\t"):
            is_within = _ARTIFACT in line
            if is_within:
                found.append(b"")
        elif is_within:
            found[-1] += line[1:]
    return found


def _stack(text: str) -> tuple[CallFrame, ...]:
    """The frames of a stack that was written as Python writes it: the innermost last."""
    frames = [
        CallFrame(at["file"], int(at["line"]), (at["function"] or "").strip(), is_exact=True)
        for at in _FRAME.finditer(text)
    ]
    return tuple(reversed(frames))
