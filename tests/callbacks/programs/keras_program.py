"""The Keras example: plain, with the callback, with an error, and beside other callbacks."""

import csv
import tempfile
from pathlib import Path

import tracedbg
from report import end, error_of, example, shown, sinks

example = example("keras_callback")
import keras  # noqa: E402  the example sets its environment
import tensorflow as tf  # noqa: E402

from tracedbg_callbacks.keras import TraceCallback  # noqa: E402


def losses(history):
    return history.history["loss"]


def train(*callbacks):
    example.sample = tf.function(example.sample.python_function)  # an empty cache
    history = example.train(callbacks)
    return history, example.sample.experimental_get_tracing_count()


plain, plain_traces = train()
retraces = []
with tracedbg.record(tempfile.mkdtemp()) as run:
    (observed, traces), lines, warned = shown(lambda: train(TraceCallback()))
with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "log.csv"
    with_logger, _ = train(
        TraceCallback(retraces.append, warmup=15, show=False), keras.callbacks.CSVLogger(file)
    )
    columns = csv.DictReader(file.open()).fieldnames
error = error_of(lambda: train(TraceCallback("error", show=False)))
left = sinks()
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
model.compile("adam", "mse")
import numpy as np  # noqa: E402

x, y = np.ones((12, 4), "float32"), np.ones((12, 1), "float32")
_, alone, _ = shown(lambda: model.evaluate(x, y, batch_size=4, verbose=0, callbacks=[TraceCallback()]))
_, predicted, _ = shown(lambda: model.predict(x, batch_size=4, verbose=0, callbacks=[TraceCallback()]))

asynchronous = [
    keras.callbacks.CallbackList([one])._async_train for one in (keras.callbacks.Callback(), TraceCallback())
]
end(
    plain=losses(plain), observed=losses(observed), plain_traces=plain_traces, traces=traces, lines=lines, warned=warned,
    logs={key: value for key, value in observed.history.items() if key.startswith("tracedbg/")},
    run={"traces": run.summary().traces, "retraces": run.summary().retraces},
    seconds=run.summary().seconds + sum(
        phase.seconds for one in run.summary().every_function() for phase in one.phases if phase.later
    ),
    columns=columns, answered=[retrace.function for retrace in retraces], error=error, left=left, alone=alone,
    predicted=predicted, asynchronous=asynchronous, sinks=sinks(),
)  # fmt: skip
