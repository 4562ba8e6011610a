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
details = st.just((("device", "cpu"), ("stride", "[1]"), ("requires_grad", "False"), ("trainable", "True")))
tensors = st.builds(
    TensorSpec,
    st.sampled_from(DTYPES),
    st.lists(sizes, max_size=3).map(tuple),
    details=st.one_of(st.just(()), details),
    alias=st.none(),
)
DETAILS = {
    "device": CauseKind.DEVICE,
    "stride": CauseKind.LAYOUT,
    "requires_grad": CauseKind.REQUIRES_GRAD,
    "trainable": CauseKind.ATTRIBUTE_VALUE,
}
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
            for name, _ in spec.details:
                changed = tuple((n, "other" if n == name else v) for n, v in spec.details)
                is_attribute = DETAILS[name] is CauseKind.ATTRIBUTE_VALUE
                inner = f"{path}.{name}" if is_attribute else path
                yield inner, DETAILS[name], replace(spec, details=changed)
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


def changes_of_call(old):
    """Every single change of a signature as a whole: (path, kind, the changed signature)."""
    more = (("more", TensorSpec("float32", (2,))),)
    yield "more", CauseKind.ARGUMENT_COUNT, replace(old, arguments=(*old.arguments, *more))
    if len(old.arguments) > 1:
        yield old.arguments[-1][0], CauseKind.ARGUMENT_COUNT, replace(old, arguments=old.arguments[:-1])
    yield "device_functions", CauseKind.CONTEXT, replace(old, context=(("device_functions", "/gpu:1"),))
    for position, (name, spec) in enumerate(old.arguments):
        for path, kind, changed in changes(spec, name):
            arguments = list(old.arguments)
            arguments[position] = (name, changed)
            yield path, kind, replace(old, arguments=tuple(arguments))


@st.composite
def pairs(draw):
    """A signature, one with a single change, and that change."""
    old = draw(signatures)
    path, kind, new = draw(st.sampled_from(list(changes_of_call(old))))
    return old, new, path, kind


def distance(found):
    return sum(weight(difference.kind) for difference in found)


@settings(max_examples=300, deadline=None)
@given(pairs())
def test_exactly_the_change_that_was_made_is_explained(pair):
    old, new, path, kind = pair
    assert [(d.argument, d.kind) for d in differences(old, new)] == [(path, kind)]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 2), min_size=2, max_size=4))
def test_exactly_what_has_become_the_same_object_is_explained(aliases):
    def called(numbers):
        return Signature(
            tuple((f"x{n}", TensorSpec("float32", (2,), alias=number)) for n, number in enumerate(numbers))
        )

    apart = called(range(10, 10 + len(aliases)))
    found = differences(apart, called(aliases))
    again = [f"x{n}" for n, number in enumerate(aliases) if number in aliases[:n]]
    assert [(d.argument, d.kind) for d in found] == [(path, CauseKind.ALIASING) for path in again]


def test_every_kind_that_a_signature_can_show_is_changed_here():
    spec = SequenceSpec("list", (TensorSpec("float32", (2,), details=tuple((n, "x") for n in DETAILS)),))
    arguments = (("xs", spec), ("n", ValueSpec("int", "2")), ("o", ObjectSpec("Config", 1)))
    changed = {kind for _, kind, _ in changes_of_call(Signature(arguments))}
    of_guards = {
        CauseKind.GLOBAL_VALUE,
        CauseKind.GLOBAL_STATE,
        CauseKind.SYMBOLIC_CONDITION,
        CauseKind.BACKEND,
        CauseKind.NEW_FUNCTION_OBJECT,
        CauseKind.FIRST_CALL,
        CauseKind.UNKNOWN,
        CauseKind.ALIASING,
    }
    assert changed | of_guards == set(CauseKind)
    assert not changed & of_guards


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
