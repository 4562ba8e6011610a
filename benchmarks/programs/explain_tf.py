"""How long it takes to explain one retrace of a tf.function with many arguments, told in milliseconds.

Counted are both parts: reading TensorFlow's key, in the program, and comparing it with the earlier
ones, afterwards.
"""

import time
from statistics import median

import tensorflow as tf

import tracedbg
from tracedbg.adapters.tf_function.signature import SignatureReader
from tracedbg.explain import Explainer, is_retrace

RETRACES, LAYERS = 40, 12

read_ms = []
read = SignatureReader.read


def timed(*args):
    start = time.perf_counter()
    try:
        return read(*args)
    finally:
        read_ms.append((time.perf_counter() - start) * 1e3)


@tf.function
def step(batch, weights, lr, training=True):
    for weight in weights:
        batch = {"x": tf.nn.relu(batch["x"] @ weight) * lr, "y": batch["y"]}
    return batch if training else batch["x"]


weights = [tf.ones([4, 4]) for _ in range(LAYERS)]
SignatureReader.read = timed
with tracedbg.record() as run:
    for n in range(RETRACES):
        step({"x": tf.ones([2 + n // 2, 4]), "y": tf.ones([2])}, weights, 0.1 * (n // 4))
SignatureReader.read = read

explain_ms = []
explainer = Explainer()
for trace in run.traces:
    start = time.perf_counter()
    causes = explainer.next(trace)
    if is_retrace(trace, causes):
        explain_ms.append((time.perf_counter() - start) * 1e3)
print(median(read_ms) + median(explain_ms))
