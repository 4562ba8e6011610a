"""Tells tracedbg what toyjit traces, and for which arguments."""

import inspect
import threading

from tracedbg.events import Framework, Outcome, Signature, TensorSpec, Traceable, TraceEnded, TraceStarted
from tracedbg.source import current_stack

TOYJIT = Framework("toyjit")


class ToyJitAdapter:
    name = "toyjit"
    modules = ("toyjit",)

    def attach(self, module, hooks):
        """Install the hooks: the program has just imported `module`."""
        not_users = (module.__file__, __file__)

        def make(original):
            def trace(function, length):
                number = hooks.safely("begin", begin, hooks.sink, function, length, not_users)
                outcome = Outcome.FAILED
                try:
                    program = original(function, length)
                    outcome = Outcome.COMPILED
                    return program
                finally:
                    hooks.safely("end", end, hooks.sink, number, outcome)

            return trace

        hooks.patch(module, "trace", make)


def begin(sink, function, length, not_users):
    """A trace begins; returns its number."""
    code = function.__code__
    (argument,) = inspect.signature(function).parameters
    number = sink.new_id()
    sink.emit(
        TraceStarted(
            number,
            Traceable(TOYJIT, code.co_name, code.co_filename, code.co_firstlineno),
            sink.now_ns(),
            threading.get_ident(),
            signature=Signature(((argument, TensorSpec("number", (length,))),)),
            call_stack=tuple(frame for frame in current_stack() if frame.file not in not_users),
        )
    )
    sink.flush()  # what is traced may end the process
    return number


def end(sink, number, outcome):
    """The same trace is done."""
    if number is not None:
        sink.emit(TraceEnded(number, sink.now_ns(), outcome))
