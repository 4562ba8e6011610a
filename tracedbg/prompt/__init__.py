"""A plain terminal debugger with the names of pdb's commands; it can be driven from a pipe.

It must not know frameworks, nor how a thread is made to stop.
"""

from tracedbg.prompt.prompt import Prompt

__all__ = ["Prompt"]
