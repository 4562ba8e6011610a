"""Where a graph parts from its Python function is found, and the program notices nothing."""

from __future__ import annotations

import gc
import inspect
import random

import pytest

from tracedbg.compare import Verdict
from tracedbg.compare.comparer import CompareOptions

tf = pytest.importorskip("tensorflow")
np = pytest.importorskip("numpy")
pytestmark = pytest.mark.tensorflow


def line_of(function, marker):
    """The number of the line of `function` that ends in `# @marker`."""
    lines, first = inspect.getsourcelines(function)
    (found,) = [first + at for at, line in enumerate(lines) if line.rstrip().endswith(f"# @{marker}")]
    return found


def test_a_python_constant_that_is_stale_is_named_with_both_values(reported):
    config = {"k": 1.0}

    def scaled(x):
        for _ in tf.range(3):
            x = tf.sin(x)
        y = x * config["k"]  # @stale
        return tf.reduce_sum(y)

    f = tf.function(scaled)
    x = tf.constant([1.0, 2.0])
    plain = f(x)
    config["k"] = 2.0
    assert float(f(x)) == float(plain)
    assert f.experimental_get_tracing_count() == 1
    assert reported.verdicts() == ["equal", "differs"]
    first = reported.comparisons[1].first
    assert (first.stage, first.op, first.line) == ("graph", "Mul", line_of(scaled, "stale"))
    assert first.difference.left == pytest.approx(2 * first.difference.right)
    assert first.cause == "its input y is a constant, kept since it was traced: 1.0; Python gives 2.0 now"


def test_a_random_number_of_numpy_that_was_frozen_is_named(reported):
    def noisy(x):
        noise = np.random.rand()
        return x + noise  # @noise

    f = tf.function(noisy, autograph=False)
    np.random.seed(3)
    expected = np.random.rand(), np.random.rand()
    np.random.seed(3)
    results = [float(f(tf.constant(0.0))) for _ in range(2)]
    assert results == pytest.approx([expected[0]] * 2)
    assert np.random.rand() == expected[1]  # nobody has drawn but the trace
    assert reported.verdicts() == ["equal", "differs"]
    first = reported.comparisons[1].first
    assert (first.op, first.line) == ("AddV2", line_of(noisy, "noise"))
    assert "its input y is a constant, kept since it was traced" in first.cause


def test_a_branch_that_was_decided_while_it_was_traced_is_named(reported):
    state = {"train": True}

    def branch(x):
        if state["train"]:
            return tf.sin(x)
        return tf.cos(x)  # @now

    f = tf.function(branch)
    f(tf.constant(1.0))
    state["train"] = False
    f(tf.constant(1.0))
    assert reported.verdicts() == ["equal", "differs"]
    first = reported.comparisons[1].first
    assert (first.verdict, first.line) == (Verdict.ONLY_EAGER, line_of(branch, "now"))


def test_variables_and_random_streams_are_those_of_the_programs_own_run(compare_with):
    def program():
        random.seed(1)
        np.random.seed(1)
        tf.random.set_seed(1)
        v = tf.Variable([1.0, 2.0])
        generator = tf.random.Generator.from_seed(5)

        @tf.function
        def step(x):
            v.assign_add(x)
            v.scatter_sub(tf.IndexedSlices(tf.constant([0.5]), tf.constant([0])))
            return v * 2.0 + generator.uniform([2])

        made = [step(tf.constant([1.0, 1.0])).numpy().tolist() for _ in range(3)]
        drawn = [random.random(), np.random.rand(), tf.random.normal([2]).numpy().tolist()]
        return made, v.numpy().tolist(), drawn, step.experimental_get_tracing_count()

    plain = program()
    with compare_with() as reported:
        assert program() == plain
    assert reported.verdicts() == ["equal"] * 3
    assert all(one.compared > 6 for one in reported.comparisons)


def test_variables_of_one_name_are_not_taken_for_one_another(reported):
    old = tf.Variable([5.0])
    gc.collect()  # it is among the oldest objects now
    gc.disable()
    try:
        new = tf.Variable([1.0])  # and this one among the youngest, until the next collection
        assert old.name == new.name

        @tf.function
        def step(x):
            if not tf.inside_function():  # so Python finds the two in another order after the eager run
                gc.collect()
            new.assign_add(x)
            return new * 2.0

        step(tf.constant([1.0]))
    finally:
        gc.enable()
    assert reported.verdicts() == ["equal"]


def test_a_training_step_is_equal_forward_and_backward(reported):
    import keras

    w = tf.Variable(tf.random.stateless_normal([4, 4], [1, 2]))
    optimizer = keras.optimizers.Adam(0.01)
    optimizer.build([w])

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.nn.relu(x @ w) ** 2)
        optimizer.apply_gradients([(tape.gradient(loss, w), w)])
        return loss

    losses = [float(step(tf.ones([2, 4]))) for _ in range(2)]
    assert losses[1] < losses[0]
    assert set(reported.verdicts()) <= {"equal", "drifts"}
    assert all(one.compared > 20 for one in reported.comparisons)


def test_a_call_under_a_tape_of_the_program_has_its_gradient(compare_with):
    @tf.function
    def f(x):
        return tf.sin(x) * 2.0

    with compare_with() as reported:
        x = tf.constant(0.5)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        assert float(tape.gradient(y, x)) == pytest.approx(2.0 * np.cos(0.5))
    assert reported.verdicts() == ["equal"]


def test_random_ops_are_given_the_same_numbers_and_said_to_be(reported):
    @tf.function
    def dropped(x):
        return tf.nn.dropout(x, 0.5) * 2.0

    dropped(tf.ones([8]))
    (one,) = reported.comparisons
    assert one.verdict is Verdict.EQUAL
    assert one.notes == (
        "RandomUniform draw random numbers: eager code got those of the graph, run op by op;"
        " the optimised graph draws others, and was not compared",
    )


def test_a_difference_that_only_the_compiler_makes_is_told_with_its_stage(reported):
    def rounded(x):
        y = tf.cast(tf.cast(x, tf.float16), tf.float32)  # @narrow
        return y - x

    # XLA may leave out a pair of casts; if this one does not, the graph and Python are the same.
    f = tf.function(rounded, jit_compile=True)
    x = tf.constant([1.0001, 3.14159])
    real = f(x)
    (one,) = reported.comparisons
    walked = rounded(x)
    if np.array_equal(real, walked):
        assert one.verdict is Verdict.EQUAL
    else:
        assert one.first.stage == "optimised"
        assert one.first.line == line_of(rounded, "narrow") or one.first.op == "Sub"


def test_an_iterator_among_the_arguments_is_put_back(compare_with):
    @tf.function
    def take(iterator):
        return next(iterator) * 2

    with compare_with() as reported:
        iterator = iter(tf.data.Dataset.range(4))
        assert [int(take(iterator)) for _ in range(4)] == [0, 2, 4, 6]
    assert reported.verdicts() == ["equal"] * 3


def test_a_function_that_makes_its_variables_is_compared_from_its_second_call(compare_with):
    def program():
        made = []

        @tf.function
        def f(x):
            if not made:
                made.append(tf.Variable(3.0))
            return made[0] * x

        return [float(f(tf.constant(float(n)))) for n in (1, 2)], f.experimental_get_tracing_count()

    plain = program()
    with compare_with() as reported:
        assert program() == plain
    assert [(one.call, one.verdict) for one in reported.comparisons] == [(2, Verdict.EQUAL)]


def test_a_function_called_once_that_made_its_variables_is_said_to_be_left_out(compare_with):
    made = []

    @tf.function
    def f():
        if not made:
            made.append(tf.Variable(3.0))
        return made[0] + 1.0

    with compare_with() as reported:
        f()
    (one,) = reported.comparisons
    assert (one.verdict, one.notes) == (
        Verdict.SKIPPED,
        ("it made variables in this call: nobody knows what they were before it",),
    )


def test_python_that_raises_where_the_graph_does_not_is_told(reported):
    calls = []

    @tf.function(autograph=False)
    def f(x):
        calls.append(1)
        if len(calls) > 1:
            raise RuntimeError("only once")
        return x + 1.0

    assert float(f(tf.constant(1.0))) == 2.0
    (one,) = reported.comparisons
    assert one.notes == ("run eagerly, it raised RuntimeError: only once",)


def test_an_error_of_the_program_is_its_own(reported):
    @tf.function
    def f(x):
        return tf.debugging.check_numerics(x, "bad")

    with pytest.raises(tf.errors.InvalidArgumentError):
        f(tf.constant(float("nan")))
    assert reported.comparisons == []


def test_only_the_functions_asked_for_are_compared(compare_with):
    @tf.function
    def inner(x):
        return x + 1.0

    @tf.function
    def outer(x):
        return inner(x) * 2.0

    with compare_with(CompareOptions(functions=("outer",), calls=1)) as reported:
        inner(tf.constant(1.0))
        outer(tf.constant(1.0))
        outer(tf.constant(1.0))
    assert [one.function.split(".")[-1] for one in reported.comparisons] == ["outer"]
    assert [name.split(".")[-1] for name in reported.left_alone] == ["inner"]


def test_what_python_prints_is_not_printed_again(reported, capsys):
    @tf.function(autograph=False)
    def f(x):
        print("traced")
        return x + 1.0

    f(tf.constant(1.0))
    assert capsys.readouterr().out == "traced\n"


def test_nothing_is_left_in_tensorflow(compare_with):
    from tracedbg.adapters.tf_function.compare._compat import NAMES

    before = [name.get() for name in NAMES]
    functions = tf.function(lambda x: x + 1.0)
    with compare_with():
        functions(tf.constant(1.0))
    assert [name.get() for name in NAMES] == before


def test_fitting_a_model_of_keras_is_compared_and_not_changed(compare_with):
    import keras

    def fit():
        keras.utils.set_random_seed(0)
        layers = keras.layers
        net = keras.Sequential(
            [
                keras.Input((4,)),
                layers.Dense(8, "relu"),
                layers.Dropout(0.5),
                layers.BatchNormalization(),
                layers.Dense(1),
            ]
        )
        net.compile("adam", "mse")
        x = np.linspace(-1, 1, 64).reshape(16, 4).astype("f4")
        history = net.fit(x, np.ones([16, 1], "f4"), batch_size=4, epochs=1, verbose=0)
        return history.history["loss"], [weight.numpy().tolist() for weight in net.weights]

    plain = fit()
    with compare_with() as reported:
        assert fit() == plain
    assert {one.verdict for one in reported.comparisons} <= {Verdict.EQUAL, Verdict.DRIFTS}
    assert sum(one.compared > 50 for one in reported.comparisons) >= 2


def test_where_only_the_real_graph_differs_its_op_is_found(reported):
    def soft(x):
        y = tf.matmul(x, x) * 3.0
        return tf.math.softmax(y)  # @softmax

    f = tf.function(soft, jit_compile=True)
    x = tf.random.stateless_normal([64, 64], [1, 2])
    real = f(x)
    (one,) = reported.comparisons
    if np.array_equal(real, soft(x)):
        pytest.skip("XLA rounds as the ops do on this machine")
    assert (one.first.stage, one.verdict) == ("optimised", Verdict.DRIFTS)
    assert one.first.op in {"MatMul", "Mul", "Softmax"}
    assert one.first.traced_error <= max(10 * one.first.eager_error, 1e-5)
