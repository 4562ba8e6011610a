"""What can be looked at and set while a thread stands still."""

from __future__ import annotations

import collections
import dataclasses
import sys
import time
import typing

import pytest

from prompt.made_up import Frame, Numbers, NumbersTensors, Op, Point, Walk
from tracedbg.debugging import CannotAssignError
from tracedbg.engine import Stop
from tracedbg.engine import text as texts
from tracedbg.engine.inspector import NOTHING, Inspector
from tracedbg.engine.values import Values
from tracedbg.events import OpSite


def inspector_of(point):
    values = Values()
    values.add(NumbersTensors())
    return Inspector(Stop(1, "breakpoint", point), values)


def looking(**variables):
    return inspector_of(Point([Frame("f", "/model.py", 3, variables)]))


@dataclasses.dataclass
class Config:
    size: int
    names: list


@dataclasses.dataclass
class Quiet:
    size: int

    def __repr__(self):
        return "quiet\n  one"


class Pair(typing.NamedTuple):
    left: int
    right: str


class Slots:
    __slots__ = ("empty", "full")

    def __init__(self):
        self.full = 1


class Raising:
    def __repr__(self):
        raise ValueError("no")


class Leaving:
    def __repr__(self):
        raise SystemExit(3)


ONE_LINE_LOOP = """
class Endless:
    def __repr__(self):
        while True: pass
"""
"""A loop in which no event of a line comes."""
made = {}
exec(ONE_LINE_LOOP, made)
Endless = made["Endless"]


class Megabytes:
    def __repr__(self):
        return "m" * 10_000_000


class LyingList(list):
    def __len__(self):
        raise RuntimeError

    def __iter__(self):
        raise RuntimeError

    def __getitem__(self, index):
        raise RuntimeError


class Meta(type):
    def __getattribute__(cls, name):
        raise RuntimeError(name)


class Hostile(metaclass=Meta):
    @property
    def __class__(self):
        raise RuntimeError

    @property
    def __dict__(self):
        raise RuntimeError

    def __getattribute__(self, name):
        raise RuntimeError(name)


class Watched:
    """A property that must not run."""

    def __init__(self):
        self.asked = 0

    @property
    def cost(self):
        self.asked += 1


def cyclic():
    found = [1]
    found.append(found)
    return found


CASES = [
    (None, "None"),
    (1.5, "1.5"),
    (10**5000, "<int of 16,610 bits>"),
    ("a\x1b[31m\n\u202eb", r"'a\x1b[31m\n\u202eb'"),
    ("x" * 200, f"'{'x' * 120}'... 80 more"),
    (b"\x00q", r"b'\x00q'"),
    ([1, [2, [3, [4]]]], "[1, [2, [3, [... 1 item]]]]"),
    (list(range(1000)), "[0, 1, 2, 3, 4, 5, 6, 7, ... 992 more]"),
    ((1,), "(1,)"),
    (set(), "set()"),
    (frozenset([1]), "frozenset({1})"),
    ({"k": Numbers(1.0, 2.0)}, "{'k': float32[2]}"),
    (collections.OrderedDict(a=1), "OrderedDict({'a': 1})"),
    (collections.deque([1]), "deque([1])"),
    (Config(1, [2]), "Config(size=1, names=[2])"),
    (Quiet(1), "quiet one"),
    (Pair(1, "z"), "Pair(left=1, right='z')"),
    (cyclic(), "[1, ...]"),
    (len, "<function len>"),
    (sys, "<module sys>"),
    (int, "<class int>"),
    (ValueError("x"), "ValueError('x')"),
    (Slots(), "<Slots object>"),
    (Raising(), "<Raising object, its __repr__ raises ValueError>"),
    (Leaving(), "<Leaving object, its __repr__ raises SystemExit>"),
    (Megabytes(), "m" * 237 + "..."),
    (LyingList([1, 2]), "LyingList([1, 2])"),
    (Hostile(), "<Hostile object>"),
    (Hostile, f"<class {__name__}.Hostile>"),
    (Numbers(), "float32[0] cpu"),
    (
        Numbers(-1.0, 3.0, float("nan"), 0.125),
        "float32[4] cpu  min -1 max 3 mean 0.708333  1 NaN  [-1.0, 3.0, nan, 0.125]",
    ),
]


@pytest.mark.parametrize(("value", "text"), CASES, ids=[text[:30] for _, text in CASES])
def test_any_value_is_told_in_one_line(value, text):
    assert looking().text(value) == text


def test_a_repr_that_takes_too_long_is_left_and_not_asked_again(monkeypatch):
    monkeypatch.setattr(texts, "REPR_LIMIT_S", 0.05)
    inspector = looking()
    before = sys.gettrace()
    started = time.monotonic()
    assert inspector.text(Endless()) == "<Endless object, takes over 0.05 s to print>"
    assert inspector.text(Endless()) == "<Endless object, slow to print>"
    assert time.monotonic() - started < 5
    assert sys.gettrace() is before


def told(variables):
    return [(one.name, one.text, one.expression) for one in variables]


def test_the_variables_of_a_module_are_those_of_the_program():
    inspector = looking(__name__="__main__", __file__="/model.py", __x=1, _y=2, z__=3)
    assert [one.name for one in inspector.scope("locals")] == ["__x", "_y", "z__"]


def test_the_scopes_of_a_stop_at_an_op():
    op = Op(OpSite("mul", "aten.mul"), 0, [("a", Numbers(1.0)), ("a", 2)], [])
    inner = Frame("f", "/model.py", 3, {"x": 1})
    outer = Frame("g", "/model.py", 9, {})
    inspector = inspector_of(Point([inner, outer], Walk([op.site]), op, iteration=2))
    assert [(one.name, one.count) for one in inspector.scopes()] == [
        ("Locals", 1),
        ("Op inputs", 2),
        ("Graph", 7),
        ("Globals", 1),
    ]
    assert [one.name for one in inspector.scopes(1)] == ["Locals", "Globals"]
    assert told(inspector.scope("inputs")) == [("a", "float32[1] cpu  [1.0]", ""), ("a (2)", "2", "")]
    assert told(inspector.scope("globals")) == [("limit", "10", "limit")]
    assert [one.text for one in inspector.scope("graph")] == [
        "'Net.forward'",
        "'0/0 forward'",
        "'forward'",
        "'0 of 1: aten.mul'",
        "1",
        "2",
        "('floats may differ in the last digits',)",
    ]


def children(value, *page, expression="v", **options):
    inspector = looking()
    return told(inspector.children(inspector.variable("v", value, expression), *page, **options))


def test_what_is_in_a_value_is_named_by_what_gives_it_again():
    assert children({"a": 1, (1, 2): 3}) == [("'a'", "1", "v['a']"), ("(1, 2)", "3", "")]
    assert children([5, 6]) == [("[0]", "5", "v[0]"), ("[1]", "6", "v[1]")]
    assert children(Config(1, [])) == [("size", "1", "v.size"), ("names", "[]", "v.names")]
    assert children(Slots()) == [("full", "1", "v.full")]
    assert children({7}) == [("[0]", "7", "")]
    assert children(Hostile()) == []
    assert children(LyingList([1])) == [("[0]", "1", "v[0]")]


def test_no_property_runs():
    watched = Watched()
    assert children(watched) == [("asked", "0", "v.asked")]
    assert watched.asked == 0


def test_children_come_in_pages():
    many = list(range(100_000))
    assert children(many, 99_998, 10) == [("[99998]", "99998", "v[99998]"), ("[99999]", "99999", "v[99999]")]
    assert children({n: n for n in range(50)}, 48, 1) == [("48", "48", "v[48]")]
    inspector = looking()
    variable = inspector.variable("x", Numbers(1.0, 2.0, 3.0), "x")
    assert (variable.indexed, variable.is_tensor, variable.type_name) == (3, True, "Numbers")
    assert told(inspector.children(variable, 1, 1, "indexed")) == [("[1]", "2.0", "x[1]")]
    assert [one.name for one in inspector.children(variable)] == [
        *("type", "dtype", "shape", "device", "strides", "count"),
        *("min", "max", "mean", "NaN", "infinities", "zeros", "[0]", "[1]", "[2]"),
    ]


def test_an_expression_sees_the_locals_in_comprehensions_too():
    assert looking(xs=[1, 2], bound=2).value("[x for x in xs if x < bound and x < limit]") == [1]


def test_statements_set_the_variables_of_the_frame():
    variables = {"n": 1, "x": Numbers(1.0, 2.0)}
    inspector = looking(**variables)
    frame = inspector.frames[0]
    assert inspector.run("n += 1; fresh = n * 10; x = 7") is NOTHING
    assert (frame.locals["n"], frame.locals["x"].values) == (2, [7.0, 7.0])
    assert inspector.run("fresh + 1") == 21
    assert "fresh" not in frame.locals
    with pytest.raises(CannotAssignError, match=r"^n cannot be deleted here$"):
        inspector.run("del n")
    with pytest.raises(CannotAssignError, match=r"^\[1\] does not fit float32\[2\]$"):
        inspector.run("x = [1]")


def test_what_a_statement_has_set_before_it_raises_is_set():
    inspector = looking(n=1)
    with pytest.raises(ZeroDivisionError):
        inspector.run("n = 5; 1 / 0")
    assert inspector.frames[0].locals["n"] == 5


def test_a_child_is_set_where_that_is_possible():
    inspector = looking(d={"a": 1}, t=(1,), x=Numbers(1.0, 2.0), c=Config(1, []))
    locals_ = inspector.scopes()[0]
    by_name = {one.name: one for one in inspector.children(locals_)}
    assert inspector.set(locals_, "x", "[3, 4]").text == "float32[2] cpu  min 3 max 4 mean 3.5  [3.0, 4.0]"
    assert inspector.set(by_name["d"], "'a'", "limit + 1").text == "11"
    assert inspector.set(by_name["c"], "size", "9").expression == "c.size"
    assert (inspector.value("d"), inspector.value("c.size")) == ({"a": 11}, 9)
    for parent, name, message in [
        (by_name["t"], "[0]", "TypeError: 'tuple' object does not support item assignment"),
        (by_name["x"], "[0]", "a single element cannot be set; set all of x"),
        (by_name["x"], "min", "min cannot be set"),
        (locals_, "gone", "no variable named 'gone' in f"),
    ]:
        with pytest.raises(CannotAssignError) as caught:
            inspector.set(parent, name, "1")
        assert str(caught.value) == message


def test_tensors_are_compared_in_words():
    inspector = looking(x=Numbers(1.0, 2.0), y=Numbers(1.0, 2.5), z=Numbers(1.0))
    assert inspector.compare_text("x", "x") == "equal, bit for bit"
    assert inspector.compare_text("x", "[1, 2]") == "equal, bit for bit"
    assert inspector.compare_text("x", "y") == (
        "1 of 2 elements differ, by at most 0.5 at [1]: 2 and 2.5 (relative 0.25)"
    )
    assert inspector.compare_text("x", "z") == "different shapes: float32[2] and float32[1]"
    with pytest.raises(ValueError, match=r"^neither is a tensor: 1 and 2$"):
        inspector.compare_text("1", "2")
    assert inspector.window(inspector.value("x"), "1:") == [2.0]
    with pytest.raises(ValueError, match=r"^not a tensor: 3$"):
        inspector.summary(3)
