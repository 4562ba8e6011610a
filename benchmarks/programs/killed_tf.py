"""Traces, runs ops and calls functions without end, and notes when: to be killed. `killed_tf.py LOG`."""

import tensorflow as tf
from killed_log import note

x = tf.ones(4)


@tf.function
def steady(x):
    return x + 1


steady(x)
ops, calls = 0, 1
for trace in range(1, 100_000):

    def traced(x, trace=trace):
        return x * float(trace)

    tf.function(traced)(x)
    note("trace", trace)
    for _ in range(10):
        for _ in range(20):
            tf.sin(x)
        ops += 20
        note("op", ops)
        steady(x)
        calls += 1
        note("call", calls)
