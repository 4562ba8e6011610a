"""What stands beside a profiler's file: exact call lines and provenance that the file itself has no room for.

`TRACE.tracedbg.json` next to `TRACE`; a live recording writes it. It must not know how it is used.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from tracedbg.errors import TraceFileError
from tracedbg.kernels import CallFrame, Sidecar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FORMAT = "tracedbg-kernels-sidecar-1"
ENDING = ".tracedbg.json"

_Stacks = dict[str, list[tuple[str, int, str]]]


class _File(msgspec.Struct):
    format: str
    call_lines: list[tuple[int, int]] = []
    fused: _Stacks = {}
    op_stacks: _Stacks = {}
    files: dict[str, str] = {}


def read_sidecar(trace: str) -> Sidecar:
    """What stands beside `trace`; an empty one where nothing does.

    Raises:
        TraceFileError: it cannot be read.
    """
    file = trace + ENDING
    try:
        with open(file, "rb") as opened:
            found = msgspec.json.decode(opened.read(), type=_File)
    except FileNotFoundError:
        return Sidecar()
    except OSError as error:
        raise TraceFileError(f"cannot read {file}: {error.strerror or error}") from error
    except msgspec.DecodeError as error:
        raise TraceFileError(f"{file} is damaged: {error}; remove it to do without") from error
    if found.format != FORMAT:
        raise TraceFileError(f"{file} has format {found.format!r}, not {FORMAT!r}; remove it to do without")
    return Sidecar(
        call_lines=dict(found.call_lines),
        fused=_frames(found.fused),
        op_stacks=_frames(found.op_stacks),
        files=found.files,
    )


def write_sidecar(trace: str, sidecar: Sidecar) -> str:
    """Write `sidecar` beside `trace`, and say where.

    Raises:
        OSError: it cannot be written.
    """
    data = _File(
        FORMAT,
        sorted(sidecar.call_lines.items()),
        _plain(sidecar.fused),
        _plain(sidecar.op_stacks),
        sidecar.files,
    )
    file = trace + ENDING
    with open(file + ".new", "wb") as opened:
        opened.write(msgspec.json.encode(data))
    os.replace(file + ".new", file)
    return file


def _frames(stacks: Mapping[str, Iterable[tuple[str, int, str]]]) -> dict[str, tuple[CallFrame, ...]]:
    return {
        name: tuple(CallFrame(file, line, function, is_exact=True) for file, line, function in stack)
        for name, stack in stacks.items()
    }


def _plain(stacks: Mapping[str, Iterable[CallFrame]]) -> _Stacks:
    return {name: [(at.file, at.line, at.function) for at in stack] for name, stack in stacks.items()}
