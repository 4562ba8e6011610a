"""Lines of libraries that make ops: Keras' own layers."""

from __future__ import annotations

import inspect

import pytest

from adapters.tf_walk.support import locals_of, plain
from tracedbg.engine import Breakpoint

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow


def line_of(function, text):
    lines, first = inspect.getsourcelines(function)
    return next(first + at for at, one in enumerate(lines) if text in one)


def dense_and_call():
    dense = tf.keras.layers.Dense(2, kernel_initializer="ones", bias_initializer="ones")
    dense.build([None, 3])

    @tf.function
    def f(x):
        y = x * 2.0
        return dense(y)

    return dense, f


def test_a_breakpoint_in_a_layer_stops_there_with_its_variables(engine, script):
    dense, f = dense_and_call()
    call = inspect.unwrap(type(dense).call)
    at = line_of(call, "ops.add(x, self.bias)")
    script.look = lambda stop: (
        stop.view.line,
        [(one.function.rpartition(".")[2], one.is_user) for one in stop.view.frames()[:2]],
        {name: locals_of(stop)[name] for name in ("inputs", "x")},
    )
    added = engine.breakpoints.add(Breakpoint(file=call.__code__.co_filename, line=at))
    assert plain(f(tf.ones([1, 3]))) == [[7.0, 7.0]]
    seen = at, [("call", False), ("f", True)], {"inputs": [[2.0, 2.0, 2.0]], "x": [[6.0, 6.0]]}
    assert script.stops == [seen]
    engine.breakpoints.remove([added.id])
    assert plain(f(tf.ones([1, 3]))) == [[7.0, 7.0]]
    assert script.stops == [seen]
    assert f.experimental_get_tracing_count() == 1


def test_the_ops_of_a_library_have_its_lines(engine, script):
    model = tf.keras.Sequential([tf.keras.Input([3]), tf.keras.layers.Dense(2)])
    script.look = lambda stop: {site.op: site.file.rpartition("keras")[2] for site in stop.view.walk.sites}
    engine.breakpoints.add(Breakpoint(op_pattern="MatMul"))
    model.predict(tf.ones([2, 3]), verbose=0)
    assert script.stops[0]["MatMul"] == "/src/backend/tensorflow/numpy.py"
