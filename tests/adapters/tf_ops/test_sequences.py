"""Calls without a gradient: the ops of each, in their order."""

from __future__ import annotations

import pytest

from adapters.tf_ops.conftest import line_of, recording

tf = pytest.importorskip("tensorflow")
keras = pytest.importorskip("keras")
pytestmark = pytest.mark.tensorflow
X = tf.constant([[1.0, 2.0]])


class Skipping(keras.layers.Layer):
    """Does without its second half, now and then."""

    def __init__(self):
        super().__init__()
        self.first, self.second = keras.layers.Dense(2), keras.layers.Dense(2)
        self.skips = False

    def call(self, x):
        x = self.first(x)  # @first
        return x if self.skips else self.second(x)  # @second


def test_each_call_of_a_model_is_a_step_of_the_line_that_calls(recorded):
    model = Skipping()

    def infer(skips):
        model.skips = skips
        return model(X)  # @call

    for layer in (model.first, model.second):
        layer.build((1, 2))
    for skips in (False, True, True):
        infer(skips=skips)
    first, second = recorded.graphs("sequence")
    lines = {line_of(Skipping, "first"), line_of(Skipping, "second")}
    assert {site.line for site in first.sites} == lines
    assert {site.line for site in second.sites} == {line_of(Skipping, "first")}
    assert [site.op for site in second.sites] == ["MatMul", "BiasAdd"]
    assert second.sites[1].inputs == (second.sites[0].name,)
    (steps,) = recorded.steps("sequence")
    assert (steps.steps, steps.looked_at) == (3, 3)
    assert [(change.count, change.step) for change in steps.changes] == [(1, 2)]
    assert steps.function.line == line_of(infer, "call")


def test_a_call_below_a_tape_or_in_a_graph_is_none(recorded):
    model = Skipping()
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(X))
    tape.gradient(loss, model.trainable_variables)
    tf.function(model)(X)
    assert recorded.graphs("sequence") == []
    assert recorded.steps("sequence") == []


def test_calls_of_the_windows_function_are_steps():
    def work(flag):  # @work
        y = tf.sin(X)
        return y + 1.0 if flag else y * 2.0

    with recording("work@1:2") as recorded:
        for flag in (True, True, False):
            work(flag)
            tf.cos(X)
        graphs = recorded.graphs("sequence")
        (steps,) = recorded.steps("sequence")
    assert [[site.op for site in graph.sites] for graph in graphs] == [["Sin", "AddV2"], ["Sin", "Mul"]]
    assert (steps.steps, steps.function.name.split(".")[-1]) == (3, "work")
    assert steps.function.line == line_of(work, "work")


def test_a_call_that_fails_ends_there(recorded):
    class Failing(keras.layers.Layer):
        def call(self, x):
            tf.matmul(x, x)

    with pytest.raises(tf.errors.InvalidArgumentError):
        Failing()(X)
    tf.sin(X)
    (graph,) = recorded.graphs("sequence")
    assert [site.op for site in graph.sites] == ["MatMul"]
