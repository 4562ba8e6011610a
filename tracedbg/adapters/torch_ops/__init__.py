"""Records the ops that torch executes, by an observer in C++ that its dispatcher calls.

Where what is:
    recorder.py   attaches: the observer where it can be had, torch.profiler where not
    native/       the observer: adds up in C++ what was executed, and reads the lines of its own thread
    building.py   compiles it, once for each torch and Python, into the user's cache
    observer.py   what Python sees of it: totals, in the project's words
    steps.py      the window of single executions by steps
    syncs.py      methods of tensors that are no ops, and make the host wait
    profiled.py   what torch.profiler saw in a window
"""

from tracedbg.adapters.torch_ops.recorder import TorchOpRecorder

__all__ = ["TorchOpRecorder"]
