"""Compares traced code with eager code in the user's process, as the environment says.

The composition root of comparing, as `session` is that of recording. It must not know frameworks, nor how a
comparison is shown.
"""

from __future__ import annotations

import atexit
import json
import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracedbg import plugins, session
from tracedbg.attachments import Attachments
from tracedbg.compare.comparer import CompareOptions
from tracedbg.compare.data import from_data, to_data

if TYPE_CHECKING:
    from types import ModuleType

    from tracedbg.compare.comparer import Comparer
    from tracedbg.compare.records import Comparison
    from tracedbg.hooks import Hooks

COMPARE_VARIABLE = "TRACEDBG_COMPARE"


@dataclass(frozen=True)
class Found:
    """What one program's run has shown."""

    comparisons: tuple[Comparison, ...]
    left_alone: tuple[str, ...]
    """Traced functions that were called, and are not among those asked for."""


class Comparing:
    """The comparers of this process, and the file that they write to."""

    def __init__(self, options: CompareOptions) -> None:
        self._options = options
        self._comparers = Attachments(session.hub(), self.attach, prefix="compare.")
        self._lock = threading.Lock()
        self._called: set[str] = set()

    def start(self) -> None:
        """Attach each comparer when the program has imported its framework."""
        self._comparers.start(plugins.comparer_names(), plugins.load_comparer)

    def attach(self, comparer: Comparer, hooks: Hooks, module: ModuleType) -> None:
        """Attach one comparer."""
        comparer.attach(module, hooks, self._options, self)

    def stop(self) -> None:
        """Take everything out again."""
        self._comparers.remove()

    def compared(self, comparison: Comparison) -> None:
        """See `Report`; the same for the method below."""
        self._write({"comparison": to_data(comparison)})

    def called(self, function: str) -> None:  # noqa: D102
        if function not in self._called:
            self._called.add(function)
            self._write({"called": function})

    def _write(self, line: dict[str, object]) -> None:
        with self._lock, open(self._options.output, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def start_from_environment() -> None:
    """Compare as the environment says; called by the boot in the user's process, and by no child of it."""
    text = os.environ.pop(COMPARE_VARIABLE, "")
    if not text:
        return
    options = CompareOptions.from_text(text)
    comparing = Comparing(options)
    comparing.start()
    atexit.register(comparing.stop)


def read(file: str) -> Found:
    """What was written to a file; nothing if nobody has written it."""
    if not os.path.exists(file):
        return Found((), ())
    comparisons, called = [], []
    with open(file, encoding="utf-8") as opened:
        for line in opened:
            data = json.loads(line)
            if "comparison" in data:
                comparisons.append(from_data(data["comparison"]))
            else:
                called.append(str(data["called"]))
    return Found(tuple(comparisons), tuple(called))
