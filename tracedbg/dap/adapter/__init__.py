"""The adapter that an editor starts on its standard streams: starts or finds a program, and passes messages.

It lives in a process of its own, and knows neither engine nor frameworks.
"""

from tracedbg.dap.adapter.adapter import Adapter

__all__ = ["Adapter"]
