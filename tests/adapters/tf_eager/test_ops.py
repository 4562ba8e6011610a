"""Eager ops stop, forward and backward, with their real values, and nothing is changed by it."""

from __future__ import annotations

import inspect
import threading

import pytest

from tracedbg.engine import Go

tf = pytest.importorskip("tensorflow")
np = pytest.importorskip("numpy")
pywrap_tfe = pytest.importorskip("tensorflow.python.pywrap_tfe")
pytestmark = pytest.mark.tensorflow


def line_of(function, marker):
    """The number of the line of `function` that ends in `# @marker`."""
    lines, first = inspect.getsourcelines(function)
    (found,) = [first + at for at, line in enumerate(lines) if line.rstrip().endswith(f"# @{marker}")]
    return found


def model(x, w):
    h = tf.matmul(x, w)  # @matmul
    r = tf.nn.relu(h)  # @relu
    return tf.reduce_sum(r * 3.0)  # @sum


class Odd:
    """What only the slow path makes a tensor of."""

    def __array__(self, dtype=None, copy=None):
        return np.ones([2], np.float32)


X, W = [[1.0, -2.0]], [[1.0, 2.0], [3.0, 4.0]]


def test_an_op_stops_by_its_name_with_its_inputs_and_the_locals_of_its_line(debugged):
    debugged.at(op_pattern="Relu")
    model(tf.constant(X), tf.constant(W))
    (seen,) = debugged.seen
    assert (seen.reason, seen.text) == ("function breakpoint", "Relu is next")
    assert (seen.op, seen.function, seen.line) == ("Relu", "model", line_of(model, "relu"))
    assert seen.inputs == {"features": [[-5.0, -6.0]]}
    assert seen.outputs == {}
    assert set(seen.locals) == {"x", "w", "h"}


def test_stepping_by_ops_stops_at_each_op_in_order(debugged):
    debugged.script.answers = [Go.OP] * 3
    debugged.at(op_pattern="MatMul")
    model(tf.constant(X), tf.constant(W))
    assert debugged.script.ops() == ["MatMul", "Relu", "Mul", "Sum"]
    assert [one.index for one in debugged.seen] == [0, 1, 2, 3]


def test_a_nan_stops_after_the_op_that_makes_it(debugged):
    def first_bad(x):
        y = x - 2.0
        z = tf.math.log(y)  # @log
        return z + 1.0

    debugged.at(filter="nan")
    first_bad(tf.constant([3.0, 1.0]))
    (seen,) = debugged.seen
    assert (seen.op, seen.line) == ("Log", line_of(first_bad, "log"))
    assert seen.text == "Log has made a NaN in y; its inputs had none"
    assert seen.outputs["y"][0] == 0.0
    assert np.isnan(seen.outputs["y"][1])


def test_an_op_that_fails_stops_with_the_error_that_the_program_gets(debugged):
    def shapes(a, b):
        return tf.raw_ops.BatchMatMulV2(x=a, y=b)  # @fails

    debugged.at(filter="error")
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        shapes(tf.ones([2, 3]), tf.ones([2, 3]))
    (seen,) = debugged.seen
    assert (seen.op, seen.line) == ("BatchMatMulV2", line_of(shapes, "fails"))
    assert f"InvalidArgumentError: {str(caught.value).split(' [Op')[0]}" in seen.text


def test_a_failure_that_comes_by_the_slow_way_stops_once(debugged):
    debugged.at(filter="error")
    with pytest.raises(tf.errors.OpError):
        tf.raw_ops.Reshape(tensor=Odd(), shape=[3])
    assert debugged.script.ops() == ["Reshape"]


def test_an_op_that_the_fast_path_refuses_is_told_once(debugged):
    from tensorflow.python.eager import core

    original = pywrap_tfe.TFE_Py_FastPathExecute
    refused = []

    def counting(context, op, name, *arguments):
        try:
            return original(context, op, name, *arguments)
        except core._FallbackException:
            refused.append(op)
            raise

    pywrap_tfe.TFE_Py_FastPathExecute = counting
    try:
        made = debugged.at(op_pattern="*")
        tf.raw_ops.Neg(x=Odd())
        debugged.engine.breakpoints.remove([made.id])
    finally:
        pywrap_tfe.TFE_Py_FastPathExecute = original
    assert refused == ["Neg"]
    assert debugged.script.ops() == ["Neg"]


def test_the_ops_of_a_gradient_stop_with_the_forward_line(debugged):
    x, w = tf.constant(X), tf.Variable(W)

    def train():
        with tf.GradientTape() as tape:
            loss = model(x, w)
        return tape.gradient(loss, w)  # @gradient

    plain = train()
    debugged.at(op_pattern="*")
    watched = train()
    backward = [(one.op, one.line) for one in debugged.seen if one.is_backward]
    assert ("ReluGrad", line_of(model, "relu")) in backward
    assert ("MatMul", line_of(model, "matmul")) in backward
    assert [line for op, line in backward if op == "Mul"] == [line_of(model, "sum")]
    forward = [(one.op, one.line) for one in debugged.seen if not one.is_backward]
    assert ("MatMul", line_of(model, "matmul")) in forward
    assert np.array_equal(plain, watched)


def test_a_backward_op_whose_forward_is_not_known_shows_the_line_that_asked_for_the_gradient(debugged):
    def train(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = -x
        return tape.gradient(y, x)  # @gradient

    debugged.at(op_pattern="Neg")
    train(tf.constant(2.0))
    assert [(one.is_backward, one.line == line_of(train, "gradient")) for one in debugged.seen] == [
        (False, False),
        (True, True),
    ]


def test_every_thread_stops(debugged):
    debugged.at(op_pattern="Relu")
    x, w = tf.constant(X), tf.constant(W)
    threads = [threading.Thread(target=model, args=(x, w)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert debugged.script.ops() == ["Relu"] * 3


def test_aborting_at_an_op_raises_in_the_program_at_its_line(debugged):
    debugged.script.answers = [Go.ABORT]
    debugged.at(op_pattern="Relu")
    with pytest.raises(KeyboardInterrupt):
        model(tf.constant(X), tf.constant(W))
    assert float(model(tf.constant(X), -tf.constant(W))) == 33.0


def test_what_a_person_runs_at_a_stop_is_not_recorded_and_does_not_stop(debugged):
    x, w = tf.constant(X), tf.Variable(W)

    def look(stop):
        if not stop.view.is_backward:
            debugged.engine.evaluate("tf.nn.relu(x @ w) + w", stop.view)

    debugged.script.at_stop = look
    debugged.at(op_pattern="*Relu*")
    with tf.GradientTape() as tape:
        loss = model(x, w)
    assert tape.gradient(loss, w).numpy().tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert debugged.script.ops() == ["Relu", "ReluGrad"]


def test_a_look_at_a_variable_is_not_watched_by_the_tape(debugged):
    from tracedbg.adapters.tf_common.tensors import TfTensors

    v = tf.Variable([1.0, 2.0])
    with tf.GradientTape() as tape:
        assert TfTensors().summary(v).maximum == 2.0
    assert tape.watched_variables() == ()


def test_variables_are_seen_where_they_are_read_and_written(debugged):
    v = tf.Variable([1.0])
    debugged.at(op_pattern="*VariableOp")
    v.assign_add([2.0])
    v.assign([5.0])
    float(v[0])
    assert debugged.script.ops() == ["AssignAddVariableOp", "AssignVariableOp", "ReadVariableOp"]
    assert debugged.seen[0].inputs == {"resource": None, "value": [2.0]}


def test_a_call_of_a_traced_function_that_is_not_walked_is_one_op(debugged):
    @tf.function
    def traced(x):
        return tf.sin(x) + 1.0

    x = tf.constant([0.0])
    traced(x)
    debugged.at(op_pattern="*")
    traced(x)
    (seen,) = debugged.seen
    assert (seen.op, seen.inputs) == ("PartitionedCall", {"input[0]": [0.0]})


def test_nothing_stops_while_a_function_is_traced(debugged):
    @tf.function
    def traced(x):
        return tf.nn.relu(x)

    debugged.at(op_pattern="Relu")
    traced(tf.constant([1.0]))
    assert debugged.seen == []
    assert traced.experimental_get_tracing_count() == 1


@pytest.mark.parametrize(
    ("run", "names"),
    [
        (lambda x: tf.concat([x, x], 0), {"values[0]", "values[1]", "axis"}),
        (lambda x: tf.split(x, 2, 1), {"split_dim", "value"}),
        (lambda x: tf.raw_ops.AddN(inputs=[x, x, x]), {"inputs[0]", "inputs[1]", "inputs[2]"}),
        (lambda x: x[0, 1:], {"input", "begin", "end", "strides"}),
    ],
)
def test_inputs_have_the_names_of_the_definition(debugged, run, names):
    debugged.at(op_pattern="*")
    run(tf.constant([[1.0, 2.0]]))
    assert set(debugged.seen[0].inputs) == names


def test_outputs_have_the_names_of_the_definition(debugged):
    outputs = []
    debugged.engine.after_op = lambda view: outputs.extend(name for name, _ in view.op.outputs())
    debugged.at(filter="inf")
    tf.split(tf.constant([[1.0, 2.0]]), 2, 1)
    tf.nn.top_k(tf.constant([3.0, 1.0]), 1)
    assert outputs == ["output[0]", "output[1]", "values", "indices"]


def test_strings_ragged_and_sparse_pass(debugged):
    debugged.at(filter="nan")
    debugged.at(filter="inf")
    debugged.at(filter="shape")
    tf.strings.join(["a", "b"])
    rows = tf.ragged.constant([[1.0], [2.0, 3.0]])
    assert (rows + 1.0).to_list() == [[2.0], [3.0, 4.0]]
    sparse = tf.sparse.from_dense([[0.0, 1.0]])
    assert tf.sparse.to_dense(sparse * 2.0).numpy().tolist() == [[0.0, 2.0]]
    assert list(tf.data.Dataset.range(3).map(lambda n: n * 2).as_numpy_iterator()) == [0, 2, 4]
    assert debugged.seen == []


def test_a_training_step_of_keras_has_the_same_result(debugged):
    import keras

    def train():
        keras.utils.set_random_seed(1)
        net = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, "relu"), keras.layers.Dense(1)])
        net.compile("adam", "mse", run_eagerly=True)
        net.fit(np.ones([8, 3], "f4"), np.ones([8, 1], "f4"), batch_size=4, epochs=1, verbose=0)
        return [weight.numpy() for weight in net.weights]

    plain = train()
    debugged.at(filter="nan")
    debugged.at(op_pattern="MatMul")
    for ours, theirs in zip(train(), plain, strict=True):
        assert np.array_equal(ours, theirs)
    assert len(debugged.seen) > 8
    assert any(one.is_backward for one in debugged.seen)


def test_a_random_stream_is_not_moved(debugged):
    def draw():
        tf.random.set_seed(7)
        return tf.random.normal([3]).numpy().tolist()

    plain = draw()
    debugged.at(filter="nan")
    debugged.at(op_pattern="RandomStandardNormal")
    assert draw() == plain
    assert debugged.script.ops() == ["RandomStandardNormal"]


def test_unarmed_the_ways_into_the_runtime_are_tensorflows_own(debugged):
    from tracedbg.adapters.tf_eager._compat import EXECUTE, FAST_PATH, TO_HOST

    names = (FAST_PATH, EXECUTE, TO_HOST)
    before = [name.get() for name in names]
    made = debugged.at(op_pattern="Relu")
    armed = [name.get() for name in names]
    assert all(a is not b for a, b in zip(before, armed, strict=True))
    debugged.engine.breakpoints.remove([made.id])
    assert [name.get() for name in names] == before
    debugged.at(filter="nan")
    debugged.hooks.remove()
    assert [name.get() for name in names] == before


def test_a_line_breakpoint_alone_does_not_arm_ops(debugged):
    before = pywrap_tfe.TFE_Py_FastPathExecute
    debugged.at(file=__file__, line=1)
    assert pywrap_tfe.TFE_Py_FastPathExecute is before
