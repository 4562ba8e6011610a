"""What a function's source says that it reads and does outside of itself."""

from __future__ import annotations

import ast
import gc
import logging
import math

import pytest

from tracedbg.adapters.py_state.conditions import decide
from tracedbg.adapters.py_state.facts import NOTHING
from tracedbg.adapters.py_state.reading import facts_of
from tracedbg.adapters.py_state.state import MISSING

scale, flag, seen, table, cfg, tf, use = 1.0, True, [], {}, None, math, print
count = 0


def reads(function):
    return [(read.path.text, read.path.kind) for read in facts_of(function.__code__).reads]


def effects(function):
    return [(effect.text, effect.how) for effect in facts_of(function.__code__).effects]


def test_names_that_are_not_the_functions_own():
    outer = 2.0

    def f(x, y=1):
        local = y
        return x * scale + outer + local + cfg.a.b + cfg["k"][0] + len(table) + x.rate

    assert reads(f) == [
        ("scale", "global"),
        ("outer", "closure"),
        ("cfg.a.b", "attribute"),
        ('cfg["k"][0]', "attribute"),
        ("table", "global"),
        ("x.rate", "attribute"),
    ]


def test_a_parameter_that_is_set_again_is_no_argument_any_more():
    def f(x):
        x = x + 1
        return x.rate

    assert facts_of(f.__code__) is NOTHING


def test_names_of_nested_functions_and_comprehensions():
    def f(x):
        def inner(scale):
            flag = scale
            return flag * cfg

        return [inner(x) + table for table in x], (lambda seen: seen), {count: 1 for count in x}

    assert reads(f) == [("cfg", "global")]


def test_values_that_are_logged_or_name_an_operation_or_start_a_variable():
    def f(x):
        """Text."""
        logging.info("at %s", scale)
        assert scale, f"{scale}"
        y = use(x, name=f"at_{scale}", seed=count)
        with tf.scope(scale):
            pass
        if flag:
            print(scale)
        if flag:
            raise ValueError(scale)
        return y + tf.Variable(scale)

    assert reads(f) == []


def test_a_logarithm_is_no_log():
    def f(x):
        return math.log(scale)

    assert reads(f) == [("scale", "global")]


def test_parts_that_may_not_have_been_evaluated():
    def f(x):
        return (scale if x.sum() else 1.0) + (x.any() and scale)

    assert reads(f) == []


def test_the_proof_of_a_value_is_a_line_that_uses_it():
    def f(x):
        rate = scale
        other = 1
        y = x * other
        return y * rate

    (read,) = facts_of(f.__code__).reads
    first = f.__code__.co_firstlineno
    assert read.line == first + 1
    assert read.spans == [(first + 1, first + 1), (first + 4, first + 4)]


def test_the_proof_of_a_value_in_a_branch_is_inside_of_it():
    def f(x):
        if x.any():
            x = x * scale
        return x

    (read,) = facts_of(f.__code__).reads
    first = f.__code__.co_firstlineno
    assert read.spans == [(first + 2, first + 2)]


def test_conditions_that_can_be_decided_later():
    def f(x):
        if flag and scale > 1:
            x = x + 1
        if x > scale:
            x = x + 1
        return x

    found = facts_of(f.__code__).reads
    assert [(read.path.text, read.test is not None) for read in found] == [
        ("flag", True),
        ("scale", True),
        ("scale", False),
    ]


@pytest.mark.parametrize(
    ("values", "outcome"),
    [
        ({"flag": True, "scale": 2, "cfg": None}, True),
        ({"flag": True, "scale": 1, "cfg": None}, False),
        ({"flag": True, "scale": 2, "cfg": object()}, False),
        ({"flag": MISSING, "scale": 2, "cfg": None}, None),
        ({"flag": True, "scale": "text", "cfg": None}, None),
        ({"flag": object(), "scale": 2, "cfg": None}, None),
    ],
)
def test_a_condition_is_decided_by_plain_values_alone(values, outcome):
    def f(x):
        if flag and scale > 1 and not cfg is not None:
            x = x + 1
        return x

    test = facts_of(f.__code__).reads[0].test
    assert decide(test.expression, lambda node: values[test.paths[node].text]) is outcome


def test_side_effects():
    def f(x):
        global count
        count += 1
        cfg.last = x
        table["k"] = x
        seen.append(x)
        x.items.clear()
        own = []
        own.append(x)
        print("x", x)
        return x

    assert effects(f) == [
        ("count += 1", "add"),
        ("cfg.last = x", "assign"),
        ("table['k'] = x", "assign"),
        ("seen.append(x)", "mutate"),
        ("x.items.clear()", "mutate"),
        ("print('x', x)", "print"),
    ]


def test_side_effects_that_show_tracing():
    def f(x):
        print("Tracing")
        seen.append("compiled")
        return x

    assert effects(f) == []


def test_lambdas_are_told_apart_on_one_line():
    both = (lambda x: x * scale, lambda x: x * count)
    assert [reads(f) for f in both] == [[("scale", "global")], [("count", "global")]]


def test_a_function_without_source():
    names = {}
    exec("def f(x): return x * scale", names)
    assert facts_of(names["f"].__code__) is NOTHING


def test_a_function_is_read_once():
    def f(x):
        return x * scale

    assert facts_of(f.__code__) is facts_of(f.__code__)


def test_nothing_is_collected_while_a_tree_is_built(monkeypatch):
    """A finalizer would let another thread build one meanwhile, and CPython would mix up their depths."""
    collecting, parse = [], ast.parse

    def watched(text):
        collecting.append(gc.isenabled())
        return parse(text)

    def f():
        return scale

    with monkeypatch.context() as patched:
        patched.setattr(ast, "parse", watched)
        found = reads(f)
    assert found == [("scale", "global")]
    assert (collecting, gc.isenabled()) == ([False], True)
