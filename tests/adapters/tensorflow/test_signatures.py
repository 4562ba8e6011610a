"""Two calls have equal signatures if, and only if, TensorFlow takes them for the same."""

from __future__ import annotations

import collections
import decimal
import enum
import fractions
import gc
import random

import pytest

from tracedbg.adapters.tf_function.signature import Leaves, SignatureReader
from tracedbg.events import MappingSpec, ObjectSpec, OpaqueSpec, SequenceSpec, TensorSpec, ValueSpec

from .views import started

tf = pytest.importorskip("tensorflow")
np = pytest.importorskip("numpy")
pytestmark = pytest.mark.tensorflow

Point = collections.namedtuple("Point", "a b")
Other = collections.namedtuple("Point", "a c")


class Plain:
    """Compared by identity."""


class Equal:
    """Compared by value."""

    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return isinstance(other, Equal) and self.value == other.value

    def __hash__(self):
        return hash(self.value)


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


PLAIN = [Plain(), Plain()]
EQUAL = [Equal(1), Equal(1), Equal(2)]
FUNCTIONS = [lambda x: x, lambda x: x]
VARIABLES = [tf.Variable(1.0), tf.Variable(2.0), tf.Variable(1.0, trainable=False), tf.Variable([1.0, 2.0])]
LONG = "x" * 500
LEAVES = [
    lambda: 0, lambda: 1, lambda: 2, lambda: True, lambda: False, lambda: 1.0, lambda: 0.5, lambda: -0.0,
    lambda: float("nan"), lambda: 1j, lambda: 1 + 0j, lambda: 10**300, lambda: None, lambda: "a", lambda: "b",
    lambda: LONG + "a" + LONG, lambda: LONG + "b" + LONG, lambda: b"a", lambda: range(3), lambda: range(0, 3, 1),
    lambda: decimal.Decimal("0.5"), lambda: fractions.Fraction(1, 2), lambda: Ellipsis, lambda: (), list,
    dict, lambda: Colour.RED, lambda: Colour.BLUE, lambda: Level.LOW, lambda: Level.HIGH, lambda: int,
    lambda: float, lambda: frozenset({1}), lambda: frozenset({2}), lambda: np.ones(2, "f4"),
    lambda: np.float32(1), lambda: np.float64(1), lambda: np.int32(1),
    lambda: tf.ones(2), lambda: tf.ones(3), lambda: tf.ones([2, 2]), lambda: tf.constant(1), lambda: tf.constant("s"),
    lambda: tf.ragged.constant([[1], [2, 3]]), lambda: tf.ragged.constant([[1.0], [2.0, 3.0]]),
    lambda: tf.ragged.constant([[[1]], [[2, 3]]]),
    lambda: tf.sparse.from_dense([[1, 0]]), lambda: tf.sparse.from_dense([[1.0, 0]]),
    lambda: tf.IndexedSlices(tf.ones([1, 2]), tf.constant([0])),
    lambda: tf.data.Dataset.range(2), lambda: iter(tf.data.Dataset.range(2)),
    lambda: tf.TensorSpec([2], tf.float32), lambda: tf.float32, lambda: tf.int32,
    *[lambda held=held: held for held in (*PLAIN, *EQUAL, *FUNCTIONS, *VARIABLES)],
]  # fmt: skip


NUMBERS = 13
"""The first so many leaves are numbers, many of them equal across types."""


def structure(rng, depth=0):
    """A random argument: the index of a leaf, or a kind of container with its parts."""
    if depth == 3 or rng.random() < 0.5:
        return rng.randrange(NUMBERS) if rng.random() < 0.4 else rng.randrange(len(LEAVES))
    kind = rng.choice(["list", "tuple", "dict", "point", "other"])
    size = 2 if kind in ("point", "other") else rng.randrange(3)
    return kind, tuple(structure(rng, depth + 1) for _ in range(size))


def built(rng, tree):
    """The argument itself; a dict's keys come in any order."""
    if isinstance(tree, int):
        return LEAVES[tree]()
    kind, parts = tree
    values = [built(rng, part) for part in parts]
    if kind in ("point", "other"):
        return (Point if kind == "point" else Other)(*values)
    if kind == "dict":
        items = list(zip("ab", values, strict=False))
        return dict(rng.sample(items, len(items)))
    return values if kind == "list" else tuple(values)


def altered(rng, tree):
    """The same tree, with one part of it replaced now and then: by a number where there was one."""
    if rng.random() < 0.3:
        return structure(rng) if not isinstance(tree, int) or tree >= NUMBERS else rng.randrange(NUMBERS)
    if isinstance(tree, int):
        return tree
    kind, parts = tree
    return kind, tuple(altered(rng, part) for part in parts)


def compared(seed):
    """Random pairs of calls: for each, whether TensorFlow told them apart, and whether the signatures do."""
    from tensorflow.python.eager.polymorphic_function import function_type_utils as utils

    rng = random.Random(seed)
    reader = SignatureReader()
    for _ in range(60):

        @tf.function(autograph=False)
        def f(x, y):
            return tf.constant(0)

        trees = structure(rng), structure(rng)
        kept = [built(rng, tree) for tree in (*trees, *(altered(rng, tree) for tree in trees))]
        try:
            f.get_concrete_function(*kept[:2])
        except (TypeError, ValueError, NotImplementedError, AttributeError):
            continue  # TensorFlow takes no such argument
        f.get_concrete_function(*kept[2:])

        leaves = Leaves()
        types = [
            utils.make_canonicalized_monomorphic_type(tuple(args), {}, {}, f.function_type)[0]
            for args in (kept[:2], kept[2:])
        ]
        one, two = (reader.read(found, None, f.function_type, leaves) for found in types)
        yield f.experimental_get_tracing_count() == 2, one != two


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.filterwarnings("ignore")
def test_random_pairs_of_calls_are_told_apart_exactly_as_tensorflow_does(seed):
    outcomes = collections.Counter(compared(seed))
    assert set(outcomes) == {(True, True), (False, False)}
    assert min(outcomes.values()) >= 8, outcomes


@pytest.mark.filterwarnings("ignore")
def test_the_random_pairs_notice_a_spelling_that_is_not_tensorflows(monkeypatch):
    monkeypatch.setattr(Leaves, "spell", lambda self, trace_type, make: make(""))
    outcomes = {outcome for seed in range(4) for outcome in compared(seed)}
    assert (False, True) in outcomes


def arguments(sink, *calls):
    """The specs of `x` in each trace that the calls made."""

    @tf.function(autograph=False)
    def f(x=None, *args, **kwargs):
        return tf.constant(0)

    for call in calls:
        call(f)
    return [dict(trace.signature.arguments)["x"] for trace in started(sink, "f")]


def test_leaves_read_as_the_user_wrote_them(sink):
    found = arguments(
        sink,
        lambda f: f(1),
        lambda f: f("a"),
        lambda f: f(None),
        lambda f: f(tf.ones([2, 3])),
        lambda f: f(float("nan")),
        lambda f: f([1, (2,)]),
    )
    assert found == [
        ValueSpec("int", "1"),
        ValueSpec("str", "'a'"),
        ValueSpec("NoneType", "None"),
        TensorSpec("float32", (2, 3)),
        ValueSpec("float", "nan"),
        SequenceSpec("list", (ValueSpec("int", "1"), SequenceSpec("tuple", (ValueSpec("int", "2"),)))),
    ]


def test_equal_values_of_two_types_share_a_trace_and_a_spelling(sink):
    @tf.function(autograph=False)
    def f(flag, n):
        return tf.constant(0)

    f(True, 2)
    f(1, 2)
    f(1, 3)
    first, second = started(sink, "f")
    assert (
        first.signature.arguments[0] == second.signature.arguments[0] == ("flag", ValueSpec("bool", "True"))
    )


def test_mappings_and_records_keep_their_names(sink):
    found = arguments(sink, lambda f: f({"b": 1, "a": 2}), lambda f: f(Point(1, 2)))
    assert found == [
        MappingSpec("dict", ("'a'", "'b'"), (ValueSpec("int", "2"), ValueSpec("int", "1"))),
        MappingSpec("Point", ("a", "b"), (ValueSpec("int", "1"), ValueSpec("int", "2")), is_record=True),
    ]


def test_starred_and_keyword_arguments_have_the_users_names(sink):
    @tf.function(autograph=False)
    def f(x, *rest, scale=1, **more):
        return tf.constant(0)

    f(1, 2, 3, scale=4, extra=5)
    (trace,) = started(sink, "f")
    assert [name for name, _ in trace.signature.arguments] == ["x", "rest[0]", "rest[1]", "scale", "extra"]


def test_objects_are_numbered_and_a_number_is_not_used_again(sink):
    def fresh(f):
        f(Plain())
        gc.collect()

    found = arguments(sink, fresh, fresh, fresh)
    assert all(isinstance(spec, ObjectSpec) and spec.alive for spec in found)
    assert len({spec.identity for spec in found}) == 3


def test_variables_have_their_alias_and_spec(sink):
    @tf.function(autograph=False)
    def f(a, b):
        return tf.constant(0)

    one, two = VARIABLES[0], VARIABLES[1]
    f(one, one)
    f(one, two)
    same, different = ([spec.alias for _, spec in t.signature.arguments] for t in started(sink, "f"))
    assert (same, different) == ([0, 0], [0, 1])
    assert started(sink, "f")[0].signature.arguments[0][1].type_name == "Variable"


def test_other_type_specs_are_told_apart(sink):
    one, two = arguments(
        sink, lambda f: f(tf.data.Dataset.range(2)), lambda f: f(tf.data.Dataset.range(2).batch(2))
    )
    assert isinstance(one, OpaqueSpec)
    assert one.type_name == two.type_name == "DatasetSpec"
    assert one != two


def test_the_context_of_a_call_is_in_its_signature(sink):
    @tf.function(autograph=False)
    def f(x):
        return x

    f(tf.ones(1))
    with tf.Graph().as_default():
        f(tf.ones(1))
    first, second = (dict(trace.signature.context) for trace in started(sink, "f"))
    assert (first["parent_graph"], second["parent_graph"]) == ("eager", "graph #1")
    assert {key for key in first if first[key] != second[key]} == {"parent_graph"}


def test_a_users_repr_and_str_are_not_called(sink):
    class Loud:
        def __repr__(self):
            raise AssertionError("called")

        __str__ = __repr__

    loud = Loud()
    (spec,) = arguments(sink, lambda f: f(loud))
    assert spec.type_name.endswith("Loud")
