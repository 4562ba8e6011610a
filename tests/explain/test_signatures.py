"""What differs between two signatures: the kind, the user's path to it, before and after."""

import pytest

from recordings import a_dict, a_list, a_record, signature, tensor, value
from tracedbg.events import CauseKind, ObjectSpec, OpaqueSpec, SequenceSpec, Signature, TensorSpec
from tracedbg.explain.nearest import SignatureIndex
from tracedbg.explain.signatures import differences

K = CauseKind
CONFIG_1, CONFIG_2 = ObjectSpec("Config", 1), ObjectSpec("Config", 2)


def shown(old, new):
    return [(d.kind, d.argument, d.before, d.after) for d in differences(old, new)]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (tensor(2, 3), tensor(4, 3), (K.SHAPE, "x", "float32[2, 3]", "float32[4, 3]")),
        (tensor(2, 3), tensor(None, 3), (K.SHAPE, "x", "float32[2, 3]", "float32[?, 3]")),
        (tensor(2, 3), tensor(3), (K.RANK, "x", "float32[2, 3]", "float32[3]")),
        (tensor(2), TensorSpec("float32", None), (K.RANK, "x", "float32[2]", "float32[...]")),
        (tensor(2), tensor(2, dtype="int32"), (K.DTYPE, "x", "float32[2]", "int32[2]")),
        (
            tensor(2),
            tensor(2, type_name="Variable"),
            (K.PYTHON_TYPE, "x", "float32[2]", "Variable float32[2]"),
        ),
        (
            tensor(2, details=(("device", "cpu"),)),
            tensor(2, details=(("device", "cuda:0"),)),
            (K.DEVICE, "x", "cpu", "cuda:0"),
        ),
        (
            tensor(2, details=(("requires_grad", "False"),)),
            tensor(2, details=(("requires_grad", "True"),)),
            (K.REQUIRES_GRAD, "x", "False", "True"),
        ),
        (
            tensor(2, details=(("trainable", "True"),)),
            tensor(2, details=(("trainable", "False"),)),
            (K.ATTRIBUTE_VALUE, "x.trainable", "True", "False"),
        ),
        (
            tensor(2, details=(("ragged_rank", "1"),)),
            tensor(2, details=(("ragged_rank", "2"),)),
            (K.RANK, "x", "1", "2"),
        ),
        (value(1), value(2), (K.PYTHON_VALUE, "x", "1", "2")),
        (value("a"), value("b"), (K.PYTHON_VALUE, "x", "'a'", "'b'")),
        (value(1), value(1.5), (K.PYTHON_TYPE, "x", "int 1", "float 1.5")),
        (value(None), value(1), (K.NONE_VS_VALUE, "x", "None", "1")),
        (value(None), tensor(2), (K.NONE_VS_VALUE, "x", "None", "float32[2]")),
        (tensor(2), value(None), (K.NONE_VS_VALUE, "x", "float32[2]", "None")),
        (CONFIG_1, value(None), (K.NONE_VS_VALUE, "x", "Config object", "None")),
        (value(1.0), tensor(), (K.TENSOR_VS_PYTHON, "x", "1.0", "float32[]")),
        (CONFIG_1, CONFIG_2, (K.IDENTITY, "x", "Config object", "another Config object")),
        (CONFIG_1, ObjectSpec("Other", 3), (K.PYTHON_TYPE, "x", "Config object", "Other object")),
        (
            ObjectSpec("function", 1, "f (t.py:1)"),
            ObjectSpec("function", 2, "g (t.py:2)"),
            (K.IDENTITY, "x", "f (t.py:1)", "g (t.py:2)"),
        ),
        (a_list(tensor(1)), a_list(tensor(1), tensor(1)), (K.STRUCTURE, "x", "length 1", "length 2")),
        (
            a_list(tensor(1)),
            SequenceSpec("tuple", (tensor(1),)),
            (K.STRUCTURE, "x", "[float32[1]]", "(float32[1])"),
        ),
        (a_list(tensor(1)), tensor(1), (K.STRUCTURE, "x", "[float32[1]]", "float32[1]")),
        (a_dict(a=value(1)), a_dict(a=value(1), b=value(2)), (K.STRUCTURE, "x", "keys 'a'", "keys 'a', 'b'")),
        (a_list(value(1), value(2)), a_list(value(1), value(3)), (K.PYTHON_VALUE, "x[1]", "2", "3")),
        (a_dict(a=value(1)), a_dict(a=value(2)), (K.PYTHON_VALUE, 'x["a"]', "1", "2")),
        (a_record("P", lr=value(1)), a_record("P", lr=value(2)), (K.PYTHON_VALUE, "x.lr", "1", "2")),
        (
            a_list(a_dict(k=a_list(value(2), value(3)))),
            a_list(a_dict(k=a_list(value(2), value(4)))),
            (K.PYTHON_VALUE, 'x[0]["k"][1]', "3", "4"),
        ),
        (OpaqueSpec("Spec", "a"), OpaqueSpec("Spec", "b"), (K.STRUCTURE, "x", "a", "b")),
    ],
)
def test_one_change_has_its_kind_path_and_values(old, new, expected):
    assert shown(signature(x=old), signature(x=new)) == [expected]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (tensor(None, 3), tensor(7, 3)),
        (TensorSpec("float32", None), tensor(7, 3)),
        (value(True), value(1)),
        (value(1), value(1.0)),
        (tensor(2), tensor(2, details=(("name", "x"),))),
        (a_dict(a=value(1), b=value(2)), a_dict(b=value(2), a=value(1))),
        (tensor(2, alias=4), tensor(2, alias=9)),
    ],
)
def test_what_fits_an_earlier_trace_is_no_difference(old, new):
    assert shown(signature(x=old), signature(x=new)) == []


def test_a_relaxed_trace_still_names_what_it_does_not_cover():
    assert shown(signature(x=tensor(None, 3)), signature(x=tensor(7, 4))) == [
        (K.SHAPE, "x", "float32[?, 3]", "float32[7, 4]")
    ]


def test_several_changes_are_all_named():
    old, new = signature(x=tensor(2), n=value(1)), signature(x=tensor(3, dtype="int32"), n=value(2))
    assert [d[:2] for d in shown(old, new)] == [(K.DTYPE, "x"), (K.SHAPE, "x"), (K.PYTHON_VALUE, "n")]


def test_arguments_that_come_and_go_are_counted():
    old, new = signature(x=value(1)), Signature((("x", value(1)), ("args[0]", value(2))))
    assert shown(old, new) == [(K.ARGUMENT_COUNT, "args[0]", "absent", "2")]
    assert shown(new, old) == [(K.ARGUMENT_COUNT, "args[0]", "2", "absent")]


def test_the_same_variable_twice_is_another_key_than_two_variables():
    same = signature(a=tensor(2, alias=0), b=tensor(2, alias=0))
    two = signature(a=tensor(2, alias=0), b=tensor(2, alias=1))
    assert shown(same, two) == [(K.ALIASING, "b", "the same object as a", "an object of its own")]
    assert shown(two, same) == [(K.ALIASING, "b", "an object of its own", "the same object as a")]


def test_one_more_variable_renumbers_the_others_without_a_false_alarm():
    old = signature(xs=a_list(tensor(2, alias=0)), y=tensor(2, alias=1))
    new = signature(xs=a_list(tensor(2, alias=0), tensor(2, alias=1)), y=tensor(2, alias=2))
    assert shown(old, new) == [(K.STRUCTURE, "xs", "length 1", "length 2")]


def test_surroundings_are_part_of_the_key():
    old = signature((("parent_graph", "eager"),), x=value(1))
    new = signature((("parent_graph", "graph #1"),), x=value(1))
    assert shown(old, new) == [(K.CONTEXT, "parent_graph", "eager", "graph #1")]


def nearest(signatures, new):
    index = SignatureIndex()
    for number, earlier in enumerate(signatures):
        index.add(earlier, number)
    found = index.nearest(new, at_ns=len(signatures))
    return found and signatures.index(found[0])


def test_the_earlier_trace_that_differs_least_is_compared():
    near, far = signature(x=tensor(2), n=value(1)), signature(x=tensor(3, dtype="int32"), n=value(5))
    assert nearest([near, far], signature(x=tensor(2), n=value(2))) == 0
    assert nearest([far, near], signature(x=tensor(2), n=value(2))) == 1


def test_the_latest_of_equally_near_ones_is_compared():
    assert nearest([signature(n=value(1)), signature(n=value(2))], signature(n=value(3))) == 1


def test_another_number_of_arguments_is_farther_than_another_value():
    other_count = Signature((("n", value(3)), ("args[0]", value(0))))
    assert nearest([signature(n=value(1)), other_count], signature(n=value(3))) == 0


def test_aliasing_alone_makes_a_distance():
    same = signature(a=tensor(2, alias=0), b=tensor(2, alias=0))
    two = signature(a=tensor(2, alias=0), b=tensor(2, alias=1))
    assert nearest([two, same], two) == 0


def test_a_trace_that_was_under_way_is_not_compared():
    index = SignatureIndex()
    index.add(signature(n=value(1)), since_ns=50)
    assert index.nearest(signature(n=value(2)), at_ns=40) is None
