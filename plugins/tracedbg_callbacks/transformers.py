"""A callback for the `Trainer` of transformers."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from tracedbg.errors import MissingExtraError
from tracedbg_callbacks.monitor import WARN, Monitor, write

if TYPE_CHECKING:
    from tracedbg_callbacks.monitor import OnRetrace

try:
    from transformers.trainer_callback import CallbackHandler, DefaultFlowCallback, TrainerCallback
except ModuleNotFoundError as error:
    raise MissingExtraError("tracedbg_callbacks.transformers", "transformers") from error

_HANDLER_DEPTH = 2
"""How many frames up from `_come_first` is `CallbackHandler.call_event`, which calls the hook that calls it.

Known to hold for transformers 4.30 to 4.57; tests/callbacks/test_transformers.py fails when it moves. Where
it does, callbacks that were there before have no numbers, and nothing else changes.
"""
_OTHER_LOGS = ("eval_", "test_", "predict_")


class TraceCallback(TrainerCallback):
    """Shows steps, traces, retraces and compile time of each epoch, and puts the totals into the logs.

    Whatever reads the logs has them: TensorBoard, Weights & Biases, what is printed,
    `trainer.state.log_history`. The keys are `tracedbg/traces`, `tracedbg/retraces` and
    `tracedbg/compile_seconds`.

    Args:
        on_retrace: what a retrace after the warm-up does, unless it is settled: `"warn"`, `"error"`,
            `"ignore"`, or a function that is given it.
        warmup: so many steps may retrace.
        show: whether a line is shown for each epoch, on stderr, by the first process.
        log: whether the numbers are put into the logs.

    Raises:
        UsageError: an argument is wrong.
    """

    def __init__(
        self, on_retrace: OnRetrace = WARN, warmup: int = 1, *, show: bool = True, log: bool = True
    ) -> None:
        super().__init__()
        self._monitor = Monitor(on_retrace, warmup, show=show)
        self._log = log

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Count from here on, and take the place before those that read the logs."""
        self._come_first()
        self._monitor.stop()
        self._monitor.start()

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """The next line is about this epoch."""
        self._monitor.begin()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Look what the step has traced."""
        self._monitor.step()

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Look what an evaluation has traced."""
        self._monitor.look()

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any
    ) -> None:
        """Put the numbers into the logs of the training."""
        if not self._log or not self._monitor.is_on or not logs:
            return
        if any(name.startswith(_OTHER_LOGS) for name in logs):
            return
        values = self._monitor.values()
        logs.update(values)
        if state.log_history:
            state.log_history[-1].update(values)

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Show the epoch."""
        self._show(state, f"epoch {round(state.epoch or 0) or 1}")

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Count no more."""
        self._monitor.stop()

    def _show(self, state: Any, what: str) -> None:
        text = self._monitor.text(what)
        if self._monitor.shows and state.is_world_process_zero:
            write(text)

    def _come_first(self) -> None:
        """Move before those that report: the trainer puts them first, and gives all the same dict."""
        handler = sys._getframe(_HANDLER_DEPTH).f_locals.get("self")
        if not isinstance(handler, CallbackHandler):
            return
        others = [one for one in handler.callbacks if one is not self]
        first = next((n for n, one in enumerate(others) if isinstance(one, DefaultFlowCallback)), -1) + 1
        handler.callbacks = [*others[:first], self, *others[first:]]  # a new list: one goes through the old
