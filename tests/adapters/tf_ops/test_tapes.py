"""The graphs of tapes: what changes them, which lines the backward belongs to, and what is kept for it."""

from __future__ import annotations

import pytest

from adapters.tf_ops.conftest import line_of, recording
from tracedbg.events import Framework
from tracedbg.explain.graph_difference import Graph, difference

tf = pytest.importorskip("tensorflow")
np = pytest.importorskip("numpy")
pytestmark = pytest.mark.tensorflow
X = tf.constant([[1.0, 2.0]])


def gradient(forward, *variables):
    with tf.GradientTape() as tape:
        loss = forward()
    return tape.gradient(loss, variables)  # @gradient


def weights(*sizes):
    return [tf.Variable(tf.ones(size) * 0.5) for size in sizes]


def sites(graph):
    return [(site.op, site.line) for site in graph.sites]


def two_sites(recorded):
    """Where the two graphs that were told part."""
    before, after = recorded.graphs()
    keys = {}
    found = difference(Graph(before.sites, keys), Graph(after.sites, keys))
    return found, before, after


def test_each_gradient_is_a_step_of_who_asked(recorded):
    (w,) = weights([2, 1])

    def forward():
        return tf.reduce_sum(tf.matmul(X, w))  # @both

    for _ in range(3):
        gradient(forward, w)
    (graph,) = recorded.graphs()
    (steps,) = recorded.steps()
    line = line_of(forward, "both")
    assert sites(graph) == [("MatMul", line), ("Sum", line)]
    assert [site.inputs for site in graph.sites] == [(), ("MatMul_0",)]
    assert graph.sites[0].file == __file__
    assert (graph.step, graph.left_out) == (1, 0)
    assert steps.function == graph.function
    function = steps.function
    assert (function.framework, function.name, function.file) == (Framework.AUTOGRAD, "gradient", __file__)
    assert (steps.steps, steps.looked_at, steps.changes) == (3, 3, ())


def test_a_branch_that_depends_on_data_is_another_graph(recorded):
    (w,) = weights([2, 2])

    def forward(flag):
        h = tf.nn.relu(tf.matmul(X, w))  # @first
        if flag:
            return tf.reduce_sum(h + 1.0)  # @add
        h = h * 2.0  # @mul
        return tf.reduce_sum(h)

    for flag in (False, True, True):
        gradient(lambda flag=flag: forward(flag), w)
    found, before, after = two_sites(recorded)
    assert (found.kind, found.node) == ("other", 2)
    assert (found.before.op, found.before.line) == ("Mul", line_of(forward, "mul"))
    assert (found.after.op, found.after.line) == ("AddV2", line_of(forward, "add"))
    (steps,) = recorded.steps()
    (change,) = steps.changes
    assert (change.before, change.after) == (before.fingerprint, after.fingerprint)
    assert (change.count, change.step) == (1, 2)


def test_a_loop_that_runs_another_number_of_times_is_another_graph(recorded):
    (w,) = weights([2, 2])

    def forward(turns):
        h = X
        for _ in range(turns):
            h = tf.tanh(tf.matmul(h, w))  # @body
        return tf.reduce_sum(h)

    for turns in (2, 3):
        gradient(lambda turns=turns: forward(turns), w)
    found, _, _ = two_sites(recorded)
    assert (found.kind, found.turns) == ("turns", (2, 3))
    assert {site.line for site in found.body} == {line_of(forward, "body")}


def test_a_layer_that_is_dropped_is_another_graph(recorded):
    layers = weights([2, 2], [2, 2], [2, 2])

    def forward(dropped):
        h = X
        if dropped != 0:
            h = tf.nn.relu(tf.matmul(h, layers[0]))  # @one
        if dropped != 1:
            h = tf.tanh(tf.matmul(h, layers[1]))  # @two
        if dropped != 2:
            h = tf.nn.softplus(tf.matmul(h, layers[2]))  # @three
        return tf.reduce_sum(h)

    for dropped in (None, 1):
        gradient(lambda dropped=dropped: forward(dropped), *layers)
    found, _, _ = two_sites(recorded)
    assert (found.kind, found.node) == ("extra", 2)
    assert [(site.op, site.line) for site in found.body] == [
        ("MatMul", line_of(forward, "two")),
        ("Tanh", line_of(forward, "two")),
    ]


def test_the_same_ops_of_other_inputs_are_another_graph(recorded):
    a, b = weights([2], [2])

    def forward(swap):
        h, k = tf.sin(a), tf.cos(b)
        p, q = (k, h) if swap else (h, k)
        return tf.reduce_sum(p / q)

    for swap in (False, True):
        gradient(lambda swap=swap: forward(swap), a, b)
    assert two_sites(recorded)[0].kind == "inputs"


def test_what_does_not_lead_to_the_target_is_no_part_of_the_graph(recorded):
    (w,) = weights([2, 2])

    def forward(report):
        h = tf.matmul(X, w)
        if report:
            tf.reduce_max(h)
        tf.random.uniform([2])
        return tf.reduce_sum(h)

    for report in (False, True):
        gradient(lambda report=report: forward(report), w)
    (graph,) = recorded.graphs()
    assert [site.op for site in graph.sites] == ["MatMul", "Sum"]


def test_a_backward_op_has_the_line_of_its_forward(recorded):
    w, v = weights([2, 2], [2, 2])

    def forward():
        h = tf.matmul(X, w)  # @matmul
        a = tf.nn.relu(h)  # @relu
        b = -a  # @neg
        c = tf.identity(b) + a  # @add
        d = tf.reshape(c, [-1])  # @reshape
        e = tf.reduce_sum(tf.matmul(c, v))  # @second
        return tf.reduce_sum(d * d) + e  # @sum

    for _ in range(3):
        gradient(forward, w, v)
    backward = recorded.lines(is_backward=True)
    lines = {name: line_of(forward, name) for name in ("matmul", "relu", "neg", "reshape", "second", "sum")}
    assert backward["ReluGrad", lines["relu"]] == 3
    assert backward["Neg", lines["neg"]] == 3
    assert backward["Reshape", lines["reshape"]] == 3
    assert backward["MatMul", lines["matmul"]] == 3
    assert backward["MatMul", lines["second"]] == 6
    asked = line_of(gradient, "gradient")
    assert {op for op, line in backward if line == asked} <= {"AddN", "Fill", "OnesLike", "Shape"}


def test_what_a_line_costs_the_backward_is_told(recorded):
    (w,) = weights([2, 3])

    def forward():
        h = tf.tanh(tf.matmul(X, w))  # @tanh
        return tf.reduce_sum(h * h)  # @square

    for _ in range(4):
        gradient(forward, w)
    (steps,) = recorded.steps()
    costs = {line.frame.line: line for line in steps.lines}
    tanh, square = costs[line_of(forward, "tanh")], costs[line_of(forward, "square")]
    assert tanh.nodes == 8
    assert tanh.backward_ns > 0
    kept = tanh.saved_bytes + square.saved_bytes
    assert kept == 2 * 3 * 4  # the result of `tanh`, once for both lines, and that of the product


def test_a_traced_function_is_one_node_and_its_backward_has_its_line(recorded):
    (w,) = weights([2, 2])

    @tf.function
    def traced(x):
        return tf.sin(tf.matmul(x, w)) * 2.0

    def forward():
        return tf.reduce_sum(traced(X))  # @call

    for _ in range(2):
        gradient(forward, w)
    (graph,) = recorded.graphs()
    line = line_of(forward, "call")
    assert sites(graph) == [("traced", line), ("Sum", line)]
    (total,) = recorded.totals(is_traced=True, is_backward=True)
    assert (total.kind.name, total.kind.stack[0].line, total.count) == ("traced", line, 2)


def test_a_function_with_a_gradient_of_its_own_is_one_node(recorded):
    (w,) = weights([2])

    @tf.custom_gradient
    def clipped(x):
        def grad(upstream):
            return tf.clip_by_value(upstream, -1.0, 1.0)

        return tf.identity(x), grad

    def forward():
        return tf.reduce_sum(clipped(w * 3.0))  # @clipped

    gradient(forward, w)
    (graph,) = recorded.graphs()
    names = [site.op for site in graph.sites if site.op != "Identity"]  # TensorFlow's own, around it
    assert names == ["Mul", "clipped", "Sum"]
    line = line_of(forward, "clipped")
    assert recorded.lines(name="Minimum", is_backward=True) == {("Minimum", line): 1}


def test_nested_and_persistent_tapes_have_their_own_graphs(recorded):
    (w,) = weights([2])

    def both():
        with tf.GradientTape(persistent=True) as outer:
            with tf.GradientTape() as inner:
                y = tf.reduce_sum(tf.sin(w))
            first = inner.gradient(y, w)  # @inner
            loss = tf.reduce_sum(first * first)
        return outer.gradient(loss, w), outer.gradient(y, w)  # @outer

    both()
    graphs = recorded.graphs()
    assert [site.op for site in graphs[0].sites] == ["Sin", "Sum"]
    assert {"Cos", "Mul"} <= {site.op for site in graphs[1].sites}
    assert graphs[0].function.line == line_of(both, "inner")
    assert sum(steps.steps for steps in recorded.steps()) == 3


def test_what_runs_while_a_tape_is_stopped_is_no_part_of_it(recorded):
    (w,) = weights([2])

    def forward(tape):
        h = tf.sin(w)
        with tape.stop_recording():
            tf.cos(h)
        return tf.reduce_sum(h)

    with tf.GradientTape() as tape:
        loss = forward(tape)
    tape.gradient(loss, w)
    (graph,) = recorded.graphs()
    assert [site.op for site in graph.sites] == ["Sin", "Sum"]


def test_a_gradient_inside_a_traced_function_is_no_step(recorded):
    (w,) = weights([2])

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.sin(w))
        return tape.gradient(loss, w)

    step()
    assert recorded.graphs() == []
    assert recorded.steps() == []


def test_a_tape_that_was_opened_before_is_counted_and_not_looked_at():
    (w,) = weights([2])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.sin(w))
    with recording() as recorded:
        tape.gradient(loss, w)
        (steps,) = recorded.steps()
        assert (steps.steps, steps.looked_at) == (1, 0)
        assert recorded.graphs() == []


def test_a_gradient_that_fails_leaves_nothing_behind(recorded):
    @tf.custom_gradient
    def broken(x):
        def grad(upstream):
            raise RuntimeError("no gradient")

        return tf.identity(x), grad

    (w,) = weights([2])
    with pytest.raises(RuntimeError, match="no gradient"):
        gradient(lambda: tf.reduce_sum(broken(w)), w)
    tf.nn.softplus(X)
    assert [total.kind.is_backward for total in recorded.totals(name="Softplus")] == [False]


def test_gradients_are_the_same_and_the_registered_function_is_tensorflows_own_afterwards():
    from tensorflow.python.eager import backprop

    w, v = weights([2, 2], [2, 2])

    def forward():
        return tf.reduce_sum(tf.nn.relu(tf.matmul(tf.matmul(X, w), v)) ** 2)

    plain = gradient(forward, w, v)
    with recording():
        watched = gradient(forward, w, v)
    for one, other in zip(plain, watched, strict=True):
        assert np.array_equal(one, other)
    called = []

    @tf.custom_gradient
    def spying(x):
        import sys

        def grad(upstream):
            frame = sys._getframe(1)
            while frame is not None:
                called.append(frame.f_code)
                frame = frame.f_back
            return upstream

        return tf.identity(x), grad

    gradient(lambda: tf.reduce_sum(spying(tf.square(w))), w)
    files = {code.co_filename for code in called if code.co_name == "_gradient_function"}
    assert files <= {backprop.__file__}
    assert not [code for code in called if code.co_name == "backward_function"]


def test_a_node_has_the_lines_that_called_its_own(recorded):
    a, b = weights([2], [2])

    def layer(w):
        return tf.sin(w)  # @sin

    def forward(first):
        h = layer(a) if first else 0.0  # @one
        return tf.reduce_sum(h + layer(b))  # @two

    for first in (True, False):
        gradient(lambda first=first: forward(first), a, b)
    site = next(site for site in recorded.graphs()[0].sites if site.op == "Sin")
    assert (site.line, site.callers[0].line) == (line_of(layer, "sin"), line_of(forward, "one"))
    site = next(site for site in recorded.graphs()[1].sites if site.op == "Sin")
    assert (site.line, site.callers[0].line) == (line_of(layer, "sin"), line_of(forward, "two"))
