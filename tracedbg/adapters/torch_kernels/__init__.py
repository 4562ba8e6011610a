"""Times torch's kernels in a window of the program, by torch's own profiler.

Where what is:
    attach.py     tells of steps, has Inductor note where its kernels come from, gives way to others
    recording.py  starts and stops the profiler
    tree.py       its events: ops with their stacks
    operators.py  the lines of operators, which are no calls
    caches.py     keeps what was compiled from other lines apart
    files.py      whole paths of files, which the profiler shortens
    generated.py  the user's lines behind generated code
    device.py     kernels of a GPU: which op, or line, launched each
"""

from tracedbg.adapters.torch_kernels.attach import TorchKernels

__all__ = ["TorchKernels"]
