"""Stops at the ops that torch runs eagerly, in the forward and in the backward.

Where what is:
    walker.py    arms and disarms, in each thread
    mode.py      asks the debugger before and after each op
    op.py        one op, as the debugger sees it
    lines.py     which line of the forward an op of the backward belongs to
    stack.py     puts the mode below all others
    extent.py    where a mode may neither come nor go
    threads.py   reaches the main thread, and those that begin later
    syncs.py     where the program waits for a value
"""

from tracedbg.adapters.torch_eager.walker import TorchEagerWalker

__all__ = ["TorchEagerWalker"]
