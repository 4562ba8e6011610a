"""Traces that are used although they are stale: what is said, and above all what is not."""

from __future__ import annotations

import os
import random
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from types import SimpleNamespace

import pytest

import tracedbg
from adapters.sink import attached
from tracedbg.adapters.py_state.observed import Watch
from tracedbg.adapters.tf_function import TfFunctionAdapter
from tracedbg.adapters.tf_function.stale import FIRST_USES
from tracedbg.events import Stale
from tracedbg.ticker import Ticker

np = pytest.importorskip("numpy")
tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow

X = tf.ones(2)
OURS = os.path.dirname(tracedbg.__file__)


class Mode(Enum):
    FAST = 1
    SLOW = 2


class Config:
    lr = 0.1

    def __init__(self):
        self.inner = SimpleNamespace(rate=1.0)
        self.sizes = [1, 2]
        self.flags = {"wide": True}


@dataclass
class Slotted:
    __slots__ = ("lr",)
    lr: float


scale = 1.0
debug = False
training = False
mode = Mode.FAST
layers = [1.0, 2.0]
table = np.array([1.0, 2.0], "float32")
settings = {"rate": 1.0, "other": 0.0}
cfg = Config()
state = tf.Variable(1.0)
seen = []
count = 0


@pytest.fixture(autouse=True)
def _globals_as_they_were():
    before = {
        name: globals()[name]
        for name in (
            "scale",
            "debug",
            "training",
            "mode",
            "layers",
            "table",
            "settings",
            "cfg",
            "count",
            "state",
        )
    }
    settings.update(rate=1.0, other=0.0)
    seen.clear()
    yield
    globals().update(before)
    before["cfg"].__init__()
    vars(cfg).pop("lr", None)


def set_global(**values):
    globals().update(values)


def line_of(marker):
    with open(__file__, encoding="utf-8") as file:
        return next(n for n, text in enumerate(file, 1) if text.rstrip().endswith(f"# @{marker}"))


def told(sink):
    return [(event.kind, event.name, event.then, event.now) for event in sink.of(Stale)]


def changed(function, change, *args):
    """Call, change something, call again."""
    function(*args)
    change()
    function(*args)


# --- values that were read -------------------------------------------------------------------


def test_a_global_is_told_with_its_line_and_both_values(sink):
    @tf.function
    def f(x):
        return x * scale  # @global

    changed(f, lambda: set_global(scale=5.0), X)
    (event,) = sink.of(Stale)
    assert (event.kind, event.name, event.then, event.now) == ("global", "scale", "1.0", "5.0")
    assert (event.frame.file, event.frame.line) == (__file__, line_of("global"))
    assert event.frame.function.endswith(".f")
    assert event.function.name.endswith(".f")
    assert event.trace_id is not None


def test_a_closure_variable(sink):
    rate = 1.0

    @tf.function
    def f(x):
        return x * rate

    f(X)
    rate = 2.0
    f(X)
    assert told(sink) == [("closure", "rate", "1.0", "2.0")]


@pytest.mark.parametrize(
    ("make", "change", "expected"),
    [
        (lambda: lambda x: x * cfg.lr, lambda: setattr(cfg, "lr", 0.2), ("cfg.lr", "0.1", "0.2")),
        (
            lambda: lambda x: x * cfg.inner.rate,
            lambda: setattr(cfg.inner, "rate", 3.0),
            ("cfg.inner.rate", "1.0", "3.0"),
        ),
        (lambda: lambda x: x * cfg.sizes[1], lambda: cfg.sizes.__setitem__(1, 5), ("cfg.sizes[1]", "2", "5")),
        (
            lambda: lambda x: x * settings["rate"],
            lambda: settings.update(rate=4.0),
            ('settings["rate"]', "1.0", "4.0"),
        ),
    ],
)
def test_attributes_and_items_by_the_users_own_words(sink, make, change, expected):
    changed(tf.function(make()), change, X)
    assert told(sink) == [("attribute", *expected)]


@pytest.mark.parametrize(
    ("name", "new", "then", "now"),
    [
        ("mode", Mode.SLOW, "Mode.FAST", "Mode.SLOW"),
        ("layers", [1.0, 3.0], "[1.0, 2.0]", "[1.0, 3.0]"),
        ("table", np.array([1.0, 5.0], "float32"), "float32 array [1.0, 2.0]", "float32 array [1.0, 5.0]"),
        ("scale", 1, "1.0", "1"),
    ],
)
def test_each_sort_of_plain_value(sink, name, new, then, now):
    uses = {"mode": uses_mode, "layers": uses_layers, "table": uses_table, "scale": uses_scale}
    changed(tf.function(uses[name]), lambda: set_global(**{name: new}), X)
    assert told(sink) == [("global", name, then, now)]


def uses_mode(x):
    if mode is Mode.FAST:
        x = x * 2.0
    return x + 1.0


def uses_layers(x):
    return x * tf.constant(layers)


def uses_table(x):
    return x * table


def uses_scale(x):
    return x * scale


def test_self_of_a_method_and_an_argument(sink):
    class Model(tf.Module):
        def __init__(self):
            super().__init__()
            self.rate = 0.5

        @tf.function
        def step(self, x, config):
            return x * self.rate * config.lr

    model, config = Model(), Config()
    model.step(X, config)
    model.rate = 0.25
    config.lr = 0.3
    model.step(X, config)
    assert sorted(told(sink)) == [
        ("attribute", "config.lr", "0.1", "0.3"),
        ("attribute", "self.rate", "0.5", "0.25"),
    ]


def test_slots_are_read(sink):
    box = SimpleNamespace(slotted=Slotted(0.1))

    @tf.function
    def f(x):
        return x * box.slotted.lr

    f(X)
    box.slotted.lr = 0.2
    f(X)
    assert told(sink) == [("attribute", "box.slotted.lr", "0.1", "0.2")]


def helper(x, config):
    y = x * scale
    return y + config.lr


def test_functions_that_are_called_with_what_they_are_given(sink):
    config = Config()

    @tf.function
    def f(x):
        return helper(x, config)

    f(X)
    set_global(scale=2.0)
    config.lr = 0.9
    f(X)
    assert sorted(told(sink)) == [("attribute", "config.lr", "0.1", "0.9"), ("global", "scale", "1.0", "2.0")]


def test_a_value_on_its_way_through_a_local_variable(sink):
    @tf.function
    def f(x):
        rate = scale * 2.0
        doubled = rate
        return x * doubled

    changed(f, lambda: set_global(scale=3.0), X)
    assert told(sink) == [("global", "scale", "1.0", "3.0")]


def test_a_condition_that_python_decided(sink):
    @tf.function
    def f(x):
        if training:
            x = x * 2.0
        return x + 1.0

    changed(f, lambda: set_global(training=True), X)
    assert told(sink) == [("global", "training", "False", "True")]


def test_a_loop_over_a_global(sink):
    @tf.function
    def f(x):
        for factor in layers:
            x = x * factor
        return x

    changed(f, lambda: layers.append(3.0), X)
    layers.pop()
    assert told(sink) == [("global", "layers", "[1.0, 2.0]", "[1.0, 2.0, 3.0]")]


def test_a_value_used_inside_a_branch_of_the_graph(sink):
    @tf.function
    def f(x):
        if tf.reduce_sum(x) > 0:
            x = x * scale
        return x

    changed(f, lambda: set_global(scale=3.0), X)
    assert told(sink) == [("global", "scale", "1.0", "3.0")]


def test_a_trace_made_inside_another_one(sink):
    @tf.function
    def inner(x):
        return x * scale

    @tf.function
    def outer(x):
        return inner(x) + 1.0

    changed(outer, lambda: set_global(scale=3.0), X)
    assert told(sink) == [("global", "scale", "1.0", "3.0")]


def test_each_is_told_once(sink):
    @tf.function
    def f(x):
        return x * scale

    f(X)
    for value in range(5):
        set_global(scale=float(value + 2))
        f(X)
    assert told(sink) == [("global", "scale", "1.0", "2.0")]


def test_without_autograph(sink):
    @tf.function(autograph=False)
    def f(x):
        return x * scale

    changed(f, lambda: set_global(scale=3.0), X)
    assert told(sink) == [("global", "scale", "1.0", "3.0")]


def test_a_function_whose_first_call_makes_variables(sink):
    class Model:
        variable = None
        rate = 1.0

        def __call__(self, x):
            if self.variable is None:
                self.variable = tf.Variable(np.random.rand())
            return x * self.variable * self.rate

    model = Model()
    f = tf.function(model)
    f(X)
    f(X)
    assert told(sink) == []
    model.rate = 2.0
    f(X)
    assert told(sink) == [("attribute", "self.rate", "1.0", "2.0")]


# --- what is no stale value ------------------------------------------------------------------


def test_no_change_no_word(sink):
    @tf.function
    def f(x):
        return x * scale * cfg.lr

    changed(f, lambda: set_global(scale=float("1.0")), X)
    assert told(sink) == []


def test_a_change_after_the_last_use(sink):
    @tf.function
    def f(x):
        return x * scale

    f(X)
    f(X)
    set_global(scale=2.0)
    assert told(sink) == []


def test_a_change_that_comes_with_a_new_trace(sink):
    @tf.function
    def f(x):
        return x * scale

    f(X)
    set_global(scale=2.0)
    f(tf.ones(3))
    f(tf.ones(3))
    assert told(sink) == []
    f(X)
    assert told(sink) == [("global", "scale", "1.0", "2.0")]


def test_a_change_that_is_taken_back(sink):
    @tf.function
    def f(x):
        return x * scale

    f(X)
    set_global(scale=2.0)
    set_global(scale=1.0)
    f(X)
    assert told(sink) == []


def test_values_that_are_only_logged(sink):
    @tf.function
    def f(x):
        if debug:
            print("tracing", scale)
        with tf.name_scope(f"at_{scale}"):
            return tf.add(x, 1.0, name=f"step_{scale}")

    changed(f, lambda: set_global(scale=2.0, debug=True), X)
    assert told(sink) == []


def test_a_branch_that_was_not_taken(sink):
    @tf.function
    def f(x):
        if training:
            x = x * scale
        return x + 1.0

    changed(f, lambda: set_global(scale=2.0), X)
    assert told(sink) == []


def test_a_condition_that_comes_out_the_same(sink):
    @tf.function
    def f(x):
        if scale < 10:
            x = x * 2.0
        return x

    changed(f, lambda: set_global(scale=2.0), X)
    assert told(sink) == []
    set_global(scale=20.0)
    f(X)
    assert told(sink) == [("global", "scale", "1.0", "20.0")]


def test_variables_tensors_functions_and_modules(sink):
    @tf.function
    def f(x):
        return tf.square(x) * state + helper(x, cfg)

    def change():
        state.assign(3.0)
        set_global(state=tf.Variable(2.0), helper=helper)

    changed(f, change, X)
    assert told(sink) == []


def test_a_value_that_the_function_sets_itself(sink):
    box = SimpleNamespace(rate=1.0)

    @tf.function
    def f(x):
        box.rate = 2.0
        return x * box.rate

    f(X)
    f(X)
    assert told(sink) == []


def test_a_local_name_or_comprehension_that_hides_a_global(sink):
    @tf.function
    def f(x, debug=2.0):
        training = 3.0
        return x * debug * training + tf.add_n([x * scale for scale in (1.0, 2.0)])

    changed(f, lambda: set_global(scale=9.0, debug=9.0, training=9.0), X)
    assert told(sink) == []


def test_no_code_of_the_users_runs(sink):
    calls = []

    class Watched:
        def __getattr__(self, name):
            calls.append(name)
            return 1.0

        @property
        def rate(self):
            calls.append("rate")
            return 1.0

        def __eq__(self, other):
            calls.append("eq")
            return True

        __hash__ = object.__hash__

        def __repr__(self):
            calls.append("repr")
            return ""

    watched = Watched()

    @tf.function(autograph=False)
    def f(x):
        return x * watched.rate * watched.other

    f(X)
    ran = list(calls)
    f(X)
    assert calls == ran == ["rate", "other"]


def test_nothing_of_the_users_lives_longer(sink):
    import gc
    import weakref

    config = Config()
    gone = weakref.ref(config)

    @tf.function
    def f(x, config):
        return x * config.lr

    f(X, config)
    f(X, config)
    del config
    gc.collect()
    assert gone() is None
    f_gone = weakref.ref(f)
    del f
    gc.collect()
    assert f_gone() is None


# --- side effects ----------------------------------------------------------------------------


def twice(f):
    f(X)
    f(X)


def test_a_list_that_grew_while_tracing(sink):
    @tf.function
    def f(x):
        seen.append(x)
        return x + 1.0

    twice(f)
    seen.clear()
    assert told(sink) == [("side_effect", "seen.append(x)", "length 0 to 1", "length 1")]


def test_counters(sink):
    box = SimpleNamespace(calls=0, by_name={"f": 0})

    @tf.function
    def f(x):
        global count
        count += 1
        box.calls += 1
        box.by_name["f"] += 1
        return x + 1.0

    twice(f)
    assert told(sink) == [
        ("side_effect", "count += 1", "0 to 1", "1"),
        ("side_effect", "box.calls += 1", "0 to 1", "1"),
        ("side_effect", "box.by_name['f'] += 1", "0 to 1", "1"),
    ]


def test_a_symbolic_tensor_that_got_out(sink):
    class Model(tf.Module):
        @tf.function
        def step(self, x):
            self.last = x * 2.0
            return x + 1.0

    model = Model()
    model.step(X)
    model.step(X)
    assert told(sink) == [
        ("side_effect", "self.last = x * 2.0", "assigned while tracing", "a symbolic tensor")
    ]


def test_print(sink, capsys):
    @tf.function
    def f(x):
        print("x is", x)
        return x + 1.0

    twice(f)
    assert told(sink) == [("side_effect", "print('x is', x)", "ran while tracing", "did not run")]


def test_side_effects_that_are_meant_for_tracing(sink, capsys):
    traces = []

    @tf.function
    def f(x):
        traces.append(1)
        print("Tracing with", x)
        return x + 1.0

    twice(f)
    assert told(sink) == []


def test_state_that_a_function_keeps_for_itself(sink):
    class Model(tf.Module):
        def __init__(self):
            super().__init__()
            self.built = False
            self.cache = {}

        @tf.function
        def step(self, x):
            self.built = True
            self.scores = x * 2.0
            self.cache["x"] = x
            outputs = []
            outputs.append(x)
            return self.finish(outputs[0])

        def finish(self, x):
            return x + self.scores + self.cache["x"]

    model = Model()
    model.step(X)
    model.step(X)
    assert told(sink) == []


def test_side_effects_of_a_trace_that_is_never_used_again(sink):
    @tf.function
    def f(x):
        seen.append(x)
        return x * np.random.rand()

    f(X)
    f(tf.ones(3))
    seen.clear()
    assert told(sink) == []


# --- random numbers and times ----------------------------------------------------------------

generator = np.random.default_rng(1)
own = random.Random(1)


@pytest.mark.parametrize(
    ("draw", "text"),
    [
        (lambda x: x * np.random.rand(), "np.random.rand()"),
        (lambda x: x + np.random.normal(size=2), "np.random.normal(size=2)"),
        (lambda x: x * random.random(), "random.random()"),
        (lambda x: x * generator.normal(), "generator.normal()"),
        (lambda x: x * own.uniform(0, 1), "own.uniform(0, 1)"),
        (lambda x: x * time.time(), "time.time()"),
        (lambda x: x * datetime.now().second, "datetime.now()"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_numbers_drawn_while_tracing(sink, draw, text):
    twice(tf.function(draw))
    assert told(sink) == [("random", text, "drawn while tracing", "the same")]


def test_a_number_drawn_into_a_local_variable(sink):
    @tf.function
    def f(x):
        noise = np.random.rand()
        return x + noise

    twice(f)
    assert told(sink) == [("random", "np.random.rand()", "drawn while tracing", "the same")]


def test_times_that_are_not_in_the_graph_and_tensorflows_own_random_numbers(sink):
    @tf.function
    def f(x):
        start = time.time()
        y = x + tf.random.normal([2], seed=random.randint(0, 9))
        print("tracing took", time.time() - start)
        return y

    twice(f)
    assert told(sink) == []


# --- when it is looked at --------------------------------------------------------------------


@pytest.fixture
def without_ticks(monkeypatch):
    monkeypatch.setattr(Ticker, "start", lambda self: None)


def our_code_in(function, *args):
    """The functions of ours that run in one call."""
    ran = []

    def watch(frame, event, argument):
        if event == "call" and frame.f_code.co_filename.startswith(OURS):
            ran.append(frame.f_code.co_name)

    sys.setprofile(watch)
    try:
        function(*args)
    finally:
        sys.setprofile(None)
    return ran


def test_after_the_first_uses_a_call_runs_no_code_of_ours(without_ticks, sink):
    @tf.function
    def f(x):
        return x * scale

    f(X)
    ran = [bool(our_code_in(f, X)) for _ in range(FIRST_USES + 3)]
    assert ran == [True] * FIRST_USES + [False] * 3


def test_a_change_after_the_first_uses_is_seen_at_the_next_look(without_ticks, sink, monkeypatch):
    @tf.function
    def f(x):
        return x * scale

    tickers = []
    monkeypatch.setattr(Ticker, "start", lambda self: tickers.append(self))
    for _ in range(FIRST_USES + 2):
        f(X)
    set_global(scale=2.0)
    f(X)
    assert told(sink) == []
    assert tickers[0]._function()
    f(X)
    assert told(sink) == [("global", "scale", "1.0", "2.0")]
    assert not tickers[0]._function(), "nothing is left to look at"


def test_a_function_that_has_only_its_arguments_is_never_looked_at(sink):
    @tf.function
    def f(x):
        return tf.nn.relu(x) * 2.0

    f(X)
    assert our_code_in(f, X) == []


def test_caches_are_tensorflows_own_after_removal():
    @tf.function
    def f(x):
        return x * scale

    with attached(tf, TfFunctionAdapter()), attached(tf, TfFunctionAdapter()):
        f(X)
        assert type(f._variable_creation_config.function_cache) is not type(f._function_cache)
        assert f.experimental_get_tracing_count() == 1
    f(X)
    assert f._variable_creation_config.function_cache is f._function_cache


def test_a_copy_of_a_function_that_is_looked_at_is_tensorflows_own(sink):
    import copy

    class Model(tf.Module):
        @tf.function
        def step(self, x):
            return x * scale

    model = Model()
    model.step(X)
    again = copy.deepcopy(model)
    again.step(X)
    cache = copy.copy(model.step._variable_creation_config.function_cache)
    assert type(cache) is type(model.step._function_cache)
    assert len(cache) == 1


def test_a_fault_of_ours_does_not_reach_the_program(monkeypatch):
    @tf.function
    def f(x):
        return x * scale

    def broken(self):
        raise RuntimeError("ours")

    monkeypatch.setattr(Watch, "use", broken)
    with attached(tf, TfFunctionAdapter(), faults=1):
        f(X)
        f(X)
        assert our_code_in(f, X) == []
