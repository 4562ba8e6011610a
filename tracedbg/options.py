"""What a recording keeps, and what else is observed for it.

It must not know who asks: each thing is loaded only where it is asked for.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from tracedbg.identity import is_one_of_several
from tracedbg.store import DEFAULT_MAX_MB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tracedbg.hooks import Hub

VARIABLE = "TRACEDBG_OPTIONS"
"""Tells a process of the run what is kept of it."""


@dataclass(frozen=True)
class Options:
    """What a recording keeps."""

    max_mb: int = DEFAULT_MAX_MB
    kernels: str | None = None
    """How much of the program's kernels is timed, as `WindowSpec.parse` reads it; None: nothing."""
    kernels_at_once: bool = False
    """Whether to begin at once, rather than when a step repeats."""
    ops: str | None = None
    """Of which executed ops each one is kept, as `OpWindow.parse` reads it (empty: of none, there are
    totals alone); None: ops are not recorded."""
    rate_hz: int = 0
    """How often threads are sampled; 0: not at all."""
    children: bool = True
    """Whether processes that this one forks are recorded as well."""
    redact: str = ""
    """Keep the program's values out, with this key of what stands for them; empty: keep them in."""
    is_whole: bool = False
    """Whether the process is recorded from its start: what was before us belongs to it."""

    @classmethod
    def from_environment(cls, text: str | None) -> Options:
        """What `tracedbg run` has written into `VARIABLE`; names that we do not know are left out."""
        data: dict[str, Any] = json.loads(text or "{}")
        return cls(**{name: data[name] for name in cls.__dataclass_fields__ if name in data})

    def extras(self) -> Iterator[tuple[str, Callable[[Hub], Extra]]]:
        """What else is observed, with what makes it; each is loaded only where it is asked for."""
        if self.kernels is not None:
            from tracedbg.profiling import Profiling  # noqa: PLC0415  see above
            from tracedbg.window import WindowSpec  # noqa: PLC0415  likewise

            timed = WindowSpec.parse(self.kernels)
            yield "kernels", lambda hub: Profiling(hub, timed, at_once=self.kernels_at_once)
        if self.ops is not None:
            from tracedbg.op_recording import OpRecording  # noqa: PLC0415  see above
            from tracedbg.op_window import OpWindow  # noqa: PLC0415  likewise

            window = OpWindow.parse(self.ops)
            yield "ops", lambda hub: OpRecording(hub, window)
        if self.rate_hz:
            from tracedbg.sampling import Sampler  # noqa: PLC0415  see above

            is_rank = is_one_of_several(os.environ, os.getpid())
            yield (
                "samples",
                lambda hub: Sampler(hub, self.rate_hz, is_whole=self.is_whole, is_rank=is_rank),
            )


class Extra(Protocol):
    """Something that is observed only where it is asked for."""

    def start(self) -> None:
        """Begin."""

    def close(self) -> None:
        """Tell what is left to be told, and take everything out."""

    def before_fork(self) -> None:
        """The process is about to fork: end what a child could neither end nor use."""

    def after_fork_in_child(self) -> None:
        """Go on in the child as fits, without the parent's threads."""
