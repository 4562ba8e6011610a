"""What TensorFlow's modules say of a thread: on real stacks, taken where TensorFlow calls back."""

from __future__ import annotations

import os
import sys
from unittest import mock

import pytest

from tracedbg import plugins
from tracedbg.activities import Activity, Classifier, Doing, Rule
from tracedbg.adapters.tf_common.activities import RULES

pytestmark = pytest.mark.tensorflow
tf = pytest.importorskip("tensorflow")
OLDER = {"keras/src/engine/data_adapter.py"}
"""Of Keras 2."""


@pytest.fixture(scope="module")
def classifier():
    return Classifier(plugins.activity_rules())


class Stack:
    """Calls back, and keeps the stack of the caller: what a sampler would see without the callback."""

    def __init__(self):
        self.frames = []

    def take(self):
        frame = sys._getframe(1)
        while frame.f_code.co_filename == __file__ or "unittest" in frame.f_code.co_filename:
            frame = frame.f_back
        self.frames = []
        while frame is not None:
            self.frames.append(
                (frame.f_code.co_filename, getattr(frame.f_code, "co_qualname", frame.f_code.co_name))
            )
            frame = frame.f_back


@pytest.fixture
def stack():
    return Stack()


def spy(stack, wraps):
    def called(*args, **kwargs):
        stack.take()
        return wraps(*args, **kwargs)

    return called


@pytest.mark.parametrize("autograph", [True, False])
def test_the_user_s_function_runs_while_it_is_traced(classifier, stack, autograph):
    @tf.function(autograph=autograph)
    def function(x):
        stack.take()
        return x + 1

    function(tf.ones(2))
    users = [("/home/me/model.py", "call"), *stack.frames]
    assert classifier.classify(users) == Doing(Activity.TRACING, "tf.function")


def test_converting_a_function_is_autograph_s_tracing(classifier, stack):
    from tensorflow.python.autograph.pyct import parser

    @tf.function
    def function(x):
        if tf.reduce_sum(x) > 0:
            x = x + 1
        return x

    with mock.patch.object(parser, "parse_entity", spy(stack, parser.parse_entity)):
        function(tf.ones(2))
    assert classifier.classify(stack.frames) == Doing(Activity.TRACING, "AutoGraph")


def test_executing_a_traced_function_is_running_what_was_compiled(classifier, stack):
    from tensorflow.python.eager import execute

    function = tf.function(lambda x: x + 1)
    function(tf.ones(2))
    with mock.patch.object(execute, "execute", spy(stack, execute.execute)):
        function(tf.ones(2))
    assert classifier.classify(stack.frames) == Doing(Activity.COMPILED, "tf.function")


def test_looking_for_the_trace_of_a_call_is_no_tracing(classifier, stack):
    from tensorflow.core.function.polymorphism.function_cache import FunctionCache

    function = tf.function(lambda x: x + 1)
    function(tf.ones(2))
    with mock.patch.object(FunctionCache, "lookup", spy(stack, FunctionCache.lookup)):
        function(tf.ones(2))
    assert classifier.classify(stack.frames) == Doing(Activity.COMPILED, "call")


def test_the_gradient_of_a_tape_is_backward(classifier, stack):
    @tf.custom_gradient
    def identity(x):
        return x * 1, lambda gradient: (stack.take(), gradient)[1]

    x = tf.ones(2)
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = identity(x)
    tape.gradient(loss, x)
    assert classifier.classify(stack.frames) == Doing(Activity.BACKWARD, "tape")


def test_an_op_is_eager_and_the_next_of_a_dataset_is_data_loading(classifier, stack):
    from tensorflow.python.ops import gen_dataset_ops, gen_math_ops

    with mock.patch.object(gen_math_ops, "mat_mul", spy(stack, gen_math_ops.mat_mul)):
        tf.matmul(tf.ones((2, 2)), tf.ones((2, 2)))
    assert classifier.classify(stack.frames) == Doing(Activity.EAGER_OPS)
    batches = iter(tf.data.Dataset.range(2))
    with mock.patch.object(
        gen_dataset_ops, "iterator_get_next", spy(stack, gen_dataset_ops.iterator_get_next)
    ):
        next(batches)
    assert classifier.classify(stack.frames) == Doing(Activity.DATA_LOADING, "tf.data")


def missing(rules):
    root = os.path.dirname(os.path.dirname(tf.__file__))
    found = []
    for rule in rules:
        if rule.path in OLDER:
            continue
        path = os.path.join(root, rule.path)
        if not os.path.exists(path):
            found.append(rule.path)
        elif rule.functions and os.path.isfile(path):
            with open(path, encoding="utf-8") as file:
                source = file.read()
            if not any(f"def {name}(" in source for name in rule.functions):
                found.append(f"{rule.path}: {', '.join(rule.functions)}")
    return found


def test_every_file_and_function_that_a_rule_names_is_there():
    """A new version of TensorFlow that moves one is noticed here; only one of several names need be."""
    assert missing(RULES) == []


def test_a_file_or_function_that_has_moved_is_noticed():
    moved = [
        Rule("tensorflow/moved/", Activity.TRACING),
        Rule("tensorflow/python/eager/backprop.py", Activity.BACKWARD, functions=("moved",)),
    ]
    assert missing(moved) == ["tensorflow/moved/", "tensorflow/python/eager/backprop.py: moved"]
