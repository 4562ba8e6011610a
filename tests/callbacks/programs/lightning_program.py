"""The Lightning example: plain, with the callback, with an error, and with another callback that uses its metrics."""

import csv
import os
import tempfile

import tracedbg
from report import dynamo_counts, end, error_of, example, shown, sinks

example = example("lightning_callback")
import torch  # noqa: E402
from lightning.pytorch.callbacks import Callback, EarlyStopping  # noqa: E402

from tracedbg_callbacks.lightning import TraceCallback  # noqa: E402


class Losses(Callback):
    def __init__(self):
        self.losses = []

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self.losses.append(float(outputs["loss"]))


def train(*callbacks):
    losses = Losses()
    folder = tempfile.mkdtemp()
    trainer = example.train(folder, [losses, *callbacks])
    with open(os.path.join(trainer.log_dir, "metrics.csv")) as file:
        rows = list(csv.DictReader(file))
    return trainer, losses.losses, rows


torch.set_num_threads(1)
dynamo_counts()
_, plain, _ = train()
plain_counts = dynamo_counts()
(trainer, observed, rows), lines, warned = shown(lambda: train(TraceCallback()))
counts = dynamo_counts()
left = sinks()
error = error_of(lambda: train(TraceCallback("error", show=False)))
left_after_error = sinks()
dynamo_counts()
answered = []
stopping = EarlyStopping("tracedbg/retraces", mode="max", stopping_threshold=1, patience=9)
with tracedbg.record(tempfile.mkdtemp()) as run:
    stopped, _, _ = train(TraceCallback(answered.append, warmup=9, show=False), stopping)
end(
    plain=plain, observed=observed, plain_counts=plain_counts, counts=counts, lines=lines, warned=warned, rows=rows,
    metrics={name: float(value) for name, value in trainer.callback_metrics.items()},
    error=error, left=left, left_after_error=left_after_error,
    answered=[retrace.causes[0].after for retrace in answered], epochs=stopped.current_epoch,
    run={"traces": run.summary().traces, "retraces": run.summary().retraces}, sinks=sinks(),
)  # fmt: skip
