"""Which line of the user's TensorFlow is tracing, in the thread that asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.adapters.tf_common.stack import UserStack, caller
from tracedbg.adapters.tf_function.walk._compat import INSIDE_FUNCTION, SOURCE_MAPS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracedbg.events import Frame


def tell_what_is_traced() -> Callable[[], Frame | None]:
    """For `Debugger.add_tracing`."""
    stack, is_tracing = UserStack(SOURCE_MAPS.get()), INSIDE_FUNCTION.get()

    def where() -> Frame | None:
        return stack.line(caller()) if is_tracing() else None

    return where
