"""Times TensorFlow's kernels in a window of the program, by TensorFlow's own profiler.

Where what is:
    attach.py     tells of steps, and gives way to the program's own profiler
    recording.py  starts and stops the profiler
    logs.py       keeps what the profiler says of itself from the program's stderr
    calls.py      which line of Python has run each eager op, and called each function
    nodes.py      which line of Python has made each node of a graph, and its gradient
    xspace.py     what the profiler saw: ops and kernels with their times
"""

from tracedbg.adapters.tf_kernels.attach import TfKernels

__all__ = ["TfKernels"]
