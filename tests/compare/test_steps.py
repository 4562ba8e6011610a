"""Two runs side by side: which ops meet, what counts as a difference, and which of them is the first."""

from __future__ import annotations

import json
import math

import pytest

from tracedbg.compare import Comparison, Limits, OpRecord, Verdict, compare_steps
from tracedbg.compare.align import align
from tracedbg.compare.comparer import CompareOptions
from tracedbg.compare.data import from_data, to_data
from tracedbg.compare.text import to_text

np = pytest.importorskip("numpy")


@pytest.fixture
def tensors():
    from tracedbg.adapters.numpy_arrays import NumpyTensors

    return NumpyTensors()


def op(name, line, *values, dtype="float32", **fields):
    return OpRecord("/m.py", line, "f", name, tuple(np.array(value, dtype) for value in values), **fields)


def keys(pairs):
    return [
        (one.eager and (one.eager.op, one.eager.line), one.traced and (one.traced.op, one.traced.line))
        for one in pairs
    ]


def test_ops_meet_by_line_and_type_whatever_stands_between_them():
    eager = [op("Mul", 1), op("Sin", 2), op("Sum", 3)]
    traced = [op("Const", 1), op("Mul", 1), op("Sum", 3), op("Sin", 2)]
    assert keys(align(eager, traced)) == [
        (None, ("Const", 1)),
        (("Mul", 1), ("Mul", 1)),
        (("Sin", 2), ("Sin", 2)),
        (("Sum", 3), ("Sum", 3)),
    ]


def test_the_turns_of_a_loop_meet_in_order(tensors):
    eager = [op("Mul", 1, turn) for turn in range(3)]
    traced = [op("Mul", 1, value, iteration=turn) for turn, value in enumerate((0, 1, 5))]
    (found,) = compare_steps(eager, traced, tensors, "graph").differences
    assert (found.iteration, found.difference.left, found.difference.right) == (2, 2.0, 5.0)


def test_an_op_of_the_backward_does_not_meet_one_of_the_forward():
    pairs = align([op("Mul", 1)], [op("Mul", 1, is_backward=True)])
    assert [(one.eager is None, one.traced is None) for one in pairs] == [(False, True), (True, False)]


def test_the_first_that_differs_is_named_before_what_follows_from_it(tensors):
    eager = [op("Mul", 1, 1.0), op("Sin", 2, 2.0), op("Sum", 3, 3.0)]
    traced = [op("Mul", 1, 1.0), op("Sin", 2, 4.0), op("Sum", 3, 5.0)]
    steps = compare_steps(eager, traced, tensors, "graph")
    assert (steps.first().op, steps.first().line, steps.first().verdict) == ("Sin", 2, Verdict.DIFFERS)
    assert (steps.compared, steps.unmatched, len(steps.differences)) == (3, 0, 2)


def test_rounding_drifts_and_does_not_hide_what_differs(tensors):
    eager = [op("MatMul", 1, 1.0), op("Sin", 2, 2.0)]
    traced = [op("MatMul", 1, 1.0 + 1e-6), op("Sin", 2, 2.5)]
    steps = compare_steps(eager, traced, tensors, "optimised")
    assert [one.verdict for one in steps.differences] == [Verdict.DRIFTS, Verdict.DIFFERS]
    assert steps.first().op == "Sin"


@pytest.mark.parametrize(
    ("eager", "traced", "dtype", "verdict"),
    [
        (1.0, 1.0, "float32", None),
        (math.nan, math.nan, "float32", None),
        (1.0, 1.000009, "float32", Verdict.DRIFTS),
        (1.0, 1.0001, "float32", Verdict.DIFFERS),
        (1.0, 1.005, "float16", Verdict.DRIFTS),
        (1.0, 1.000009, "float64", Verdict.DIFFERS),
        (1.0, math.nan, "float32", Verdict.DIFFERS),
        (1, 2, "int32", Verdict.DIFFERS),
        (1000000, 1000001, "int32", Verdict.DIFFERS),
        ([1e3, 1.0], [1e3, 1.005], "float32", Verdict.DRIFTS),
        ([1.0], [1.0, 1.0], "float32", Verdict.DIFFERS),
    ],
)
def test_what_counts_as_rounding(tensors, eager, traced, dtype, verdict):
    steps = compare_steps(
        [op("A", 1, eager, dtype=dtype)], [op("A", 1, traced, dtype=dtype)], tensors, "graph"
    )
    assert [one.verdict for one in steps.differences] == ([] if verdict is None else [verdict])


@pytest.mark.parametrize(
    ("errors", "verdict"),
    [
        ((1e-6, 9e-6), Verdict.DRIFTS),
        ((1e-6, 1.1e-5), Verdict.DIFFERS),
        ((1e-3, 9e-3), Verdict.DRIFTS),
        ((1e-3, 1.1e-2), Verdict.DIFFERS),
        ((0.0, math.nan), Verdict.DIFFERS),
    ],
)
def test_float64_judges_where_it_is_known(tensors, errors, verdict):
    eager, traced = [op("A", 1, 1.0)], [op("A", 1, 2.0)]
    (found,) = compare_steps(eager, traced, tensors, "inductor", errors_of=lambda *_: errors).differences
    assert found.verdict is verdict


def test_a_limit_is_multiplied_by_the_scale(tensors):
    eager, traced = [op("A", 1, 1.0)], [op("A", 1, 1.0001)]
    (found,) = compare_steps(eager, traced, tensors, "graph", limits=Limits(100.0)).differences
    assert found.verdict is Verdict.DRIFTS


def test_a_line_that_only_one_run_has_is_named_once(tensors):
    eager = [op("Cos", 5, 1.0), op("Neg", 5, 1.0), op("Sum", 7, 1.0)]
    traced = [op("Sin", 3, 1.0), op("Sum", 7, 2.0)]
    found = compare_steps(eager, traced, tensors, "graph").differences
    assert [(one.verdict, one.line) for one in found] == [
        (Verdict.ONLY_EAGER, 5),
        (Verdict.ONLY_TRACED, 3),
        (Verdict.DIFFERS, 7),
    ]


def test_ops_that_a_tracer_adds_are_not_named(tensors):
    eager = [op("Mul", 1, 1.0)]
    traced = [op("Const", 9, 1.0), op("Shape", 1, 1.0), op("Mul", 1, 1.0)]
    steps = compare_steps(eager, traced, tensors, "graph", passive={"Const", "Shape"})
    assert (steps.differences, steps.unmatched) == ((), 2)


def test_a_constant_that_was_kept_is_the_cause(tensors):
    eager = [op("Mul", 1, 10.0, inputs=(("x", np.float32(2)), ("y", 5.0)))]
    kept = np.array(1.0, np.float32)
    traced = [op("Mul", 1, 2.0, inputs=(("x", np.float32(2)), ("f/y", kept)), constants=frozenset({1}))]
    (found,) = compare_steps(eager, traced, tensors, "graph").differences
    assert found.cause == "its input y is a constant, kept since it was traced: 1.0; Python gives 5.0 now"


def comparison(tensors):
    eager = [op("Mul", 1, [1.0, math.nan]), op("Sin", 2, [2.0, 1.0])]
    traced = [op("Mul", 1, [1.0, 2.0]), op("Sin", 2, [4.0, 1.0])]
    steps = compare_steps(eager, traced, tensors, "graph")
    return Comparison(
        "f", "/m.py", 1, 2, Verdict.DIFFERS, ("graph",), steps.first(), steps.differences[1:], 2, 0, ("so",)
    )


def test_a_comparison_comes_back_from_json_as_it_was(tensors):
    one = comparison(tensors)
    text = json.dumps(to_data(one), allow_nan=False)
    assert repr(from_data(json.loads(text))) == repr(one)


def test_the_text_names_the_first_line_and_the_stage(tensors):
    assert to_text([comparison(tensors)], "/").splitlines() == [
        "f (m.py:1), call 2: DIFFERS, in the graph, as it was traced",
        "  first at m.py:1 in f",
        "    Mul: at [1] eager nan, traced 2  (float32[2])",
        "    1 of 2 elements; 1 NaN and 0 infinite before, 0 and 0 after",
        "    after it 1 more value: m.py:2 Sin",
        "    note: so",
    ]


def test_the_text_counts_what_is_the_same_and_says_what_was_left_out():
    same = Comparison("f", "/m.py", 1, 1, Verdict.EQUAL, compared=3)
    left = Comparison("g", "/m.py", 9, 1, Verdict.SKIPPED, notes=("it is odd",))
    assert to_text([same, left, same], "/") == (
        "g (m.py:9), call 1: not compared: it is odd\n\n2 calls of f the same bit for bit, 6 values compared"
    )


def test_functions_are_chosen_by_their_name_or_its_last_part():
    options = CompareOptions.from_text(CompareOptions(("step", "Net.*")).to_text())
    names = ["step", "Trainer.step", "Net.call", "other"]
    assert [name for name in names if options.wants(name)] == names[:3]
    assert all(CompareOptions().wants(name) for name in names)
