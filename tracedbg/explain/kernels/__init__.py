"""Kernels to lines of Python: from what a profiler's file tells, and with no framework at hand.

`read_timeline` reads a file by the kernel source that recognises it, `explain` finds the lines, `tabulate`
adds them up. `sidecar` and `provenance` load `msgspec` and are no names of the package: a program that
records its kernels gets this package, too.
"""

from tracedbg.explain.kernels.attributed import Attributed, Rule, Whose
from tracedbg.explain.kernels.reading import Explained, explain, read_timeline
from tracedbg.explain.kernels.table import Level, Place, Row, Table, tabulate
from tracedbg.explain.kernels.view import View

__all__ = [
    "Attributed",
    "Explained",
    "Level",
    "Place",
    "Row",
    "Rule",
    "Table",
    "View",
    "Whose",
    "explain",
    "read_timeline",
    "tabulate",
]
