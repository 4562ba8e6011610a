"""`tracedbg.record(kernels=...)` with TensorFlow: nodes, gradients, eager ops, XLA and Keras, each on its line."""

from __future__ import annotations

import inspect
import time
from pathlib import Path

import pytest

import tracedbg

tf = pytest.importorskip("tensorflow")

from tracedbg.adapters.tf_kernels import _compat, logs, recording  # noqa: E402
from tracedbg.adapters.tf_kernels.nodes import _candidates  # noqa: E402
from tracedbg.heap import in_use_bytes  # noqa: E402
from tracedbg.store.reader import Run  # noqa: E402
from tracedbg.window import FULL  # noqa: E402

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
    on_lines, others = (sum(one["kernels"] for one in found[part]) for part in ("lines", "rest"))
    assert on_lines >= 0.99 * (on_lines + others), found["rest"]  # one that waits for its turn takes any time
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


@pytest.fixture
def loud():
    """TensorFlow's C++ code logs all that it has to say."""
    get, set_to = logs._levels()
    before = get()
    set_to(0)
    yield get
    set_to(before)


def test_the_profiler_writes_nothing_on_the_programs_stderr(out, step, loud, capfd):
    timed(tf.function(step), out)
    said = capfd.readouterr().err.splitlines()
    others = "USDT:"  # PyTorch's profiler, if it was used before in this process, by another test
    assert [line for line in said if not line.startswith(others)] == []
    assert loud() == 0, "the program's own logs are as before"


def test_where_the_logs_cannot_be_held_back_they_are_there_and_nothing_else_differs(
    out, step, loud, capfd, monkeypatch
):
    monkeypatch.setattr(logs, "_levels", lambda: None)
    run = timed(tf.function(step), out)
    assert "Profiler session started." in capfd.readouterr().err
    assert run.to_json()["faults"] == []


def test_a_level_that_the_program_sets_meanwhile_stays(loud):
    _, set_to = logs._levels()
    with logs.quiet():
        set_to(2)
    assert loud() == 2
    with logs.quiet():
        assert loud() == 2, "a program that wants less gets no more"


@pytest.mark.skipif(in_use_bytes() is None, reason="needs mallinfo2 of glibc 2.33")
def test_a_window_ends_when_the_profiler_has_kept_as_much_as_it_may(out, monkeypatch):
    monkeypatch.setattr(recording, "MOST_BYTES", 1_000_000)
    until = time.monotonic() + 19
    with tracedbg.record(out, kernels="20s") as run:
        while not recorded(out) and time.monotonic() < until:
            for _ in range(500):
                tf.raw_ops.AddV2(x=X, y=X)
            tracedbg.session.running()[-1].flush()
    (window,) = [one for one in run.to_json()["kernels"]["windows"] if one["profiler"] == "tensorflow"]
    assert window["note"] == FULL
    assert window["seconds"] < 19


def recorded(out):
    with Run.open(out) as run:
        windows = [seen for process in run.processes for seen in process.kernel_windows()]
    return [seen for seen in windows if seen.profiler == "tensorflow"]  # torch may be loaded by other tests
