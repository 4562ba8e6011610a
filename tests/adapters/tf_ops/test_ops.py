"""Which eager ops are seen, with what, and how often."""

from __future__ import annotations

import threading

import pytest

from adapters.tf_ops.conftest import line_of, recording
from tracedbg.events import Fault
from tracedbg.ran import OpsSeen

tf = pytest.importorskip("tensorflow")
np = pytest.importorskip("numpy")
pytestmark = pytest.mark.tensorflow
X, W = tf.constant([[1.0, -2.0]]), tf.constant([[1.0, 2.0], [3.0, 4.0]])


def model(x, w):
    h = tf.matmul(x, w)  # @matmul
    r = tf.nn.relu(h)  # @relu
    return tf.reduce_sum(r * 3.0)  # @sum


def test_an_op_has_its_shapes_its_line_and_its_callers(recorded):
    model(X, W)
    (total,) = recorded.totals(name="MatMul")
    kind = total.kind
    assert (kind.framework, kind.inputs) == ("tensorflow", "float32[1, 2], float32[2, 2]")
    assert (kind.is_backward, kind.is_traced, kind.is_outer, kind.sync) == (False, False, True, "")
    inner, outer = kind.stack[:2]
    assert (inner.file, inner.line, inner.function) == (__file__, line_of(model, "matmul"), "model")
    assert outer.function == "test_an_op_has_its_shapes_its_line_and_its_callers"
    assert total.count == 1
    assert total.duration_ns == total.self_ns == total.longest_ns > 0
    assert total.thread_id == threading.get_ident()


def test_totals_are_what_is_new(recorded):
    for number in range(3):
        model(X, W)
        if number == 0:
            recorded.hooks.tell()
    assert [total.count for total in recorded.totals(name="Relu")] == [1, 2]
    assert {event.observer for event in recorded.sink.of(OpsSeen)} == {"fast path"}


def test_shapes_are_kinds_of_their_own(recorded):
    for rows in (1, 2, 2):
        tf.nn.relu(tf.zeros([rows, 3]))
    found = {total.kind.inputs: total.count for total in recorded.totals(name="Relu")}
    assert found == {"float32[1, 3]": 1, "float32[2, 3]": 2}


@pytest.mark.parametrize(
    ("run", "op", "inputs"),
    [
        (lambda: tf.concat([X, X], 0), "ConcatV2", "float32[1, 2], float32[1, 2], int"),
        (lambda: tf.add_n([X] * 6), "AddN", f"{'float32[1, 2], ' * 4}..."),
        (lambda: tf.strings.length(tf.constant(["ab"])), "StringLength", "string[1]"),
        (lambda: X + np.ones([1, 2], "f4"), "AddV2", "float32[1, 2], float32[1, 2]"),
    ],
)
def test_inputs_are_told_whatever_they_are(recorded, run, op, inputs):
    run()
    assert [total.kind.inputs for total in recorded.totals(name=op)] == [inputs]


def test_an_op_that_fails_is_counted(recorded):
    def fails():
        tf.matmul(X, X)  # @fails

    with pytest.raises(tf.errors.InvalidArgumentError):
        fails()
    assert recorded.lines(name="MatMul") == {("MatMul", line_of(fails, "fails")): 1}


def test_an_op_that_the_fast_path_refuses_is_counted_once(recorded):
    class Odd:
        def __array__(self, dtype=None, copy=None):
            return np.ones([2], np.float32)

    tf.raw_ops.Neg(x=Odd())
    assert recorded.names(name="Neg") == {"Neg": 1}


def test_ops_that_are_put_into_a_graph_are_not_executed_ones(recorded):
    @tf.function
    def traced(x):
        return tf.nn.softsign(x)

    traced(X)
    assert "Softsign" not in recorded.names()


def test_a_call_of_a_traced_function_is_one_op_of_the_line_that_calls(recorded):
    @tf.function
    def traced(x):
        return tf.sin(x) + 1.0

    def call():
        traced(X)  # @call

    for _ in range(2):
        call()
    (total,) = recorded.totals(is_traced=True)
    assert (total.kind.name, total.kind.inputs, total.count) == ("traced", "float32[1, 2]", 2)
    assert total.kind.stack[0].line == line_of(call, "call")


def test_an_op_that_python_code_of_another_has_run_is_an_inner_one(recorded):
    def slow(x):
        return tf.nn.softplus(x)

    tf.py_function(slow, [X], tf.float32)
    (inner,) = recorded.totals(name="Softplus")
    (outer,) = recorded.totals(name="EagerPyFunc")
    assert (inner.kind.is_outer, outer.kind.is_outer) == (False, True)
    assert outer.self_ns <= outer.duration_ns - inner.duration_ns


def test_where_and_masks_wait_for_values(recorded):
    tf.where(X > 0)
    tf.boolean_mask(X, X > 0)
    tf.unique(tf.constant([1, 1, 2]))
    found = {total.kind.sync for total in recorded.totals() if total.kind.sync}
    assert found == {"nonzero", "mask", "unique"}


def test_all_threads_are_seen(recorded):
    threads = [threading.Thread(target=model, args=(X, W)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = recorded.totals(name="Relu")
    assert sum(total.count for total in found) == 3
    assert {total.kind.stack[0].line for total in found} == {line_of(model, "relu")}
    assert threading.get_ident() not in {total.thread_id for total in found}


def test_python_functions_of_a_dataset_are_seen_in_the_runtimes_threads(recorded):
    def double(x):
        return x * 2  # @double

    data = tf.data.Dataset.range(20).map(
        lambda x: tf.py_function(double, [x], tf.int64), num_parallel_calls=2
    )
    assert [int(value) for value in data] == [2 * number for number in range(20)]
    assert recorded.lines(name="Mul") == {("Mul", line_of(double, "double")): 20}


def test_counts_are_those_of_callbacks_on_ops():
    from tensorflow.python.framework import op_callbacks

    seen = []

    def note(op_type, inputs, attrs, outputs, op_name=None, graph=None):
        seen.append(op_type if isinstance(op_type, str) else op_type.decode())

    v = tf.Variable([[1.0, 2.0], [3.0, 4.0]])

    def step():
        with tf.GradientTape() as tape:
            loss = model(X, v)
        v.assign_sub(0.1 * tape.gradient(loss, v))

    step()
    with recording() as recorded:
        op_callbacks.add_op_callback(note)
        try:
            step()
        finally:
            op_callbacks.remove_op_callback(note)
        step()
        found = recorded.names()
    assert {name: 2 * seen.count(name) for name in seen} == dict(found)


def test_kinds_past_the_bound_have_their_name_alone(recorded, monkeypatch):
    from tracedbg.adapters.tf_ops import kinds

    model(X, W)
    monkeypatch.setattr(kinds, "MAX_KINDS", 1)
    for rows in range(1, 6):
        tf.nn.softplus(tf.zeros([rows]))
    (total,) = recorded.totals(name="Softplus")
    assert (total.kind.inputs, total.kind.stack, total.count) == ("", (), 5)


def test_a_fault_of_ours_ends_the_recording_and_not_the_program(monkeypatch):
    from tracedbg.adapters.tf_ops import kinds

    monkeypatch.setattr(kinds.Kinds, "slot", lambda *_: 1 / 0)
    with recording(faults=1) as recorded:
        assert float(tf.nn.softplus(tf.zeros([]))) > 0
        monkeypatch.undo()
        assert float(tf.nn.relu(tf.ones([]))) == 1.0
        assert recorded.names() == {}
        (fault,) = recorded.sink.of(Fault)
    assert (fault.where, fault.message) == ("tf_ops.ops", "ZeroDivisionError: division by zero")


# --- windows ----------------------------------------------------------------------------------


def train(steps):
    v = tf.Variable(1.0)
    for _ in range(steps):
        with tf.GradientTape() as tape:
            loss = tf.math.softplus(v)
        tape.gradient(loss, v)


def test_without_a_window_no_execution_is_kept(recorded):
    train(2)
    assert recorded.rows() == []


def test_a_window_of_steps_counts_backward_passes():
    with recording("2:4") as recorded:
        train(5)
        rows = recorded.rows()
    names = [name for name, _, _ in rows]
    assert names.count("Softplus") == 2
    starts = [start for _, start, _ in rows]
    assert starts == sorted(starts)


def test_a_window_of_steps_counts_calls_of_traced_functions_where_there_is_no_backward():
    @tf.function
    def traced(x):
        return x + 1.0

    traced(X)
    with recording("2:4") as recorded:
        for _ in range(6):
            traced(X)
        assert [name for name, _, _ in recorded.rows()] == ["traced"] * 2


def test_a_window_of_calls_counts_those_of_a_function_of_the_users():
    def work(n):
        for _ in range(n):
            tf.nn.softsign(X)

    with recording("work@2:3") as recorded:
        for n in (1, 3, 1):
            work(n)
            tf.nn.relu(X)
        assert [name for name, _, _ in recorded.rows()] == ["Softsign"] * 3 + ["Relu"]


def test_a_window_of_seconds_keeps_what_begins_inside():
    with recording("0s:60s") as recorded:
        model(X, W)
        assert len(recorded.rows()) == sum(recorded.names().values())
    with recording("1000s:1001s") as recorded:
        model(X, W)
        assert recorded.rows() == []


def test_rows_past_the_bound_are_counted(monkeypatch):
    from tracedbg.adapters.tf_ops import openness

    monkeypatch.setattr(openness, "MAX_ROWS", 2)
    with recording("0s:60s") as recorded:
        model(X, W)
        assert len(recorded.rows()) == 2
        assert sum(event.left_out for event in recorded.sink.of(OpsSeen)) == 2
