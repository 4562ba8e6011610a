"""What comes out of a recording: the events again, put together by trace, process and run.

Data only; it must not know how it was stored.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracedbg.events import CacheHits, PhaseSpan, TraceEnded, TraceStarted


@dataclass(frozen=True)
class TraceRecord:
    """One trace: how it started, how it ended (None: it was under way at the end), where its time went."""

    started: TraceStarted
    ended: TraceEnded | None = None
    phases: tuple[PhaseSpan, ...] = ()
    late_caches: tuple[CacheHits, ...] = ()

    @property
    def duration_ns(self) -> int:
        """Wall time of the trace, nested traces included; 0 while it is under way."""
        return self.ended.end_ns - self.started.start_ns if self.ended else 0


@dataclass(frozen=True)
class GraphInfo:
    """A graph, without what is in it."""

    number: int
    """In its process; see `ProcessRecording.graph`."""
    trace_id: int
    stage: str
    op_count: int


@dataclass(frozen=True)
class PackedGraph:
    """A graph as it is stored: `codec.unpack_sites` opens it. Equal graphs are equal bytes."""

    trace_id: int
    stage: str
    sites: bytes


@dataclass(frozen=True)
class ProcessInfo:
    """One recorded process."""

    pid: int
    ppid: int
    argv: tuple[str, ...]
    host: str
    python: str
    started_wall_ns: int
    """Wall clock (since the epoch) of the moment that event times count from."""
    rank: int | None = None
    versions: dict[str, str] = field(default_factory=dict)
    """Frameworks that the program imported, with their versions."""
    stopped_ns: int | None = None
    """When the recording was closed; None for a process that was killed, or still runs."""
    recording_error: str = ""
    """Why the recording ends before the process did (a full disk, for one)."""
    local_rank: int | None = None
    """From here on as in `Identity`."""
    world_size: int | None = None
    node: int | None = None
    job: str = ""
    launcher: str = ""
    task: str = ""
    generation: int | None = None
    rank_pid: int | None = None

    @property
    def is_rank(self) -> bool:
        """Whether it is a rank itself, and not a child of one (a DataLoader's worker has its rank too)."""
        return self.rank is not None and self.rank_pid in (None, self.pid)


@dataclass(frozen=True)
class Tally:
    """What was counted but not kept, because the recording had reached its bound."""

    function_key: tuple[str, str, str, int]
    """Framework, name, file, line."""
    traces: int
    retraces: int
    duration_ns: int
    graph_breaks: int
