"""Kernels to lines of Python: from what a profiler's file tells, and with no framework at hand.

`read_timeline` reads a file by the kernel source that recognises it, `explain` finds the lines, `tabulate`
adds them up.
"""

from tracedbg.explain.kernels.attributed import Attributed, Rule, Whose
from tracedbg.explain.kernels.reading import Explained, explain, read_timeline
from tracedbg.explain.kernels.sidecar import read_sidecar, write_sidecar
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
    "read_sidecar",
    "read_timeline",
    "tabulate",
    "write_sidecar",
]
