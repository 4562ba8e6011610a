"""What the recorder of torch's ops tells of a piece of a program."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from adapters.sink import ListSink
from tracedbg.adapters.torch_ops import TorchOpRecorder
from tracedbg.events import Fault
from tracedbg.hooks import Hooks
from tracedbg.op_window import OpWindow
from tracedbg.ran import OpsSeen, OpTotal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracedbg.ran import OpKind


@dataclass
class Seen:
    """Filled when the block ends, or `tell` is called."""

    hooks: Hooks
    events: list[OpsSeen] = field(default_factory=list)

    def tell(self) -> None:
        self.hooks.tell()
        self.events = self.hooks.sink.of(OpsSeen)

    @property
    def totals(self) -> list[OpTotal]:
        return [total for event in self.events for total in event.totals]

    def kinds(self, name: str) -> list[OpKind]:
        return [total.kind for total in self.totals if total.kind.name == name]

    def counts(self) -> Counter[str]:
        counts: Counter[str] = Counter()
        for total in self.totals:
            counts[total.kind.name] += total.count
        return counts

    def lines(self, *, backward: bool | None = None) -> Counter[tuple[str, int]]:
        """(name, innermost line) -> how often."""
        counts: Counter[tuple[str, int]] = Counter()
        for total in self.totals:
            if backward is None or total.kind.is_backward == backward:
                line = total.kind.stack[0].line if total.kind.stack else 0
                counts[total.kind.name, line] += total.count
        return counts

    def rows(self) -> list[tuple[str, int]]:
        """Single executions: name and start."""
        return [
            (event.rows.kinds[kind].name, start)
            for event in self.events
            if event.rows is not None
            for kind, start in zip(event.rows.kind, event.rows.start_ns, strict=True)
        ]

    def syncs(self) -> list[tuple[str, int, int]]:
        """What makes the host wait, its line, and how often."""
        return sorted(
            (total.kind.sync, total.kind.stack[0].line, total.count)
            for total in self.totals
            if total.kind.sync
        )


@contextmanager
def ops(window: str = "") -> Iterator[Seen]:
    hooks = Hooks(ListSink(), "torch_ops")
    seen = Seen(hooks)
    try:
        TorchOpRecorder().attach(torch, hooks, OpWindow.parse(window))
        yield seen
        seen.tell()
    finally:
        hooks.remove()
    seen.events = hooks.sink.of(OpsSeen)
    assert hooks.sink.of(Fault) == []


def marked(file: str) -> dict[str, int]:
    """Mark of a file (`# @here`) -> its line."""
    found = {}
    with open(file, encoding="utf-8") as opened:
        for number, text in enumerate(opened, 1):
            if "# @" in text:
                found[text.rpartition("# @")[2].strip()] = number
    return found
