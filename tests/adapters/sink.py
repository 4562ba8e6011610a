"""A `Sink` for the tests of adapters: keeps what it is given."""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from tracedbg.events import Event, Fault
from tracedbg.hooks import Hooks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from tracedbg.hooks import Adapter

E = TypeVar("E")


class ListSink:
    """Keeps events in order; its clock ticks once for each question."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.flushed: list[int] = []
        """How many events there were at each flush."""
        self._ids = itertools.count(1)
        self._ticks = itertools.count(1)

    def emit(self, event: Event) -> None:
        self.events.append(event)

    def flush(self) -> None:
        self.flushed.append(len(self.events))

    def new_id(self) -> int:
        return next(self._ids)

    def now_ns(self) -> int:
        return next(self._ticks)

    def of(self, kind: type[E], **fields: Any) -> list[E]:
        """The events of one kind whose fields have these values."""
        return [
            event
            for event in self.events
            if isinstance(event, kind)
            and all(getattr(event, name) == value for name, value in fields.items())
        ]


@contextmanager
def attached(module: ModuleType, *adapters: Adapter, faults: int = 0) -> Iterator[ListSink]:
    """Attach adapters to `module`; afterwards, check how many faults of ours there were."""
    sink = ListSink()
    all_hooks = [Hooks(sink, adapter.name) for adapter in adapters]
    try:
        for adapter, hooks in zip(adapters, all_hooks, strict=True):
            adapter.attach(module, hooks)
        yield sink
    finally:
        for hooks in all_hooks:
            hooks.tell()
        for hooks in reversed(all_hooks):
            hooks.remove()
    found = sink.of(Fault)
    assert len(found) == faults, found
