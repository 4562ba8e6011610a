"""What a program that is to be killed has done, and when: a line each, in `LOG`, its argument."""

import gc
import os
import sys
import time

_log = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)


def note(kind: str, number: int) -> None:
    """Say that something of a kind was done for the nth time."""
    os.write(_log, f"{time.monotonic_ns()} {kind} {number}\n".encode())


def _note_collection(phase: str, info: dict[str, int]) -> None:
    note(f"collection_{phase}", info["generation"])


gc.callbacks.append(_note_collection)
