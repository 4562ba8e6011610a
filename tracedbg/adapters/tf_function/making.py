"""Where each `tf.function` object was made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_common import _compat
from tracedbg.adapters.tf_common.stack import caller

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracedbg.adapters.tf_common.stack import UserStack
    from tracedbg.adapters.tf_function.subjects import Subjects
    from tracedbg.hooks import Hooks


class Making:
    """Sees each `tf.function` when its constructor has all but finished.

    The constructor itself is left alone: a frame of ours would stand in the traceback of whatever it raises.
    """

    def __init__(self, hooks: Hooks, subjects: Subjects, stack: UserStack) -> None:
        self._hooks = hooks
        self._subjects = subjects
        self._stack = stack

    def install(self) -> None:
        """Install the hook."""
        self._hooks.patch(*_compat.FUNCTION_MADE.owner(), self._wrap)

    def _wrap(self, original: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def get_key_for_call_stats(function: Any) -> Any:
            self._hooks.safely("made", self._note, function)
            return original(function)

        return get_key_for_call_stats

    def _note(self, function: Any) -> None:
        self._subjects.made(function, self._stack.line(caller()))
