"""Python functions that TensorFlow calls from threads of its own: `py_function`, `tf.data` in its debug mode.

Python does not know those threads before: no trace function is set there, and no line would stop.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_eager._compat import CALLED_BACK

if TYPE_CHECKING:
    from tracedbg.debugging import Debugger
    from tracedbg.hooks import Hooks


def trace_callbacks(hooks: Hooks, debugger: Debugger) -> None:
    """Do in those threads what `threading` does in its own: set the trace function, if it is ours."""

    def make(original: Any) -> Any:
        def __call__(self, *arguments):  # noqa: N807  a method, as it is there
            tracer = threading.gettrace()
            if tracer is not None and sys.gettrace() is None:
                hooks.safely("callback", _trace, tracer, debugger)
            return original(self, *arguments)

        return __call__

    hooks.patch(*CALLED_BACK.owner(), make)


def _trace(tracer: Any, debugger: Debugger) -> None:
    if getattr(tracer, "__code__", None) in debugger.own_code():
        sys.settrace(tracer)
