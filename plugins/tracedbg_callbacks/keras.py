"""A callback for `fit`, `evaluate` and `predict` of Keras 3, on any backend.

On TensorFlow's and PyTorch's, what is traced is seen; JAX's is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracedbg.errors import MissingExtraError
from tracedbg_callbacks.monitor import WARN, Monitor, write

if TYPE_CHECKING:
    from tracedbg_callbacks.monitor import OnRetrace

try:
    from keras.callbacks import Callback
except ModuleNotFoundError as error:
    raise MissingExtraError("tracedbg_callbacks.keras", "keras") from error


class TraceCallback(Callback):
    """Shows steps, traces, retraces and compile time of each epoch, and puts the totals into its `logs`.

    Whatever reads the logs has them: `History`, `CSVLogger`, `TensorBoard`, `WandbMetricsLogger`; in the list
    of callbacks it has to stand before these. The keys are `tracedbg/traces`, `tracedbg/retraces` and
    `tracedbg/compile_seconds`.

    Args:
        on_retrace: what a retrace after the warm-up does, unless it is settled: `"warn"`, `"error"`,
            `"ignore"`, or a function that is given it.
        warmup: so many steps may retrace.
        show: whether a line is shown for each epoch, on stderr.
        log: whether the numbers are put into the logs.

    Raises:
        UsageError: an argument is wrong.
    """

    async_safe = True
    """Keras may go on calling the others in a thread of its own: `on_train_batch_end` only notes a number."""

    def __init__(
        self, on_retrace: OnRetrace = WARN, warmup: int = 1, *, show: bool = True, log: bool = True
    ) -> None:
        super().__init__()
        self._monitor = Monitor(on_retrace, warmup, show=show)
        self._log = log
        self._last = -1
        """The last step of the epoch that has ended."""
        self._told = 0
        """Steps of the epoch that the monitor was told of."""
        self._text = ""
        self._is_training = False

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Count from here on."""
        self._monitor.stop()  # a training before this one may have raised
        self._monitor.start()
        self._is_training = True

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Show what is left of the last epoch: Keras ends the line of its bar after `on_epoch_end`."""
        self._show()
        self._last, self._told = -1, 0
        self._monitor.begin()

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Look what the steps before this one have traced."""
        if batch > self._told:
            self._monitor.step(batch - self._told)
            self._told = batch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Note how far the epoch has come; Keras may call it in another thread."""
        self._last = batch

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Put the numbers into the logs."""
        self._monitor.step(max(self._last + 1 - self._told, 0))
        self._told = max(self._last + 1, self._told)
        if self._log and logs is not None:
            logs.update(self._monitor.values())
        self._text = self._monitor.text(f"epoch {epoch + 1}")

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Count no more."""
        self._show()
        self._is_training = False
        self._monitor.stop()

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Count in an `evaluate` of its own as well; one within a training belongs to that."""
        self._begin_alone()

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Note how far it has come."""
        if not self._is_training:
            self._last = batch

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Show what was seen."""
        self._end_alone("evaluate")

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Count in a `predict` as well."""
        self._begin_alone()

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Note how far it has come."""
        if not self._is_training:
            self._last = batch

    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        """Show what was seen."""
        self._end_alone("predict")

    def _begin_alone(self) -> None:
        if not self._is_training:
            self._monitor.stop()
            self._monitor.start()
            self._last = -1

    def _end_alone(self, what: str) -> None:
        if self._is_training:
            return
        self._monitor.step(self._last + 1)
        self._text = self._monitor.text(what)
        self._show()
        self._monitor.stop()

    def _show(self) -> None:
        text, self._text = self._text, ""
        if text and self._monitor.shows:
            write(text)
