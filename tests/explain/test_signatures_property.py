"""Random signatures with one change made: exactly that change is explained."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tracedbg.events import CauseKind, MappingSpec, ObjectSpec, SequenceSpec, Signature, TensorSpec, ValueSpec
from tracedbg.explain.difference import weight
from tracedbg.explain.nearest import SignatureIndex
from tracedbg.explain.signatures import differences

DTYPES = ("float32", "int64", "string")
NAMES = st.sampled_from(["x", "y", "lr", "batch", "größe"])

sizes = st.integers(2, 9)
tensors = st.builds(
    TensorSpec, st.sampled_from(DTYPES), st.lists(sizes, max_size=3).map(tuple), alias=st.none()
)
values = st.one_of(
    st.integers(2, 99).map(lambda n: ValueSpec("int", repr(n))),
    st.text("ab'\"\\", max_size=3).map(lambda text: ValueSpec("str", repr(text))),
    st.just(ValueSpec("NoneType", "None")),
)
objects = st.builds(ObjectSpec, st.sampled_from(["Config", "Model"]), st.integers(1, 99))


def _containers(parts):
    sequences = st.builds(
        SequenceSpec, st.sampled_from(["list", "tuple"]), st.lists(parts, max_size=3).map(tuple)
    )
    mappings = st.dictionaries(st.sampled_from(["a", "b", "c d"]), parts, max_size=3).map(
        lambda items: MappingSpec("dict", tuple(map(repr, items)), tuple(items.values()))
    )
    records = st.dictionaries(st.sampled_from(["lr", "steps"]), parts, min_size=1, max_size=2).map(
        lambda items: MappingSpec("Config", tuple(items), tuple(items.values()), is_record=True)
    )
    return st.one_of(sequences, mappings, records)


specs = st.recursive(st.one_of(tensors, values, objects), _containers, max_leaves=6)
signatures = st.dictionaries(NAMES, specs, min_size=1, max_size=4).map(
    lambda arguments: Signature(tuple(arguments.items()))
)


def changes(spec, path):
    """Every single change of `spec` that we make: (path, kind, the changed spec)."""
    match spec:
        case TensorSpec():
            yield path, CauseKind.DTYPE, replace(spec, dtype="bool")
            yield path, CauseKind.RANK, replace(spec, shape=(*spec.shape, 7))
            yield path, CauseKind.TENSOR_VS_PYTHON, ValueSpec("int", "3")
            yield path, CauseKind.PYTHON_TYPE, replace(spec, type_name="Variable")
            for dim, size in enumerate(spec.shape):
                shape = (*spec.shape[:dim], size + 1, *spec.shape[dim + 1 :])
                yield path, CauseKind.SHAPE, replace(spec, shape=shape)
        case ValueSpec(type_name="NoneType"):
            yield path, CauseKind.NONE_VS_VALUE, ValueSpec("int", "3")
        case ValueSpec():
            yield path, CauseKind.NONE_VS_VALUE, ValueSpec("NoneType", "None")
            yield path, CauseKind.PYTHON_TYPE, ValueSpec("bytes", "b'x'")
            text = "100" if spec.type_name == "int" else "'other'"
            yield path, CauseKind.PYTHON_VALUE, replace(spec, text=text)
        case ObjectSpec():
            yield path, CauseKind.IDENTITY, replace(spec, identity=100)
        case SequenceSpec():
            yield path, CauseKind.STRUCTURE, replace(spec, items=(*spec.items, ValueSpec("int", "3")))
            yield path, CauseKind.STRUCTURE, replace(spec, type_name="deque")
            for index, item in enumerate(spec.items):
                for inner, kind, changed in changes(item, f"{path}[{index}]"):
                    items = (*spec.items[:index], changed, *spec.items[index + 1 :])
                    yield inner, kind, replace(spec, items=items)
        case MappingSpec():
            if not spec.is_record:
                more = replace(spec, keys=(*spec.keys, "7"), items=(*spec.items, ValueSpec("int", "3")))
                yield path, CauseKind.STRUCTURE, more
            for index, (key, item) in enumerate(zip(spec.keys, spec.items, strict=True)):
                inside = f"{path}.{key}" if spec.is_record else f'{path}["{key[1:-1]}"]'
                for inner, kind, changed in changes(item, inside):
                    items = (*spec.items[:index], changed, *spec.items[index + 1 :])
                    yield inner, kind, replace(spec, items=items)


@st.composite
def pairs(draw):
    """A signature, one with a single change, and that change."""
    old = draw(signatures)
    possible = [
        (position, *change)
        for position, (name, spec) in enumerate(old.arguments)
        for change in changes(spec, name)
    ]
    position, path, kind, changed = draw(st.sampled_from(possible))
    arguments = list(old.arguments)
    arguments[position] = (arguments[position][0], changed)
    return old, Signature(tuple(arguments)), path, kind


def distance(found):
    return sum(weight(difference.kind) for difference in found)


@settings(max_examples=300, deadline=None)
@given(pairs())
def test_exactly_the_change_that_was_made_is_explained(pair):
    old, new, path, kind = pair
    assert [(d.argument, d.kind) for d in differences(old, new)] == [(path, kind)]


@settings(max_examples=100, deadline=None)
@given(signatures)
def test_equal_signatures_do_not_differ(signature):
    assert differences(signature, signature) == ()


@settings(max_examples=100, deadline=None)
@given(st.lists(pairs(), min_size=1, max_size=6))
def test_the_nearest_of_many_differs_no_more_than_the_one_that_was_changed(several):
    index = SignatureIndex()
    for number, (old, *_) in enumerate(several):
        index.add(old, number)
    changed, new, *_ = several[0]
    nearest, found = index.nearest(new, at_ns=10**9)
    assert found == differences(nearest, new)
    assert distance(found) == min(distance(differences(old, new)) for old, *_ in several)
    assert distance(found) <= distance(differences(changed, new))
