"""How a process is to be debugged, and how `tracedbg run` and `tracedbg dap` tell it.

It must not load anything that does the work.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

DEBUG_VARIABLE = "TRACEDBG_DEBUG"


def modes(python: bool, datasets: bool) -> tuple[str, ...]:
    """Names of `plugins.MODES`, for the options that people give."""
    return (*["python"] * python, *["datasets"] * datasets)


@dataclass(frozen=True)
class DebugOptions:
    """What the environment says; it is taken out of it by the first process, so that no child inherits it."""

    frontend: str = "prompt"
    """`prompt`: a terminal prompt on the program's own streams; `dap`: a debug adapter server."""
    breaks: tuple[str, ...] = ()
    """As `--break` takes them: see `engine.specs`."""
    modes: tuple[str, ...] = ()
    """Names of `plugins.MODES`: what is to run otherwise."""
    socket: str = ""
    """A path to listen on."""
    descriptor: int | None = None
    """A connected socket that was inherited."""
    listen: str = ""
    """HOST:PORT to listen on; needs a token."""
    token: str = ""
    wait: bool = False
    """Whether the program waits until a client has sent its configuration."""

    @classmethod
    def from_text(cls, text: str) -> DebugOptions:
        """What `to_text` has written; names that we do not know are left out."""
        data: dict[str, Any] = json.loads(text)
        known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        lists = {name: tuple(known.get(name, ())) for name in ("breaks", "modes")}
        return cls(**{**known, **lists})

    def to_text(self) -> str:
        """For the environment."""
        return json.dumps(asdict(self))
