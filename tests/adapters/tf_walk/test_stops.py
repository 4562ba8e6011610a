"""Where calls of a `tf.function` stop, and what is there to see."""

from __future__ import annotations

import contextlib
import runpy
import threading
import weakref

import pytest

from adapters.tf_walk.support import Script, attached, line_and_locals, locals_of, plain
from tracedbg.debugging import CannotAssignError
from tracedbg.engine import Action, Breakpoint, Go

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow


@contextlib.contextmanager
def broken_at(engine, *lines, **options):
    made = [engine.breakpoints.add(Breakpoint(file=__file__, line=line, **options)) for line in lines]
    yield made
    engine.breakpoints.remove([one.id for one in made])


def test_every_call_stops_at_each_line_with_its_own_values(engine, script, line):
    @tf.function
    def f(x):
        a = x * 2.0  # a
        b = a * a  # b
        c = tf.reduce_sum(b)  # c
        return c  # noqa: RET504  # return

    script.look = line_and_locals
    with broken_at(engine, line("a"), line("b"), line("c"), line("return")) as points:
        for factor in (1.0, 2.0, 3.0):
            assert float(f(tf.constant([1.0, 2.0]) * factor)) == 20.0 * factor**2
    expected = []
    for n in (1.0, 2.0, 3.0):
        x, a, b = [n, 2 * n], [2 * n, 4 * n], [4 * n * n, 16 * n * n]
        expected += [
            (line("a"), {"x": x}),
            (line("b"), {"x": x, "a": a}),
            (line("c"), {"x": x, "a": a, "b": b}),
            (line("return"), {"x": x, "a": a, "b": b, "c": 20.0 * n * n}),
        ]
    assert script.stops == expected
    assert all(point.is_bound and point.line == point.asked_line for point in points)
    assert f.experimental_get_tracing_count() == 1


@pytest.mark.shared
def test_the_shared_case_stops_in_all_three_calls(engine, script, shared):
    path = shared / "cases" / "tf_breakpoint_values.py"
    lines = path.read_text(encoding="utf-8").splitlines()
    at = next(number for number, text in enumerate(lines, 1) if text.strip() == "return c")
    script.look = locals_of
    engine.breakpoints.add(Breakpoint(file=str(path), line=at))
    runpy.run_path(str(path), run_name="__main__")  # it asserts its results and traces
    assert script.stops == [{"x": [1.0, 2.0], "a": [2.0, 4.0], "b": [4.0, 16.0], "c": 20.0}] * 3


@pytest.mark.shared
@pytest.mark.parametrize("options", ["", "(jit_compile=True)"])
def test_the_first_bad_op_is_the_log(engine, script, shared, tmp_path, options):
    text = (shared / "cases" / "tf_first_bad_op_log.py").read_text(encoding="utf-8")
    path = tmp_path / "case.py"
    path.write_text(text.replace("@tf.function", f"@tf.function{options}"), encoding="utf-8")
    bad = next(number for number, text in enumerate(text.splitlines(), 1) if "# BAD" in text and "=" in text)
    script.look = lambda stop: (stop.filter, stop.view.op.site.op, stop.view.line, list(stop.view.walk.notes))
    engine.breakpoints.add(Breakpoint(filter="nan"))
    runpy.run_path(str(path), run_name="__main__")
    assert script.stops[0][:3] == ("nan", "Log", bad)
    assert script.stops[0][3][0].startswith("jit_compile=True: shown uncompiled") is bool(options)


def test_a_line_without_ops_moves_to_the_next_one_that_has_some(engine, script, line):
    @tf.function
    def f(x):
        unused = "nothing of it is in the graph"  # asked
        return x + len(unused)  # moved

    with broken_at(engine, line("asked")) as (point,):
        f(tf.constant(1))
        assert (point.asked_line, point.line, point.is_bound) == (line("asked"), line("moved"), True)
    assert script.stops == [line("moved")]


def test_a_helper_is_a_frame_on_the_function_that_calls_it(engine, script, line):
    def square(a, power):
        made = a**power  # inner
        return made * 1.0

    @tf.function
    def f(x):
        y = x + 1.0
        return square(y, 2)  # outer

    def look(stop):
        frames = [frame for frame in stop.view.frames() if frame.is_user][:3]
        return [(f.function.split(".")[-1], f.line, f.is_traced) for f in frames], [
            locals_of(stop, at) for at in (0, 1)
        ]

    script.look = look
    with broken_at(engine, line("inner")):
        f(tf.constant(2.0))
    ((frames, values),) = script.stops
    assert frames[:2] == [("square", line("inner"), True), ("f", line("outer"), True)]
    assert frames[2][0::2] == ("test_a_helper_is_a_frame_on_the_function_that_calls_it", False)
    assert values[0] == {"a": 3.0, "power": 2}
    assert {name: values[1][name] for name in ("x", "y")} == {"x": 2.0, "y": 3.0}


def test_a_nested_function_is_a_frame_with_its_callers_behind_it(engine, script, line):
    @tf.function
    def inner(z):
        return z * 3.0  # inner

    @tf.function
    def f(x):
        y = x + 1.0
        return inner(y) - 1.0  # outer

    script.look = lambda stop: (
        [(f.function.split(".")[-1], f.line) for f in stop.view.frames()[:2]] + [locals_of(stop, 1).get("y")]
    )
    with broken_at(engine, line("inner")):
        assert float(f(tf.constant(2.0))) == 8.0
        assert float(inner(tf.constant(2.0))) == 6.0
    assert script.stops[0] == [("inner", line("inner")), ("f", line("outer")), 3.0]


def test_a_loop_shows_its_turn_and_its_values_so_far(engine, script, line):
    @tf.function
    def f(n):
        total = tf.constant(0.0)
        for i in tf.range(n):
            if i % 2 == 0:  # noqa: SIM108  that is the subject
                total = total + 10.0  # even
            else:
                total = total + 1.0  # odd
        return total

    script.look = lambda stop: (
        stop.view.line,
        stop.view.iteration,
        locals_of(stop)["i"],
        locals_of(stop)["total"],
    )
    with broken_at(engine, line("even"), line("odd")):
        assert float(f(tf.constant(4))) == 22.0
    even, odd = line("even"), line("odd")
    assert script.stops == [(even, 0, 0, 0.0), (odd, 1, 1, 10.0), (even, 2, 2, 11.0), (odd, 3, 3, 21.0)]


def test_a_line_that_python_repeats_stops_each_time(engine, script, line):
    @tf.function
    def f(x):
        for power in (1, 2, 3):
            x = x + power  # here
        return x

    script.look = lambda stop: (locals_of(stop)["power"], locals_of(stop)["x"])
    with broken_at(engine, line()):
        f(tf.constant(10))
    assert script.stops == [(1, 10), (2, 11), (3, 13)]


def test_a_gradient_stops_at_the_lines_of_the_forward(engine, script, line):
    @tf.function
    def f(x):
        y = x * x  # square
        return tf.sin(y)  # sine

    script.look = lambda stop: (stop.view.line, stop.view.is_backward, locals_of(stop)["x"])
    x = tf.constant(2.0)
    with broken_at(engine, line("square"), line("sine")), tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
        assert script.stops == [(line("square"), False, 2.0), (line("sine"), False, 2.0)]
        script.stops.clear()
        script.look = lambda stop: (stop.view.line, stop.view.is_backward)
        gradient = tape.gradient(y, x)
    assert script.stops == [(line("sine"), True), (line("square"), True)]
    assert float(gradient) == pytest.approx(4 * float(tf.cos(4.0)))


def test_a_tape_inside_of_a_function_stops_in_both_directions(engine, script, line):
    w = tf.Variable(3.0)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = w * w  # here
        return tape.gradient(loss, w)

    script.look = lambda stop: (stop.view.is_backward, plain(stop.view.frames()[0].variables()["w"]))
    with broken_at(engine, line()):
        assert float(step()) == 6.0
    assert script.stops == [(False, 3.0), (True, 3.0)]


def test_containers_and_variables_are_seen_as_the_user_has_them(engine, script, line):
    v = tf.Variable([1.0])

    @tf.function
    def f(x):
        pair = (x, x + 1)
        named = {"both": [*pair], "text": "t"}
        ragged = tf.RaggedTensor.from_row_lengths(x, [1, 1])
        array = tf.TensorArray(tf.int32, 2).unstack(x)
        v.assign_add([1.0])
        return ragged, array.stack(), named["both"][1] * 2  # here

    def look(stop):
        seen = stop.view.frames()[0].variables()
        return (
            {name: plain(seen[name]) for name in ("pair", "named", "v")},
            seen["ragged"].to_list(),
            repr(seen["array"]),
            plain(seen["array"].stack()),
        )

    script.look = look
    with broken_at(engine, line()):
        f(tf.constant([5, 6]))
    assert script.stops[0] == (
        {"pair": [[5, 6], [6, 7]], "named": {"both": [[5, 6], [6, 7]], "text": "t"}, "v": [2.0]},
        [[5], [6]],
        "<TensorArray of 2 int32>",
        [5, 6],
    )


def test_conditions_and_log_points_see_the_values_of_the_call(engine, script, line):
    limit = 3

    @tf.function
    def f(x):
        y = x + 1
        return y * limit  # here

    with (
        broken_at(engine, line(), condition="y > limit"),
        broken_at(engine, line(), log_message="y is {int(y)}"),
    ):
        for n in (1, 2, 3):
            f(tf.constant(n))
    assert script.stops == [line()]
    assert script.said == ["y is 2", "y is 3", "y is 4"]


def test_a_value_that_is_set_is_what_later_ops_see(engine, script, line):
    @tf.function
    def f(x, n):
        y = x * 2.0
        for _ in tf.range(n):
            y = y + x  # here
        return y

    def look(stop):
        if stop.view.iteration == 1:
            stop.view.frames()[0].assign("y", 100.0)
            stop.view.frames()[0].assign("x", [7.0, 8.0])
        return locals_of(stop)["y"]

    script.look = look
    x = tf.constant([1.0, 1.0])
    with broken_at(engine, line()):
        assert plain(f(x, tf.constant(3))) == [114.0, 116.0]
    assert script.stops == [[2.0, 2.0], [100.0, 100.0], [107.0, 108.0]]
    assert plain(x) == [1.0, 1.0]
    assert plain(f(x, tf.constant(3))) == [5.0, 5.0]


def test_what_cannot_be_set_says_why(engine, script, line):
    v = tf.Variable(1.0)

    @tf.function
    def f(x, n):
        pair = [x * v, x * n]
        return pair[0] + pair[1]  # here

    def look(stop):
        said = []
        for name, value in (("n", 3), ("zzz", 1), ("x", [1.0, 2.0, 3.0]), ("pair", 1.0), ("x", "text")):
            with pytest.raises(CannotAssignError) as caught:
                stop.view.frames()[0].assign(name, value)
            said.append(str(caught.value))
        stop.view.frames()[0].assign("v", 5.0)
        return said

    script.look = look
    with broken_at(engine, line()):
        f(tf.constant([1.0, 2.0]), 2)
    baked, missing, shape, several, dtype = script.stops[0]
    assert several == "pair is made of several tensors, which cannot be set at once"
    assert baked == "n is a Python value here: the graph has been made with it, and keeps it"
    assert missing == "no variable named 'zzz' in test_what_cannot_be_set_says_why.f" or missing.endswith(
        "in f"
    )
    assert shape == "x has shape (2,), and not (3,)"
    assert dtype.startswith("x is float32: ")
    assert float(v) == 5.0


def test_ops_stop_by_name_with_their_inputs_and_outputs(engine, script):
    @tf.function
    def f(x):
        return tf.nn.relu(x - 1.0) * 2.0

    def look(stop):
        op = stop.view.op
        assert stop.view.walk.sites[op.index].name == op.site.name
        return stop.reason, op.site.op, [plain(value) for _, value in op.inputs()], list(op.outputs())

    script.look = look
    engine.breakpoints.add(Breakpoint(op_pattern="Re*"))
    script.answers = [Go.OP, Go.OP]
    f(tf.constant([0.0, 3.0]))
    assert script.stops[:2] == [
        ("function breakpoint", "Relu", [[-1.0, 2.0]], []),
        ("step", "Mul", [[0.0, 2.0], 2.0], []),
    ]


@pytest.mark.parametrize(
    ("go", "expected"),
    [
        (Go.OVER, ["call", "after"]),
        (Go.INTO, ["call", "inner 1"]),
        (Go.OUT, ["call"]),
    ],
)
def test_a_step_ends_at_the_line_that_it_names(engine, script, line, go, expected):
    @tf.function
    def inner(z):
        z = z * 3.0  # inner 1
        return z + 1.0  # inner 2

    @tf.function
    def f(x):
        y = inner(x)  # call
        return y - 1.0  # after

    script.answers = [go]
    with broken_at(engine, line("call")):
        f(tf.constant(1.0))
    assert script.stops == [line(mark) for mark in expected]


def test_steps_go_through_branches_and_out_of_functions(engine, script, line):
    @tf.function
    def inner(z):
        z = z * 3.0  # inner
        return z + 1.0

    @tf.function
    def f(x):
        if x > 0.0:  # if
            x = inner(x)  # call
        return x - 1.0  # after

    script.answers = [Go.OVER, Go.INTO, Go.OUT]
    with broken_at(engine, line("if")):
        f(tf.constant(1.0))
    assert script.stops == [line(mark) for mark in ("if", "call", "inner", "after")]


def test_a_step_over_leaves_a_nested_function_to_tensorflow(engine, script, line):
    @tf.function
    def inner(z):
        return tf.sin(z)  # inner

    @tf.function
    def f(x):
        y = x + 1.0  # first
        z = inner(y)
        return z * 2.0

    seen = []
    script.look = lambda stop: seen.append([site.op for site in stop.view.walk.sites]) or stop.view.line
    with broken_at(engine, line("first")):
        f(tf.constant(1.0))
    assert script.stops == [line("first")]
    assert "Sin" in seen[0]


def test_run_to_a_line(engine, script, line):
    @tf.function
    def f(x):
        x = x + 1  # first
        x = x + 2
        return x + 3  # last

    script.answers = [Action(Go.TO, __file__, line("last"))]
    with broken_at(engine, line("first")):
        f(tf.constant(1))
    assert script.stops == [line("first"), line("last")]


def test_aborting_raises_in_the_program_and_the_function_can_be_called_again(engine, script, line):
    @tf.function
    def f(x):
        y = x + 1
        return y * 2  # here

    script.answers = [Go.ABORT]
    with broken_at(engine, line()), pytest.raises(KeyboardInterrupt):
        f(tf.constant(1))
    assert int(f(tf.constant(1))) == 4


def test_two_threads_stop_each_with_its_own_values(engine, script, line):
    @tf.function
    def f(x):
        y = x * 10
        return y + 1  # here

    f(tf.constant(0))
    script.look = lambda stop: (threading.current_thread().name, locals_of(stop)["y"])
    with broken_at(engine, line()):
        threads = [threading.Thread(target=f, args=(tf.constant(n),), name=f"t{n}") for n in (1, 2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(script.stops) == [("t1", 10), ("t2", 20)]


def test_a_function_of_long_ago_stops_though_nobody_was_there_when_it_was_traced(line):
    def helper(x):
        return x * x  # helper

    @tf.function
    def f(x):
        for i in tf.range(2):
            x = helper(x) + tf.cast(i, tf.float32)  # body
        return x

    w = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(w)
        before = f(w)
    slope = tape.gradient(before, w)
    script = Script(look=lambda stop: (stop.view.line, stop.view.iteration, stop.view.is_backward))
    with attached(script) as engine, broken_at(engine, line("helper")), tf.GradientTape() as tape:
        tape.watch(w)
        after = f(w)
        forward, script.stops = script.stops, []
        assert float(tape.gradient(after, w)) == float(slope)
    assert float(before) == float(after)
    at = line("helper")
    assert forward == [(at, 0, False), (at, 1, False)]
    assert set(script.stops) == {(at, 0, True), (at, 1, True)}
    assert f.experimental_get_tracing_count() == 1


def test_python_that_only_traces_does_not_stop(engine, script, line):
    inside = []

    @tf.function
    def f(x):
        inside.append(engine.is_stepping())
        return x + 1  # here

    script.answers = [Go.INTO]
    with broken_at(engine, line()):
        f(tf.constant(1))
        script.answers = [Go.INTO]
        f(tf.constant(1.0))
    assert inside == [False, False]
    assert script.stops == [line(), line()]


def test_keras_training_stops_in_a_model_of_ones_own(engine, script, line):
    import keras

    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.layer = keras.layers.Dense(2, kernel_initializer="ones")

        def call(self, x):
            h = self.layer(x)
            return tf.reduce_sum(h * 2.0, axis=-1, keepdims=True)  # here

    model = Own()
    model.compile("sgd", "mse", jit_compile=False)
    x, y = tf.ones([3, 2]), tf.ones([3, 1])
    model.train_on_batch(x, y)
    script.look = lambda stop: (stop.view.is_backward, locals_of(stop).get("h"))
    with broken_at(engine, line()):
        model.train_on_batch(x, y)
        forward = script.stops.pop(0)
        assert forward[0] is False
        assert len(forward[1]) == 3
        assert script.stops
        assert all(is_backward for is_backward, _ in script.stops)
        script.stops.clear()
        model.predict(x, verbose=0)
    assert [is_backward for is_backward, _ in script.stops] == [False]


def test_a_compiled_function_checks_as_little_as_xla_does(engine, script, line):
    def checked(x, i):
        tf.debugging.assert_less(i, 2)
        y = tf.debugging.check_numerics(x, "bad value")
        if i > 0:
            y = y + tf.gather(x, i)  # here
        return y

    compiled = tf.function(checked, jit_compile=True)
    arguments = tf.constant([1.0, float("nan"), 3.0]), tf.constant(7)
    before = plain(compiled(*arguments))
    with broken_at(engine, line()):
        after = plain(compiled(*arguments))
        with pytest.raises(tf.errors.InvalidArgumentError):
            tf.function(checked)(*arguments)
    assert repr(after) == repr(before)
    assert script.stops == [line()]


def test_values_that_nobody_needs_any_more_are_let_go(engine, script, line):
    def shrink(x):
        return tf.reduce_sum(tf.sin(x))

    @tf.function
    def f(x):
        y = shrink(x)
        return y * 2.0  # here

    f(tf.ones([3]))
    made = []
    after = engine.after_op
    engine.after_op = lambda view: (made.extend(weakref.ref(v) for _, v in view.op.outputs()), after(view))
    script.look = lambda stop: [reference() is not None for reference in made]
    with broken_at(engine, line()):
        f(tf.ones([3]))
    assert script.stops == [[False, True]]  # the sine, and `y`


def test_a_step_to_the_next_graph_stops_where_its_call_begins(engine, script, line):
    @tf.function
    def f(x):
        return x + 1  # f

    @tf.function
    def g(x):
        return x * 2  # g

    g(tf.constant(1))
    script.answers = [Go.GRAPH]
    with broken_at(engine, line("f")):
        g(f(tf.constant(1)))
    assert script.stops == [line("f"), line("g")]


def test_random_ops_with_streams_of_their_own_are_named(engine, script, line):
    @tf.function
    def f(x):
        noise = tf.random.normal([2], seed=1)
        return x + noise  # here

    script.look = lambda stop: [note for note in stop.view.walk.notes if "random" in note]
    with broken_at(engine, line()):
        f(tf.zeros([2]))
    ((note,),) = script.stops
    assert note == (
        "RandomStandardNormal: random numbers of tf.random's stateful ops are drawn from another stream than in the "
        "graph; those of tf.random.Generator and of stateless ops are the same"
    )


def test_a_breakpoint_stays_where_it_is_when_another_trace_has_nothing_there(engine, script, line):
    @tf.function
    def f(x, deep):
        if deep:
            x = x + 1  # deep
        return x * 2  # always

    with broken_at(engine, line("deep")) as (point,):
        f(tf.constant(1), True)
        f(tf.constant(1), False)
        assert point.line == line("deep")
        f(tf.constant(1), True)
    assert script.stops == [line("deep")] * 2
