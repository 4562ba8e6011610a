"""Why a trace happened: the first call, what changed, or a new function object."""

import pytest

from recordings import CALL, Timeline, function, signature, tensor, value
from tracedbg.events import CauseKind, Frame, Framework, GuardFailure, ObjectSpec, Outcome, Role
from tracedbg.explain import Explainer, causes_of, is_retrace

K = CauseKind


@pytest.fixture
def timeline():
    return Timeline()


def kinds(traces):
    explainer = Explainer()
    return [tuple(cause.kind for cause in explainer.next(trace)) for trace in traces]


def test_the_first_trace_is_a_first_call(timeline):
    trace = timeline.trace(signature=signature(n=value(1)))
    (cause,) = causes_of(trace, [])
    assert (cause.kind, cause.message) == (K.FIRST_CALL, "the first call")
    assert not is_retrace(trace, (cause,))


def test_a_changed_value_is_told_in_full(timeline):
    first = timeline.trace(signature=signature(n=value(3)))
    second = timeline.trace(signature=signature(n=value(4)))
    (cause,) = causes_of(second, [first])
    assert (cause.kind, cause.argument, cause.before, cause.after) == (K.PYTHON_VALUE, "n", "3", "4")
    assert (cause.file, cause.line) == (CALL.file, CALL.line)
    assert cause.message == "`n` changed from 3 to 4 (a Python int is part of the trace's key)"
    assert cause.advice.startswith("pass `n` as a tensor: tf.constant(n)")
    assert not cause.settled
    assert is_retrace(second, (cause,))


def test_only_traces_that_were_made_are_compared(timeline):
    failed = timeline.trace(signature=signature(n=value(3)), outcome=Outcome.FAILED)
    under_way = timeline.trace(signature=signature(n=value(3)), ended=False)
    again = timeline.trace(signature=signature(n=value(4)))
    (cause,) = causes_of(again, [failed, under_way])
    assert (cause.kind, cause.message) == (K.FIRST_CALL, "no earlier attempt to trace it succeeded")


def test_a_trace_that_ended_later_is_not_compared(timeline):
    long = timeline.trace(signature=signature(n=value(3)), start_ms=0, took_ms=50)
    (cause,) = causes_of(timeline.trace(signature=signature(n=value(4)), start_ms=20), [long])
    assert cause.kind is K.FIRST_CALL


def test_a_relaxed_trace_is_compared_as_what_it_was_made_for(timeline):
    first = timeline.trace(signature=signature(x=tensor(2, 3)), traced_signature=signature(x=tensor(None, 3)))
    (cause,) = causes_of(timeline.trace(signature=signature(x=tensor(7, 4))), [first])
    assert (cause.kind, cause.before, cause.after) == (K.SHAPE, "float32[?, 3]", "float32[7, 4]")


def test_an_address_that_is_used_again_is_another_object(timeline):
    cfg = signature(cfg=ObjectSpec("Config", 1), n=value(1))
    first, second = timeline.trace(signature=cfg), timeline.trace(signature=cfg)
    assert [(c.kind, c.argument) for c in causes_of(second, [first])] == [(K.IDENTITY, "cfg")]


def test_what_looks_the_same_all_the_same_has_a_sentence(timeline):
    first, second = (timeline.trace(signature=signature(n=value(1))) for _ in range(2))
    (cause,) = causes_of(second, [first])
    assert cause.kind is K.UNKNOWN
    assert cause.message == "the framework gave no reason (the call looks like an earlier one)"


def test_the_second_trace_of_a_first_call_that_makes_variables_is_no_retrace(timeline):
    creating, calling = (("scope_type", "VARIABLE_CREATION"),), (("scope_type", "NO_VARIABLE_CREATION"),)
    traces = [
        timeline.trace(signature=signature(creating, x=tensor(2))),
        timeline.trace(signature=signature(calling, x=tensor(2)), role=Role.VARIABLE_CREATION),
        timeline.trace(signature=signature(calling, x=tensor(3))),
    ]
    assert kinds(traces) == [(K.FIRST_CALL,), (K.FIRST_CALL,), (K.SHAPE,)]


@pytest.mark.parametrize("role", [Role.BACKWARD, Role.DATASET, Role.CHECK])
def test_gradients_dataset_functions_and_checks_are_no_retraces(timeline, role):
    traces = [timeline.trace(signature=signature(x=tensor(n)), role=role) for n in (2, 3)]
    assert kinds(traces) == [(K.FIRST_CALL,), (K.FIRST_CALL,)]


def test_a_function_made_again_in_a_loop_is_named_with_the_line_that_makes_it(timeline):
    made_at = Frame("train.py", 14, "main")
    first, second, third = (
        timeline.trace(function(object_id=n, created_at=made_at), signature(x=tensor(3))) for n in range(3)
    )
    (cause,) = causes_of(third, [first, second])
    assert (cause.kind, cause.file, cause.line) == (K.NEW_FUNCTION_OBJECT, "train.py", 14)
    assert cause.message == "`step` is a new function object, and 2 others have a trace that fits this call"


@pytest.mark.parametrize(
    ("of", "called_with", "options"),
    [
        ({"closure_id": "w=#2"}, signature(x=tensor(3)), ()),
        ({}, signature(x=tensor(4)), ()),
        ({}, signature(x=tensor(3)), (("jit_compile", "True"),)),
        ({"name": "other"}, signature(x=tensor(3)), ()),
        ({"line": 99}, signature(x=tensor(3)), ()),
    ],
    ids=["other closure", "other call", "other options", "other name", "other line"],
)
def test_a_function_made_for_a_reason_is_a_first_call(timeline, of, called_with, options):
    first = timeline.trace(function(object_id=1, closure_id=""), signature(x=tensor(3)))
    second = timeline.trace(function(**{"object_id": 2, **of}), called_with, options=options)
    assert [cause.kind for cause in causes_of(second, [first])] == [K.FIRST_CALL]


def test_code_objects_of_one_place_are_not_taken_for_one_function(timeline):
    torch = Framework.TORCH_COMPILE
    first = timeline.trace(function(framework=torch, object_id=1))
    second = timeline.trace(function(framework=torch, object_id=2))
    assert [cause.kind for cause in causes_of(second, [first])] == [K.FIRST_CALL]


def test_failed_guards_decide_where_there_are_some(timeline):
    in_f = Frame("model.py", 12, "f")
    failures = (
        GuardFailure("0/1", "6 <= L['x'].size()[0]", "L['x']", now="3", user_frame=in_f),
        GuardFailure("0/0", "tensor 'L['x']' dtype mismatch. expected Float, actual Double"),
    )
    trace = timeline.trace(
        function(framework=Framework.TORCH_COMPILE), guard_failures=failures, cached_count=2
    )
    (cause,) = causes_of(trace, [])
    assert (cause.kind, cause.argument, cause.file, cause.line) == (K.SYMBOLIC_CONDITION, "x", "model.py", 12)


def test_a_value_that_came_in_by_the_call_is_shown_where_the_call_was_made(timeline):
    failure = GuardFailure("0/0", "L['n'] == 3", "L['n']", "3", "4", Frame("model.py", 12, "f"))
    trace = timeline.trace(function(framework=Framework.TORCH_COMPILE), guard_failures=(failure,))
    (cause,) = causes_of(trace, [])
    assert (cause.file, cause.line) == (CALL.file, CALL.line)


def test_a_recompile_without_any_reason_says_so(timeline):
    trace = timeline.trace(function(framework=Framework.TORCH_COMPILE), cached_count=1)
    (cause,) = causes_of(trace, [])
    assert cause.kind is K.UNKNOWN
    assert cause.message == "the framework gave no reason (nor any guard that failed)"


def test_without_a_call_stack_the_function_itself_is_the_line(timeline):
    (cause,) = causes_of(timeline.trace(call_stack=()), [])
    assert (cause.file, cause.line) == (function().file, function().line)
