"""Every trace of a `tf.function` is reported, as what it is, and no other."""

from __future__ import annotations

import functools
import threading

import pytest

from tracedbg.events import (
    Framework,
    GraphMade,
    Outcome,
    PhaseSpan,
    Role,
    TensorSpec,
    TraceStarted,
)

from .views import ended, started, tracing_counts

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow


def here(marker):
    """The line of this file that ends with the marker comment."""
    with open(__file__, encoding="utf-8") as text:
        (line,) = [n for n, row in enumerate(text, 1) if row.rstrip().endswith(f"# @{marker}")]
    return line


def test_each_new_shape_is_a_trace_and_a_known_one_is_not(sink):
    @tf.function
    def f(x):
        return x + 1.0

    for size in (1, 2, 1, 2, 3):
        f(tf.ones(size))
    assert tracing_counts(sink, "f") == [f.experimental_get_tracing_count()] == [3]
    assert [trace.cached_count for trace in started(sink, "f")] == [0, 1, 2]


def test_a_trace_is_flushed_before_the_function_runs(sink):
    seen = []

    @tf.function
    def f(x):
        seen.append((len(sink.events), list(sink.flushed)))
        return x

    f(tf.ones(1))
    ((count, flushed),) = seen
    assert isinstance(sink.events[flushed[-1] - 1], TraceStarted)
    assert flushed[-1] <= count


def test_a_trace_says_who_where_and_how(sink):
    @tf.function(jit_compile=False)  # @made
    def f(x, n=2):
        return x * n

    f(tf.ones([2, 3]))  # @call
    (trace,) = started(sink, "f")
    who = trace.traceable
    assert who.framework is Framework.TF_FUNCTION
    assert (who.file, who.line, who.is_user) == (__file__, here("made"), True)
    assert who.name == "test_a_trace_says_who_where_and_how.f"
    assert who.created_at.line == here("made")
    assert (trace.call_stack[0].file, trace.call_stack[0].line) == (__file__, here("call"))
    assert dict(trace.options) == {
        "autograph": "True",
        "reduce_retracing": "False",
        "jit_compile": "False",
        "input_signature": "False",
    }
    assert trace.thread_id == threading.get_ident()
    assert trace.signature.arguments[0] == ("x", TensorSpec("float32", (2, 3)))
    end = ended(sink, trace)
    (concrete,) = f._list_all_concrete_functions()
    assert end.label == concrete.name.decode()
    assert end.op_count == len(concrete.graph.get_operations())


def test_a_trace_has_its_own_time_and_that_of_its_own_conversions(sink):
    @tf.function
    def inner(x):
        return x + 1.0

    @tf.function
    def outer(x):
        return inner(x)

    outer(tf.ones(1))
    for name in ("inner", "outer"):
        (trace,) = started(sink, name)
        spans = sink.of(PhaseSpan, trace_id=trace.id)
        assert {span.name for span in spans} - {"first_run"} == {"autograph", "trace"}
        (whole,) = sink.of(PhaseSpan, trace_id=trace.id, name="trace")
        assert (whole.start_ns, whole.duration_ns) == (
            trace.start_ns,
            ended(sink, trace).end_ns - trace.start_ns,
        )
        (conversion,) = sink.of(PhaseSpan, trace_id=trace.id, name="autograph")
        assert trace.start_ns < conversion.start_ns < ended(sink, trace).end_ns


def test_a_nested_trace_names_its_parent_and_the_line_inside_the_converted_caller(sink):
    @tf.function
    def inner(x):
        return x + 1.0

    @tf.function
    def outer(x):
        if tf.reduce_sum(x) > 0:
            x = inner(x)  # @nested
        return x

    outer(tf.ones(1))
    ((inside,), (outside,)) = started(sink, "inner"), started(sink, "outer")
    assert (outside.parent_id, inside.parent_id) == (None, outside.id)
    assert inside.call_stack[0].line == here("nested")


def test_the_call_stack_is_that_of_tf_stack(sink):
    from tensorflow.python.util import tf_stack

    from tracedbg.source import is_user_file

    expected = []

    @tf.function
    def inner(x):
        frames = [(f.filename, f.lineno) for f in reversed(list(tf_stack.extract_stack()))]
        expected.extend(frame for frame in frames if is_user_file(frame[0]))
        return x

    @tf.function
    def outer(x):
        for _ in range(1):
            x = inner(x)
        return x

    outer(tf.ones(1))
    (inside,) = started(sink, "inner")
    found = [(frame.file, frame.line) for frame in inside.call_stack]
    assert found == [frame for frame in expected if frame in found][-len(found) :]


def test_each_instance_of_a_class_has_its_own_function_object(sink):
    class Model:
        @tf.function  # @method
        def step(self, x):
            return x

    one, two = Model(), Model()
    for model in (one, two, one):
        model.step(tf.ones(1))
    first, second = started(sink, "step")
    assert tracing_counts(sink, "step") == [1, 1]
    assert first.traceable.name.endswith("Model.step")
    assert [name for name, _ in first.signature.arguments] == ["x"]
    assert first.traceable.closure_id != second.traceable.closure_id
    assert first.traceable.created_at.line == second.traceable.created_at.line == here("method")


def test_function_objects_of_one_code_that_close_over_the_same_have_one_closure_id(sink):
    rate, other = [1.0], [1.0]

    def make(held):
        @tf.function
        def f(x):
            return x * held[0]

        f(tf.ones(1))
        return f

    kept = [make(rate), make(rate), make(other)]
    a, b, c = (trace.traceable for trace in started(sink, "f"))
    assert a.closure_id == b.closure_id != c.closure_id
    assert len({a.object_id, b.object_id, c.object_id}) == len(kept)


def test_two_lambdas_of_one_line_are_not_taken_for_one_function(sink):
    up, down = tf.function(lambda x: x + 1.0), tf.function(lambda x: x - 1.0)
    up(tf.ones(2))
    down(tf.ones(2))
    one, other = (trace.traceable for trace in started(sink, "<lambda>"))
    assert one.line == other.line
    assert one.closure_id != other.closure_id


def test_code_that_is_compiled_again_from_the_same_text_is_the_same_function(sink):
    for _ in range(2):
        tf.function(eval("lambda x: x + 1.0"), autograph=False)(tf.ones(2))
    one, other = (trace.traceable for trace in started(sink, "<lambda>"))
    assert one.closure_id == other.closure_id


def test_a_function_may_close_over_what_cannot_be_hashed(sink):
    held = [tf.Variable(1.0), {"a": [1]}, set()]

    def make(variable, mapping, group):
        return tf.function(lambda x: x * variable + len(mapping) + len(group))

    for _ in range(2):
        make(*held)(1.0)
    make(held[0], {"a": [1], "b": 2}, held[2])(1.0)
    one, two, other = (trace.traceable.closure_id for trace in started(sink, "<lambda>"))
    assert one == two != other


def test_object_ids_are_not_used_again(sink):
    for _ in range(5):
        f = tf.function(lambda x: x + 1.0)
        f(tf.ones(1))
        del f
    ids = [trace.traceable.object_id for trace in started(sink, "<lambda>")]
    assert len(set(ids)) == 5


def test_partials_and_wrappers_are_named_after_the_innermost_function(sink):
    def work(x, n):
        return x * n

    @functools.wraps(work)
    def wrapper(*args):
        return work(*args)

    tf.function(functools.partial(work, n=2))(tf.ones(1))
    tf.function(wrapper)(tf.ones(1), 2)
    assert [trace.traceable.line for trace in started(sink, "work")] == [work.__code__.co_firstlineno] * 2


def test_first_call_variables_are_one_forward_trace(sink):
    class Model(tf.Module):
        v = None

        @tf.function
        def step(self, x):
            if self.v is None:
                self.v = tf.Variable(1.0)
            return self.v * x

    model = Model()
    model.step(tf.ones(1))
    assert [trace.role for trace in started(sink, "step")] == [Role.FORWARD, Role.VARIABLE_CREATION]
    assert [trace.role for trace in started(sink, "initialize_variables")] == [Role.VARIABLE_CREATION]
    model.step(tf.ones(2))
    assert started(sink, "step")[-1].role is Role.FORWARD
    assert tracing_counts(sink, "step") == [model.step.experimental_get_tracing_count()] == [3]


def test_a_first_trace_that_failed_is_followed_by_the_forward_one(sink):
    @tf.function
    def step(x, fail=(True,)):
        if fail:
            raise ValueError("not yet")
        return x

    with pytest.raises(ValueError, match="not yet"):
        step(tf.ones(1))
    step(tf.ones(1), ())
    assert [trace.role for trace in started(sink, "step")] == [Role.FORWARD, Role.FORWARD]
    assert tracing_counts(sink, "step") == [step.experimental_get_tracing_count()] == [1]


def test_an_exception_while_tracing_ends_the_trace_as_failed(sink):
    @tf.function
    def f(x):
        raise KeyError("lost")

    with pytest.raises(KeyError):
        f(tf.ones(1))
    (trace,) = started(sink, "f")
    end = ended(sink, trace)
    assert end.outcome is Outcome.FAILED
    assert "lost" in end.error
    assert tracing_counts(sink, "f") == [f.experimental_get_tracing_count()] == [0]


def test_gradients_are_backward_traces_of_the_function(sink):
    @tf.function
    def inner(x):
        return x * x

    @tf.function
    def outer(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = inner(x)
        return tape.gradient(y, x)

    x = tf.ones(2)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = inner(x)
    tape.gradient(y, x)
    outer(x)
    backward = started(sink, "inner", Role.BACKWARD)
    (whole,) = started(sink, "outer")
    assert [trace.parent_id for trace in backward] == [None, whole.id]
    assert all(ended(sink, trace).outcome is Outcome.COMPILED for trace in backward)
    assert len(started(sink, "inner", Role.FORWARD)) == inner.experimental_get_tracing_count()


def test_a_gradient_that_raises_is_ended_as_failed_and_is_nobodys_parent(sink):
    @tf.custom_gradient
    def odd(x):
        def grad(_):
            raise ValueError("no gradient")

        return x, grad

    @tf.function
    def f(x):
        return odd(x)

    x = tf.ones(1)
    with tf.GradientTape() as tape:
        tape.watch(x)
        with pytest.raises(ValueError, match="no gradient"):
            f(x)  # under a tape, the gradient's graph is built at once
    f(tf.ones(2))
    (backward,) = started(sink, "f", Role.BACKWARD)
    assert ended(sink, backward).outcome is Outcome.FAILED
    assert started(sink, "f")[-1].parent_id is None


def test_reduce_retracing_says_what_was_traced_instead(sink):
    @tf.function(reduce_retracing=True)
    def f(x):
        return x

    for size in (1, 2, 3, 4):
        f(tf.ones(size))
    first, second = started(sink, "f")
    assert ended(sink, first).traced_signature is None
    assert second.signature.arguments == (("x", TensorSpec("float32", (2,))),)
    assert ended(sink, second).traced_signature.arguments == (("x", TensorSpec("float32", (None,))),)


def test_input_signature_and_get_concrete_function_are_traced_once(sink):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def f(x):
        return x

    f.get_concrete_function()
    f(tf.ones(3))
    (trace,) = started(sink, "f")
    assert dict(trace.options)["input_signature"] == "True"
    assert trace.signature.arguments == (("x", TensorSpec("float32", (None,))),)


def test_a_saved_model_is_loaded_without_a_trace(sink, tmp_path):
    module = tf.Module()
    module.f = tf.function(lambda x: x + 1.0, input_signature=[tf.TensorSpec([None])])
    tf.saved_model.save(module, str(tmp_path))
    before = len(sink.of(TraceStarted))
    loaded = tf.saved_model.load(str(tmp_path))
    loaded.f(tf.ones(2))
    assert [t for t in sink.of(TraceStarted)[before:] if t.traceable.is_user] == []


@pytest.mark.filterwarnings("ignore")
def test_dataset_functions_are_named_after_the_users_own(sink):
    def double(x):
        return x * 2

    data = tf.data.Dataset.range(3).map(double).filter(lambda x: x > 0)
    assert [int(x) for x in data] == [2, 4]
    (mapped,) = started(sink, "double")
    assert mapped.role is Role.DATASET
    assert mapped.traceable.is_user
    assert mapped.traceable.line == double.__code__.co_firstlineno
    (kept,) = started(sink, "<lambda>")
    assert kept.role is Role.DATASET


@pytest.mark.filterwarnings("ignore")
def test_keras_fit_and_predict_have_the_counts_of_their_functions(sink):
    keras = pytest.importorskip("keras")
    import numpy as np

    inputs = keras.Input((None, 2))
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    model.compile("sgd", "mse")
    model.fit(np.ones((7, 3, 2), "f4"), np.ones((7, 3, 1), "f4"), batch_size=4, verbose=0)
    for size in range(3, 7):
        model.predict(np.ones((1, size, 2), "f4"), verbose=0)  # @predict
    assert tracing_counts(sink, "one_step_on_data_distributed") == [
        model.predict_function.experimental_get_tracing_count()
    ]
    assert tracing_counts(sink, "multi_step_on_iterator") == [1]
    (_, again) = started(sink, "one_step_on_data_distributed")
    assert not again.traceable.is_user
    assert again.call_stack[0].line == here("predict")
    assert {trace.traceable.name.split(".")[-1] for trace in sink.of(TraceStarted, role=Role.DATASET)} == {
        "permutation",
        "slice_batch_indices",
        "grab_batch",
    }


def test_traces_in_two_threads_are_kept_apart(sink):
    barrier = threading.Barrier(2, timeout=60)

    def work():
        @tf.function
        def inner(x):
            return x

        @tf.function
        def outer(x):
            barrier.wait()
            y = inner(x)
            barrier.wait()
            return y

        outer(tf.ones(1))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outside = {trace.id: trace for trace in started(sink, "outer")}
    assert len({trace.thread_id for trace in outside.values()}) == 2
    for inside in started(sink, "inner"):
        assert outside[inside.parent_id].thread_id == inside.thread_id


def test_graphs_have_the_users_line_of_each_op(sink):
    def helper(x):
        return tf.exp(x)  # @exp

    @tf.function
    def f(x):
        y = tf.matmul(x, x)  # @matmul
        return helper(y)

    f(tf.ones([2, 2]))
    (trace,) = started(sink, "f")
    (made,) = sink.of(GraphMade, trace_id=trace.id)
    sites = {site.op: site for site in made.sites}
    assert (sites["MatMul"].line, sites["Exp"].line) == (here("matmul"), here("exp"))
    assert sites["MatMul"].output == "float32[2, 2]"
    assert sites["Exp"].inputs == (f"{sites['MatMul'].name}:0",)
    assert len(made.sites) == ended(sink, trace).op_count


def test_branches_and_loops_have_their_ops_below_them(sink):
    @tf.function
    def f(x, i):
        if tf.reduce_sum(x) > 0:
            x = tf.exp(x)  # @in_branch
        for k in tf.range(3):
            x = tf.sin(x)  # @in_loop
            if k > 1:
                x = tf.cos(x)  # @branch_in_loop
        return tf.switch_case(i, [lambda: x, lambda: tf.tan(x)])  # @in_case

    f(tf.ones([2]), tf.constant(1))
    (made,) = sink.of(GraphMade)
    sites = {site.op: site for site in made.sites}
    assert {op: (sites[op].name, sites[op].line) for op in ("Exp", "Sin", "Cos", "Tan")} == {
        "Exp": ("cond/then/Exp", here("in_branch")),
        "Sin": ("while/body/Sin", here("in_loop")),
        "Cos": ("while/body/cond/then/Cos", here("branch_in_loop")),
        "Tan": ("switch_case/indexed_case/branch 1/Tan", here("in_case")),
    }
    assert sites["Exp"].inputs == ("cond/then/Exp/x:0",)
    assert {op: sites[op].inside for op in ("Exp", "Cos", "Tan", "Sum")} == {
        "Exp": "cond/then",
        "Cos": "while/body/cond/then",
        "Tan": "switch_case/indexed_case/branch 1",
        "Sum": "",
    }


def test_unknown_sizes_and_ranks_are_marked_in_the_outputs(sink):
    @tf.function
    def f(x, y):
        return tf.exp(x), tf.sin(y)

    f.get_concrete_function(tf.TensorSpec([None, 2]), tf.TensorSpec(None))
    (made,) = sink.of(GraphMade)
    outputs = {site.op: site.output for site in made.sites}
    assert (outputs["Exp"], outputs["Sin"]) == ("float32[?, 2]", "float32[...]")
