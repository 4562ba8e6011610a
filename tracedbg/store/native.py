"""Stacks with the frames of C and C++, sampled from outside: a file of their own in a run's folder."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

from tracedbg.errors import DamagedRunError
from tracedbg.store.guarded import read_text

FILE = "native.json"
SCHEMA = 1


@dataclass(frozen=True)
class NativeFrame:
    """One frame of a stack."""

    file: str
    """Of a native one, its library or its source."""
    line: int
    """0 where it is not known."""
    function: str
    is_native: bool


@dataclass(frozen=True)
class NativeStacks:
    """What was seen of the main thread."""

    rate_hz: int
    samples: int
    stacks: tuple[tuple[int, tuple[NativeFrame, ...]], ...] = ()
    """Samples, and their stack, innermost first; the most frequent first."""
    note: str = ""
    """Why there is less than was asked for; empty where there is not."""


def write_native(folder: str, seen: NativeStacks) -> None:
    """Write the file, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    numbers: dict[NativeFrame, int] = {}
    stacks = [
        [count, [numbers.setdefault(frame, len(numbers)) for frame in stack]] for count, stack in seen.stacks
    ]
    data = {
        "schema": SCHEMA,
        "rate_hz": seen.rate_hz,
        "samples": seen.samples,
        "note": seen.note,
        "frames": [[one.file, one.line, one.function, one.is_native] for one in numbers],
        "stacks": stacks,
    }
    draft = os.path.join(folder, f"{FILE}.{os.getpid()}")
    descriptor = os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        json.dump(data, file)
    os.replace(draft, os.path.join(folder, FILE))


def read_native(folder: str) -> NativeStacks | None:
    """What the file says; None where there is none.

    Raises:
        DamagedRunError: it cannot be read.
    """
    path = os.path.join(folder, FILE)
    try:
        data: dict[str, Any] = json.loads(read_text(path))
        frames = [
            NativeFrame(str(file), int(line), str(name), bool(is_native))
            for file, line, name, is_native in data["frames"]
        ]
        stacks = tuple((int(count), tuple(frames[one] for one in stack)) for count, stack in data["stacks"])
        return NativeStacks(int(data["rate_hz"]), int(data["samples"]), stacks, str(data["note"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise DamagedRunError(f"cannot read {path}: {error}") from error
