"""Breakpoints inside of functions that `torch.compile` has compiled.

A call of such a graph is run op by op, eagerly, while something may stop in it; what the backend has compiled
runs otherwise. Nothing is compiled again, and graphs that were compiled before a breakpoint was set, with the
walker attached, can be walked as well.

Where what is:
    walker.py       installs it on Dynamo
    timeline.py     the lines that Dynamo traces, with the variables (`refs.py`) at each
    record.py       one graph that is kept: ops, lines between them (`copies.py`, `placing.py`, `spans.py`)
    switches.py     the graphs that are alive, each armed or not
    interpreter.py  the walk itself (`hops.py`: branches and loops in graphs)
    views.py        what the debugger is shown (`stacks.py`: the Python frames around)
    python_mode.py  the other way: Python's own breakpoints, with nothing compiled in force

For a compiled backward: `Switches.records()` are the graphs of the forwards. A node of a backward's graph
tells its line by `meta["stack_trace"]`, as text. Arming is decided in `Switches.decide`, and undone in
`Switches.remove`.
"""

from tracedbg.adapters.torch_compile.walk.python_mode import force_eager, is_python_mode, python_mode
from tracedbg.adapters.torch_compile.walk.walker import TorchCompileWalker

__all__ = ["TorchCompileWalker", "force_eager", "is_python_mode", "python_mode"]
