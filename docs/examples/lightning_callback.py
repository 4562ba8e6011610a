"""A Lightning module whose train step is compiled again for each new length: `TraceCallback` says so."""

import os
import tempfile
import warnings

import lightning.pytorch as pl
import torch
from lightning.pytorch.loggers import CSVLogger
from torch.utils.data import DataLoader

from tracedbg_callbacks.lightning import TraceCallback

warnings.filterwarnings("ignore", module="lightning")


class Net(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(8, 1)
        self.score = torch.compile(self.loss, backend="eager", dynamic=False)

    def loss(self, x):
        return (self.layer(x).mean(1) - 1).square().mean()

    def training_step(self, x, index):
        loss = self.score(x)  # @call
        self.log("loss", loss)
        return loss

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


def train(folder, callbacks):
    pl.seed_everything(0, verbose=False)
    lengths = [16] * 6 + [12] * 3 + [9]
    data = [torch.randn(4, length, 8) for length in lengths]
    trainer = pl.Trainer(
        max_epochs=2,
        accelerator="cpu",
        callbacks=callbacks,
        logger=CSVLogger(folder),
        log_every_n_steps=5,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
    )
    trainer.fit(Net(), DataLoader(data, batch_size=None))
    return trainer


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        trainer = train(folder, [TraceCallback()])
        print("retraces:", int(trainer.callback_metrics["tracedbg/retraces"]))
        with open(os.path.join(trainer.log_dir, "metrics.csv")) as file:
            print("columns:", ", ".join(sorted(next(file).strip().split(","))))
