"""The debugger's engine: knows op sites, values and lines, and no framework.

An adapter turns a call of a compiled function into a walk over its op sites, as long as something is
armed on it, and asks the engine at each line and op. The engine decides whether to stop, and blocks the
thread in `Frontend.interact` until a person, an editor or a script says how to go on.
"""

from tracedbg.engine.breakpoints import FILTERS, Breakpoint, Breakpoints
from tracedbg.engine.engine import Engine, Frontend
from tracedbg.engine.stepper import Action, Go
from tracedbg.engine.stop import Stop

__all__ = [
    "FILTERS",
    "Action",
    "Breakpoint",
    "Breakpoints",
    "Engine",
    "Frontend",
    "Go",
    "Stop",
]
