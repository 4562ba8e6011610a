"""The *Debug* screen: source, ops, stack, variables and tensors of a program that stands still."""

from tracedbg_tui.debug.view import DebugView

__all__ = ["DebugView"]
