"""Graphs are dropped, and nothing else: variables keep their values."""

from __future__ import annotations

import pytest

from tracedbg.adapters.tf_function.isolation import drop_caches

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow


def test_the_next_call_traces_anew():
    traced = []

    @tf.function
    def double(x):
        traced.append(x.shape)
        return x * 2

    double(tf.ones([3]))
    drop_caches()
    assert double.experimental_get_tracing_count() == 0
    assert double(tf.ones([3])).numpy().tolist() == [2, 2, 2]
    assert len(traced) == 2


def test_variables_and_gradients_stay_as_they_are():
    class Counter(tf.Module):
        def __init__(self):
            self.total = None

        @tf.function
        def add(self, x):
            if self.total is None:
                self.total = tf.Variable(0.0)
            self.total.assign_add(x)
            return self.total * x

    counter = Counter()
    assert counter.add(tf.constant(2.0)).numpy() == 4.0
    drop_caches()
    with tf.GradientTape() as tape:
        result = counter.add(tf.constant(3.0))
        drop_caches()  # in the middle: a graph that somebody uses stays alive
    assert result.numpy() == 15.0
    assert tape.gradient(result, counter.total) is not None
