"""Ctrl+C that comes where TensorFlow's code in C does not look whether Python that it has called has raised."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager

import pytest

from interrupting import interrupted_at
from tracedbg.adapters.tf_ops import tapes
from tracedbg.events import Fault

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow
FORGET_TYPES = getattr(sys, "_clear_internal_caches", None) or sys._clear_type_cache


def interrupt(*arguments):
    """What comes of it is lost by the next name that is looked for in a type, if nothing has asked for it before."""
    FORGET_TYPES()
    signal.raise_signal(signal.SIGINT)


@contextmanager
def interrupted(where="ones_fn"):
    """Gradients are interrupted where they make what they begin with, or stand for an output that nobody used."""
    from tensorflow.python import pywrap_tfe
    from tensorflow.python.eager.backprop import _default_vspace as usual

    pywrap_tfe.TFE_Py_RegisterVSpace(usual._replace(**{where: interrupt}))
    try:
        yield
    finally:
        pywrap_tfe.TFE_Py_RegisterVSpace(usual)


@tf.function
def compiled(x):
    return x * 2, x * 3


@tf.custom_gradient
def custom(x):
    return (x * 2, x * 3), lambda first, second: first * 2 + second * 3


def unstacked(x):
    return tf.unstack(tf.stack([x * 2, x]))


def gradient(function):
    w = tf.Variable([1.0, 2.0])
    with tf.GradientTape() as tape:
        first, _ = function(w)
    return tape.gradient(first, w)


@pytest.mark.parametrize("where", ["ones_fn", "zeros_fn"])
@pytest.mark.parametrize("function", [compiled, custom, unstacked])
@pytest.mark.parametrize("calls", [0, 20])  # the interpreter specializes what is called often
def test_an_interrupt_comes_out_of_the_gradient_that_it_came_in(recorded, where, function, calls):
    for _ in range(calls):
        gradient(function)
    for _ in range(2):
        with interrupted(where), pytest.raises(KeyboardInterrupt):
            gradient(function)
    assert gradient(function).numpy().tolist() == [2.0, 2.0]
    assert not recorded.sink.of(Fault)


def comes_out():
    try:
        with interrupted():
            gradient(compiled)
    except KeyboardInterrupt:
        return True
    except (SystemError, AttributeError):  # what it becomes depends on the version of Python
        return False
    return False


def test_it_would_not_if_nothing_asked_for_it(recorded, monkeypatch):
    monkeypatch.setattr(tapes, "raise_pending", lambda: None)
    assert not comes_out()


def test_it_does_not_from_tensorflow_alone():
    """Where this fails, what the limits say of it is true no more."""
    assert not comes_out()


@pytest.mark.parametrize("operation", ["fast path", "execute"])
def test_an_interrupt_at_any_moment_of_an_op_leaves_the_next_one_the_programs(recorded, operation):
    x = tf.constant([1.0, 2.0])
    function = {"fast path": lambda: tf.raw_ops.Neg(x=x), "execute": lambda: compiled(x)}[operation]
    function()
    moment = 0
    while interrupted_at(moment, function) is not None:
        moment += 1
    assert moment > 5
    tf.raw_ops.Sin(x=x)
    (total,) = recorded.totals(name="Sin")
    assert total.kind.is_outer
    assert not recorded.sink.of(Fault)
