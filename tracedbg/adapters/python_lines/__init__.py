"""Breakpoints and steps in code that runs as Python: by `sys.settrace`; from 3.12 on `sys.monitoring`."""

from tracedbg.adapters.python_lines.walker import PythonLinesWalker

__all__ = ["PythonLinesWalker"]
