"""What is known of a run as a whole. Apart from the other records, as starting a program needs no more."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RunInfo:
    """A run as a whole."""

    id: str
    argv: tuple[str, ...]
    """What the user ran: the script and its arguments."""
    started_wall_ns: int
    exit_code: int | None = None
    """As a shell sees it: 128 + n for a signal; None while it runs, and for `record()`."""
    signal: int | None = None
    wall_ns: int | None = None
    tracedbg: str = ""
    """The version that recorded it."""
    cwd: str = ""
    """The folder that it was started in; empty where it is not known."""
    launcher: str | None = None
    """Of the ranks that write into it together, each for itself; None for a run that one command has made."""
    job: str = ""
    """That launcher's id of the job."""
    redacted: bool = False
    """Whether the program's values were kept out of it; what is shown of it then quotes no source either."""
