"""The transformers example: plain, with the callback, with an error, and beside what reports elsewhere."""

import tempfile

from report import dynamo_counts, end, error_of, example, shown, sinks

example = example("transformers_callback")
import torch  # noqa: E402
from transformers import TrainerCallback  # noqa: E402

from tracedbg_callbacks.transformers import TraceCallback  # noqa: E402


class Reporting(TrainerCallback):
    """As the integrations with TensorBoard and the like: it stands before ours."""

    def __init__(self):
        self.logs = []

    def on_log(self, args, state, control, logs=None, **_):
        self.logs.append(dict(logs))


def train(*callbacks):
    with tempfile.TemporaryDirectory() as folder:
        return example.train(folder, list(callbacks))


def losses(trainer):
    return [log["loss"] for log in trainer.state.log_history if "loss" in log]


torch.set_num_threads(1)
dynamo_counts()
plain = train()
plain_counts = dynamo_counts()
reporting = Reporting()
observed, lines, warned = shown(lambda: train(reporting, TraceCallback()))
counts = dynamo_counts()
error = error_of(lambda: train(TraceCallback("error", show=False)))
end(
    plain=losses(plain), observed=losses(observed), plain_counts=plain_counts, counts=counts, lines=lines,
    warned=warned, history=observed.state.log_history, reported=reporting.logs,
    order=[type(one).__name__ for one in observed.callback_handler.callbacks], error=error, sinks=sinks(),
)  # fmt: skip
