"""A callback for the `Trainer` of Lightning 2: of `lightning` or `pytorch_lightning`, whichever is used."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from tracedbg.errors import MissingExtraError
from tracedbg_callbacks.monitor import WARN, Monitor, write

if TYPE_CHECKING:
    from tracedbg_callbacks.monitor import OnRetrace

PACKAGES = ("lightning.pytorch", "pytorch_lightning")


def _base() -> Any:
    """The class `Callback` of the package that the program has imported, or of the one that is there."""
    for name in sorted(PACKAGES, key=lambda name: name not in sys.modules):
        try:
            return importlib.import_module(f"{name}.callbacks").Callback
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != name.partition(".")[0]:
                raise
    raise MissingExtraError("tracedbg_callbacks.lightning", "lightning")


Callback: Any = _base()


class TraceCallback(Callback):
    """Shows steps, traces, retraces and compile time of each epoch, and logs the totals.

    Every `log_every_n_steps` steps the trainer's loggers get `tracedbg/traces`, `tracedbg/retraces` and
    `tracedbg/compile_seconds`; at the end of an epoch they are metrics of the trainer
    (`trainer.callback_metrics`), so that a progress bar or an `EarlyStopping` can use them.

    Args:
        on_retrace: what a retrace after the warm-up does, unless it is settled: `"warn"`, `"error"`,
            `"ignore"`, or a function that is given it.
        warmup: so many steps may retrace.
        show: whether a line is shown for each epoch, on stderr, by the process of rank 0.
        log: whether the numbers are logged.

    Raises:
        UsageError: an argument is wrong.
    """

    def __init__(
        self, on_retrace: OnRetrace = WARN, warmup: int = 1, *, show: bool = True, log: bool = True
    ) -> None:
        super().__init__()
        self._monitor = Monitor(on_retrace, warmup, show=show)
        self._log = log

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Count from here on."""
        self._monitor.stop()
        self._monitor.start()

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Count no more."""
        self._monitor.stop()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Count no more: Lightning calls no `teardown` now."""
        self._monitor.stop()

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """The next line is about this epoch."""
        self._monitor.begin()

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Look what the step has traced, and log now and then."""
        monitor = self._monitor
        monitor.step()
        if self._log and trainer.loggers and not monitor.steps % trainer.log_every_n_steps:
            values = monitor.values()
            for logger in trainer.loggers:
                logger.log_metrics(values, step=trainer.global_step - 1)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Log the totals, and show the epoch."""
        if self._log:
            self.log_dict(self._monitor.values(), on_epoch=True, sync_dist=True, reduce_fx="max")
        self._show(trainer, f"epoch {trainer.current_epoch + 1}")

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Look what a validation has traced."""
        self._monitor.look()

    def on_test_batch_end(self, *_: Any) -> None:
        """A step of `test`."""
        self._monitor.step()

    def on_test_end(self, trainer: Any, pl_module: Any) -> None:
        """Show it."""
        self._show(trainer, "test")

    def on_predict_batch_end(self, *_: Any) -> None:
        """A step of `predict`."""
        self._monitor.step()

    def on_predict_end(self, trainer: Any, pl_module: Any) -> None:
        """Show it."""
        self._show(trainer, "predict")

    def _show(self, trainer: Any, what: str) -> None:
        text = self._monitor.text(what)
        if self._monitor.shows and trainer.is_global_zero:
            write(text)
