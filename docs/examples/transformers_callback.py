"""A transformers Trainer with a compiled part that meets new lengths: `TraceCallback` says so."""

import os
import tempfile

os.environ.setdefault("USE_TF", "0")

import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments, set_seed

from tracedbg_callbacks.transformers import TraceCallback


def batches():
    for number in range(8):
        length = 12 if number < 6 else 20
        for _ in range(2):
            yield {"input_ids": torch.arange(length) + number, "labels": torch.tensor(number % 2)}


def train(folder, callbacks):
    set_seed(0)
    config = BertConfig(
        vocab_size=64, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    model = BertForSequenceClassification(config)
    model.bert.embeddings.compile(backend="eager", dynamic=False)
    arguments = TrainingArguments(
        folder,
        num_train_epochs=2,
        per_device_train_batch_size=2,
        logging_steps=4,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
        seed=0,
    )

    class InOrder(Trainer):
        def _get_train_sampler(self, *_):
            return torch.utils.data.SequentialSampler(self.train_dataset)

    trainer = InOrder(model, arguments, train_dataset=list(batches()), callbacks=callbacks)
    trainer.train()  # @call
    return trainer


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        trainer = train(folder, [TraceCallback()])
    print("retraces:", [log["tracedbg/retraces"] for log in trainer.state.log_history])
