"""`tracedbg.record(kernels=...)` with TensorFlow: nodes, gradients, eager ops, XLA and Keras, each on its line."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

import tracedbg

tf = pytest.importorskip("tensorflow")

from tracedbg.adapters.tf_kernels import _compat  # noqa: E402
from tracedbg.adapters.tf_kernels.nodes import _candidates  # noqa: E402
from tracedbg.store.reader import Run  # noqa: E402

pytestmark = pytest.mark.tensorflow
PRIVATE = {name: value for name, value in vars(_compat).items() if isinstance(value, _compat.PrivateName)}


def marked(mark):
    lines = Path(__file__).read_text().splitlines()
    return next(number for number, text in enumerate(lines, 1) if text.endswith(f"# @{mark}"))


@pytest.fixture
def out(tmp_path):
    return str(tmp_path / "run")


@pytest.fixture(scope="module")
def weight():
    return tf.Variable(tf.random.stateless_normal([64, 64], [1, 2]))


@pytest.fixture(scope="module")
def step(weight):
    def step(x):
        with tf.GradientTape() as tape:
            h = tf.nn.relu(x @ weight)  # @matmul
            for _ in tf.range(3):  # @loop
                h = h * 0.5  # @halve
            loss = tf.reduce_mean((h - x) ** 2)  # @loss
        gradient = tape.gradient(loss, weight)  # @gradient
        weight.assign_sub(0.1 * gradient)  # @update
        return loss

    return step


X = tf.random.stateless_normal([128, 64], [3, 4])


def timed(function, out, kernels=3):
    function(X)
    with tracedbg.record(out, kernels=kernels) as run:
        for _ in range(6):
            function(X)
    return run


def lines(run):
    found = run.to_json()["kernels"]
    on_lines = sum(line["seconds"] for line in found["lines"])
    assert on_lines >= 0.99 * found["seconds"]
    return {line["line"]: line for line in found["lines"] if line["file"] == __file__}


def test_nodes_of_a_function_are_on_the_lines_that_made_them(step, out):
    run = timed(tf.function(step), out)
    windows = run.to_json()["kernels"]["windows"]
    assert [one["steps"] for one in windows if one["profiler"] == "tensorflow"] == [3]
    found = lines(run)
    assert {marked(mark) for mark in ("matmul", "loop", "halve", "loss", "update")} <= set(found)
    assert run.traces == ()


@pytest.mark.parametrize("mark", ["matmul", "halve"])
def test_the_nodes_of_a_gradient_are_on_the_lines_of_their_forward(step, out, mark):
    line = lines(timed(tf.function(step), out))[marked(mark)]
    assert 0 < line["backward_seconds"] < line["seconds"]


def test_a_function_has_the_time_of_its_kernels(step, out):
    with tracedbg.record(out, kernels=2) as run:
        function = tf.function(step)
        for _ in range(6):
            function(X)
    found = run.to_json()
    (traced,) = [one for one in found["functions"] if one["name"].endswith("step")]
    assert traced["line"] == inspect.getsourcelines(step)[1]
    assert traced["traces"] == 1
    assert traced["kernel_seconds"] == pytest.approx(found["kernels"]["seconds"], rel=0.01)


def test_eager_ops_are_on_the_lines_that_ran_them(step, out):
    found = lines(timed(step, out))
    assert {marked(mark) for mark in ("matmul", "loop", "halve", "loss", "update")} <= set(found)
    assert 0 < found[marked("matmul")]["backward_seconds"] < found[marked("matmul")]["seconds"]


def test_what_xla_fused_is_on_the_lines_of_its_nodes(step, out):
    found = lines(timed(tf.function(step, jit_compile=True), out))
    assert {marked(mark) for mark in ("matmul", "halve", "loss")} <= set(found)


def test_keras_fit_is_told_by_the_lines_of_its_layers_and_of_the_fit(out):
    class Doubled(tf.keras.layers.Layer):
        def call(self, x):
            return tf.sin(x) * 2.0  # @layer

    model = tf.keras.Sequential([tf.keras.layers.Dense(32), Doubled(), tf.keras.layers.Dense(64)])
    model.compile("sgd", "mse")
    with tracedbg.record(out, kernels=3) as run:
        model.fit(X, X, epochs=3, batch_size=16, verbose=0)  # @fit
    found = lines(run)
    assert set(found) == {marked("layer"), marked("fit")}
    assert 0 < found[marked("layer")]["backward_seconds"] < found[marked("layer")]["seconds"]


def test_the_programs_own_profiler_takes_over(step, out, tmp_path):
    function = tf.function(step)
    function(X)
    logs = tmp_path / "logs"
    with tracedbg.record(out, kernels=True) as run:
        for _ in range(3):
            function(X)
        with tf.profiler.experimental.Profile(str(logs)):
            function(X)
    assert list(logs.rglob("*.xplane.pb"))
    with Run.open(run.folder) as recording:
        found = recording.processes[0].kernel_windows()
    (seen,) = [one for one in found if one.profiler == "tensorflow"]  # others may be loaded by other tests
    assert (seen.steps, seen.note) == (2, "the program's own profiler took over")


def test_nothing_is_timed_while_the_programs_own_profiler_runs(step, out, tmp_path):
    with tf.profiler.experimental.Profile(str(tmp_path / "logs")), tracedbg.record(out, kernels=True) as run:
        step(X)
    assert "no kernels were seen: the program's own profiler was running" in run.report()


@pytest.mark.parametrize(
    ("node", "likely"),
    [
        ("while/body/_1/while/mul", "while/mul"),
        ("StatefulPartitionedCall/model/dense/MatMul", "model/dense/MatMul"),
        ("ArithmeticOptimizer/model/Relu", "model/Relu"),
        ("model/conv/Conv2D-0-TransposeNHWCToNCHW-LayoutOptimizer", "model/conv/Conv2D"),
        ("model/dense/BiasAdd/part", "model/dense/BiasAdd"),
    ],
)
def test_a_node_that_the_runtime_has_renamed_is_found_by_its_parts(node, likely):
    assert likely in _candidates(node)


@pytest.mark.parametrize("name", sorted(PRIVATE))
def test_the_private_name_is_there(name):
    PRIVATE[name].get()
