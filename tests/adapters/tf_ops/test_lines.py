"""Lines agree with those that TensorFlow's own callbacks on ops see, in loops of training."""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import contextmanager

import pytest

from adapters.tf_ops.conftest import recording
from tracedbg.source import is_user_file

tf = pytest.importorskip("tensorflow")
np = pytest.importorskip("numpy")
keras = pytest.importorskip("keras")
pytestmark = pytest.mark.tensorflow
LEAST = 0.99


@contextmanager
def reference():
    """(op, innermost line of the user's) of each op of this thread."""
    from tensorflow.python.framework import op_callbacks

    found = Counter()

    def note(op_type, inputs, attrs, outputs, op_name=None, graph=None):
        op = op_type if isinstance(op_type, str) else op_type.decode()
        frame, line, is_backward = sys._getframe(1), 0, False
        while frame is not None and not line:
            is_backward |= frame.f_code.co_name == "imperative_grad"
            if is_user_file(frame.f_code.co_filename):
                line = frame.f_lineno
            frame = frame.f_back
        if graph is None:
            found["backward" if is_backward else (op, line)] += 1

    op_callbacks.add_op_callback(note)
    try:
        yield found
    finally:
        op_callbacks.remove_op_callback(note)


class Block(tf.Module):
    def __init__(self):
        self.w = tf.Variable(tf.random.stateless_normal([4, 4], [1, 2]))
        self.b = tf.Variable(tf.zeros([4]))

    def __call__(self, x):
        h = tf.matmul(x, self.w) + self.b
        h = tf.nn.relu(h) if float(tf.reduce_mean(h)) > 0 else tf.tanh(h)
        mean = tf.reduce_mean(h, axis=-1, keepdims=True)
        return (h - mean) / tf.sqrt(tf.math.reduce_variance(h, axis=-1, keepdims=True) + 1e-5)


def train_a_module():
    blocks = [Block() for _ in range(3)]
    variables = [variable for block in blocks for variable in block.trainable_variables]
    for step in range(4):
        with tf.GradientTape() as tape:
            x = tf.random.stateless_normal([8, 4], [step, 1])
            for block in blocks:
                x = block(x)
            loss = tf.reduce_mean(tf.square(x - 1.0))
        for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
            variable.assign_sub(gradient * 0.1)


def fit_a_model():
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.hidden, self.out = keras.layers.Dense(4, "relu"), keras.layers.Dense(1)

        def call(self, x):
            x = self.hidden(x)
            return self.out(x)

    net = Net()
    net.compile("sgd", "mse", run_eagerly=True)
    net.fit(np.ones([16, 3], "f4"), np.ones([16, 1], "f4"), batch_size=4, epochs=2, verbose=0)


@pytest.mark.parametrize("train", [train_a_module, fit_a_model])
def test_ops_are_on_the_lines_where_callbacks_see_them(train):
    train()
    with recording() as recorded, reference() as expected:
        train()
        forward = recorded.lines(is_backward=False, sync="")
        backward = sum(total.count for total in recorded.totals(is_backward=True, sync=""))
        on_lines = sum(
            total.count
            for total in recorded.totals(is_backward=True, sync="")
            if total.kind.stack and "gradient" not in total.kind.stack[0].function
        )
    assert backward == expected.pop("backward")
    agreed = (forward & expected).total()
    assert agreed / expected.total() >= LEAST
    assert agreed / forward.total() >= LEAST
    assert on_lines == backward
