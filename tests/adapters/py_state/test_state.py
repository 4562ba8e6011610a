"""Values of the user's as text, and the way to them, without running anything of theirs."""

from __future__ import annotations

import collections
import enum
from types import SimpleNamespace

import pytest

from tracedbg.adapters.py_state.state import MISSING, Step, follow, length_of, text_of


class Colour(enum.Enum):
    RED = 1


class Loud:
    """Everything that could run code of a user's fails."""

    def _fail(self, *_):
        raise AssertionError("code of the user's ran")

    __eq__ = __repr__ = __len__ = __iter__ = __bool__ = __hash__ = _fail

    def __getattr__(self, name):
        raise AssertionError(name)

    @property
    def computed(self):
        raise AssertionError

    plain = 1.0


class Hooked:
    lr = 1.0

    def __getattribute__(self, name):
        raise AssertionError(name)


class Slotted:
    __slots__ = ("empty", "lr")

    def __init__(self):
        self.lr = 0.1


class Child(Slotted):
    lr_of_class = 0.5


def kind(value):
    """A name for a case that asks nothing of the value."""
    return type(value).__name__


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"),
        (True, "True"),
        (1, "1"),
        (1.0, "1.0"),
        ("a", "'a'"),
        ((1,), "(1,)"),
        ([1, "a"], "[1, 'a']"),
        ({"b": 1, "a": [2]}, "{'a': [2], 'b': 1}"),
        ({3, 1}, "{1, 3}"),
        (Colour.RED, "Colour.RED"),
        ([object()], "list of 1"),
        (list(range(99)), "list of 99"),
        (collections.deque([1]), "[1]"),
        (object(), None),
        (len, None),
        (Loud(), None),
        ([Loud()], "list of 1"),
    ],
    ids=kind,
)
def test_text_of_a_value(value, text):
    assert text_of(value) == text


def test_long_texts_are_short_and_still_differ():
    one, two = text_of("x" * 10_000), text_of("x" * 9_999 + "y")
    assert one != two
    assert len(one) < 300
    assert text_of("x" * 10_000) == one


def test_numpy_values():
    np = pytest.importorskip("numpy")
    assert text_of(np.float32(0.5)) == "float32(0.5)"
    assert text_of(np.arange(3)) == "int64 array [0, 1, 2]"
    assert text_of(np.zeros(1000)) is None
    assert text_of(np.empty(1, dtype=object)) is None


def attribute(*names):
    return tuple(map(Step, names))


@pytest.mark.parametrize(
    ("value", "steps", "found"),
    [
        (SimpleNamespace(a=SimpleNamespace(b=1)), attribute("a", "b"), 1),
        (SimpleNamespace(), attribute("missing", "b"), MISSING),
        ({"a": [1, 2]}, (Step("a", is_item=True), Step(-1, is_item=True)), 2),
        ([1], (Step(5, is_item=True),), MISSING),
        (Loud(), attribute("plain"), 1.0),
        (Loud(), attribute("computed"), MISSING),
        (Loud(), attribute("unknown"), MISSING),
        (Hooked(), attribute("lr"), MISSING),
        (Hooked, attribute("lr"), 1.0),
        (Slotted(), attribute("lr"), 0.1),
        (Slotted(), attribute("empty"), MISSING),
        (Child(), attribute("lr_of_class"), 0.5),
        (pytest, attribute("mark", "x"), MISSING),
        (MISSING, attribute("a"), MISSING),
    ],
    ids=kind,
)
def test_the_way_to_a_value(value, steps, found):
    assert follow(value, steps) is found or follow(value, steps) == found


def test_length_of_built_in_containers_only():
    assert (length_of([1, 2]), length_of({}), length_of(Loud()), length_of("ab")) == (2, 0, None, None)
