"""The debugger in the user's process: the engine, the walkers of what the program imports, and a frontend.

The composition root of debugging, as `session` is that of recording.
"""

from tracedbg.debugger.options import DEBUG_VARIABLE, DebugOptions, modes

__all__ = ["DEBUG_VARIABLE", "DebugOptions", "modes"]
