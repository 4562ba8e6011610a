"""The screens of a recording: it may be of a program that runs, or has ended."""

from tracedbg_tui.recorded.graph import GraphView
from tracedbg_tui.recorded.ranks import RanksView
from tracedbg_tui.recorded.time import TimeView
from tracedbg_tui.recorded.traces import TracesView

__all__ = ["GraphView", "RanksView", "TimeView", "TracesView"]
