"""The engine on a walk of a made-up program: where it stops, and how it goes on."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field

import pytest

from tracedbg.debugging import Outline
from tracedbg.engine import Action, Breakpoint, Engine, Go
from tracedbg.errors import UsageError
from tracedbg.events import OpSite

FILE = "/model.py"


@dataclass
class Frame:
    function: str
    line: int
    locals: dict
    file: str = FILE
    is_traced: bool = True
    is_user: bool = True

    def variables(self):
        return self.locals

    def names(self):
        return {"limit": 10}

    def assign(self, name, value):
        self.locals[name] = value


@dataclass
class Op:
    site: OpSite
    index: int
    values: list = field(default_factory=list)

    def inputs(self):
        return []

    def outputs(self):
        return [("out", value) for value in self.values]


@dataclass
class Point:
    line: int
    depth: int = 1
    locals: dict = field(default_factory=dict)
    op: Op | None = None
    walk: object = None
    file: str = FILE
    iteration: int | None = None
    is_backward: bool = False

    def frames(self):
        return [Frame("f", self.line, self.locals)]


@dataclass
class Graph:
    graph: str = "0/0 forward"


class Script:
    """A frontend that answers from a list, and continues when that is at its end."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.stops = []
        self.said = []

    def interact(self, stop):
        self.stops.append(stop)
        return Action(self.answers.pop(0)) if self.answers else Action(Go.CONTINUE)

    def say(self, text, stop=None):
        self.said.append(text)

    @property
    def lines(self):
        return [stop.view.line for stop in self.stops]


def run(engine, points):
    """Walk over lines and ops, as an adapter does."""
    for point in points:
        engine.before_op(point) if point.op else engine.line(point)


def lines(*numbers, depth=1):
    return [Point(number, depth) for number in numbers]


def ops(*names):
    return [Point(1, op=Op(OpSite(name, name), index), walk=Graph()) for index, name in enumerate(names)]


def outline(lines=(), ops=(), spans=()):
    return Outline("f", "0/0 forward", frozenset(lines), frozenset(ops), tuple(spans))


def engine_with(script, *breakpoints):
    engine = Engine(script)
    for wanted in breakpoints:
        engine.breakpoints.add(wanted)
    return engine


def test_it_stops_at_a_line_and_nowhere_else():
    script = Script()
    engine = engine_with(script, Breakpoint(file=FILE, line=2))
    run(engine, lines(1, 2, 3))
    (stop,) = script.stops
    assert (stop.reason, stop.view.line, stop.breakpoint_ids) == ("breakpoint", 2, (1,))
    assert stop.thread_id == threading.get_ident()


@pytest.mark.parametrize(
    ("go", "expected"),
    [(Go.INTO, [2, 20]), (Go.OVER, [2, 3]), (Go.OUT, [2, 9]), (Go.CONTINUE, [2])],
)
def test_a_step_ends_at_the_line_that_it_names(go, expected):
    script = Script(go)
    engine = engine_with(script, Breakpoint(file=FILE, line=2))
    caller = lines(9, depth=0)
    run(engine, [*lines(1, 2), *lines(20, 21, depth=2), *lines(3), *caller])
    assert script.lines == expected


def test_a_step_by_ops_stops_at_each_op():
    script = Script(Go.OP, Go.OP)
    engine = engine_with(script, Breakpoint(op_pattern="add"))
    run(engine, ops("mul", "add", "relu", "sum", "neg"))
    assert [stop.view.op.site.op for stop in script.stops] == ["add", "relu", "sum"]
    assert [stop.reason for stop in script.stops] == ["function breakpoint", "step", "step"]


def test_an_op_is_found_by_its_number_in_one_graph():
    script = Script()
    engine = engine_with(
        script, Breakpoint(op_index=1, graph="0/0 forward"), Breakpoint(op_index=2, graph="0/1")
    )
    run(engine, ops("mul", "add", "relu"))
    assert [(stop.reason, stop.view.op.index) for stop in script.stops] == [("instruction breakpoint", 1)]


def test_a_condition_is_asked_with_the_locals_and_globals_of_the_line():
    script = Script()
    engine = engine_with(script, Breakpoint(file=FILE, line=1, condition="n > limit"))
    run(engine, [Point(1, locals={"n": n}) for n in (9, 10, 11, 12)])
    assert [stop.view.locals["n"] for stop in script.stops] == [11, 12]


def test_a_condition_that_fails_is_told_and_stopped_at():
    script = Script()
    engine = engine_with(script, Breakpoint(file=FILE, line=1, condition="nope"))
    run(engine, lines(1))
    assert script.said == ["condition 'nope': NameError: name 'nope' is not defined"]
    assert script.lines == [1]


@pytest.mark.parametrize(
    ("hits", "expected"),
    [
        ("2", [2]),
        ("== 2", [2]),
        (">= 3", [3, 4]),
        ("> 3", [4]),
        ("< 2", [1]),
        ("<=2", [1, 2]),
        ("% 2", [2, 4]),
    ],
)
def test_a_hit_condition_counts(hits, expected):
    script = Script()
    engine = engine_with(script, Breakpoint(file=FILE, line=1, hit_condition=hits))
    run(engine, [Point(1, locals={"n": n}) for n in (1, 2, 3, 4)])
    assert [stop.view.locals["n"] for stop in script.stops] == expected


def test_a_log_point_says_its_message_and_goes_on():
    script = Script()
    message = "n is {n}, twice {2 * n}"
    engine = engine_with(script, Breakpoint(file=FILE, line=1, log_message=message))
    run(engine, [Point(1, locals={"n": 4})])
    assert script.said == ["n is 4, twice 8"]
    assert script.stops == []


def test_a_log_message_that_fails_is_said_as_it_stands_with_the_error():
    script = Script()
    engine = engine_with(script, Breakpoint(file=FILE, line=1, log_message="n is {n}"))
    run(engine, lines(1))
    assert script.said == ["n is {n} (NameError: name 'n' is not defined)"]


def test_a_breakpoint_for_once_is_gone_after_its_stop():
    script = Script()
    engine = engine_with(script, Breakpoint(file=FILE, line=1, is_once=True))
    run(engine, lines(1, 1))
    assert script.lines == [1]
    assert engine.breakpoints.all == ()


def test_a_filter_stops_at_its_event_only_while_somebody_waits_for_it():
    script = Script()
    engine = Engine(script)
    assert not engine.wants("nan")
    engine.happened("nan", Point(1), "made a NaN")
    waiting = engine.breakpoints.add(Breakpoint(filter="nan"))
    assert engine.wants("nan")
    engine.happened("nan", Point(2), "made a NaN")
    (stop,) = script.stops
    assert (stop.reason, stop.filter, stop.text, stop.view.line) == ("exception", "nan", "made a NaN", 2)
    engine.breakpoints.remove([waiting.id])
    assert not engine.wants("nan")


def test_code_that_a_person_runs_at_a_stop_does_not_stop():
    engine = Engine(None)
    engine.breakpoints.add(Breakpoint(file=FILE, line=5))
    inner = []

    class Asking(Script):
        def interact(self, stop):
            engine.line(Point(5))
            inner.append(engine.wants_walk(outline([(FILE, 5)])))
            return super().interact(stop)

    engine.frontend = script = Asking()
    run(engine, lines(5))
    assert script.lines == [5]
    assert inner == [False]


def test_aborting_raises_in_the_program():
    engine = engine_with(Script(Go.ABORT), Breakpoint(file=FILE, line=1))
    with pytest.raises(KeyboardInterrupt):
        run(engine, lines(1))


def test_a_pause_stops_that_thread_at_its_next_line():
    script = Script()
    engine = Engine(script)
    engine.pause(threading.get_ident())
    assert engine.wants_walk(outline())
    run(engine, lines(1, 2))
    assert [(stop.reason, stop.view.line) for stop in script.stops] == [("pause", 1)]


def test_a_step_belongs_to_its_thread():
    script = Script(Go.INTO)
    engine = engine_with(script, Breakpoint(file=FILE, line=1))
    run(engine, lines(1))
    other = threading.Thread(target=run, args=(engine, lines(2)))
    other.start()
    other.join()
    assert script.lines == [1]
    run(engine, lines(2))
    assert script.lines == [1, 2]


def test_a_call_is_walked_only_if_something_may_stop_in_it():
    engine = Engine(Script())
    graph = outline([(FILE, 1), (FILE, 2)], ["aten.add", "aten.relu"])
    assert not engine.wants_walk(graph)
    for wanted, expected in [
        (Breakpoint(file=FILE, line=2), True),
        (Breakpoint(file=FILE, line=3), False),
        (Breakpoint(op_pattern="*relu*"), True),
        (Breakpoint(op_pattern="*conv*"), False),
        (Breakpoint(filter="nan"), True),
        (Breakpoint(filter="retrace"), False),
    ]:
        made = engine.breakpoints.add(wanted)
        assert engine.wants_walk(graph) is expected, wanted
        engine.breakpoints.remove([made.id])


@pytest.mark.parametrize(
    ("go", "expected"),
    [
        (Go.INTO, [True, True, True, True]),
        (Go.OVER, [True, True, False, False]),
        (Go.OP_OVER, [True, True, False, False]),
        (Go.OUT, [True, False, False, False]),
        (Go.CONTINUE, [False, False, False, False]),
    ],
)
def test_a_step_over_or_out_goes_on_in_a_graph_that_is_no_deeper_than_where_it_began(go, expected):
    engine = engine_with(Script(go), Breakpoint(file=FILE, line=1))
    run(engine, lines(1, depth=2))
    wants = [engine.wants_walk(outline(), depth) for depth in (1, 2, 3)]
    assert [*wants, engine.wants_walk(outline())] == expected
    assert engine.may_walk(outline()) is (go is not Go.CONTINUE)


def test_stepping_by_graph_stops_where_the_next_walk_begins():
    script = Script(Go.GRAPH)
    engine = engine_with(script, Breakpoint(file=FILE, line=1))
    run(engine, lines(1, 2))
    assert engine.wants_walk(outline())
    engine.enter(Point(7))
    assert script.lines == [1, 7]


def test_when_nobody_is_there_any_more_nothing_stops():
    script = Script(Go.INTO)
    engine = engine_with(script, Breakpoint(file=FILE, line=1), Breakpoint(filter="nan"))
    engine.let_go()
    run(engine, lines(1))
    assert script.stops == []


def test_a_step_is_void_when_the_one_who_asked_for_it_has_left():
    script = Script(Go.INTO)
    engine = engine_with(script, Breakpoint(file=FILE, line=1))
    run(engine, lines(1))
    engine.let_go()
    run(engine, lines(2))
    assert script.lines == [1]


def test_adapters_hear_of_each_change():
    engine = Engine(Script())
    heard = []
    engine.breakpoints.on_change(lambda: heard.append(len(engine.breakpoints.all)))
    made = engine.breakpoints.add(Breakpoint(file=FILE, line=1))
    engine.breakpoints.remove([made.id])
    assert heard == [1, 0]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Breakpoint(condition="x >"), "condition 'x >' is not a Python expression: invalid syntax"),
        (Breakpoint(log_message="x={x"), "log message 'x={x': in braces there must be Python expressions"),
        (Breakpoint(hit_condition="often"), "hit condition 'often' is not a number, such as 5, >= 5 or % 10"),
        (
            Breakpoint(filter="nun"),
            "no filter named 'nun'; there are nan, inf, shape, retrace, graph_break, silent_eager, host_sync, error",
        ),
    ],
)
def test_a_breakpoint_that_makes_no_sense_is_refused(wanted, message):
    with pytest.raises(UsageError) as caught:
        Engine(Script()).breakpoints.add(wanted)
    assert str(caught.value) == message


def test_a_breakpoint_on_a_line_that_left_nothing_moves_to_the_next_one_that_did():
    engine = engine_with(Script(), Breakpoint(file=FILE, line=3), Breakpoint(file=FILE, line=30))
    inside, outside = engine.breakpoints.all
    assert not inside.is_bound
    engine.add_outline(outline([(FILE, 2), (FILE, 5), (FILE, 7)], ["add"], [(FILE, 1, 9)]))
    assert (inside.line, inside.asked_line, inside.is_bound) == (5, 3, True)
    assert (outside.line, outside.is_bound) == (30, False)
    assert engine.breakpoints.at_line(FILE, 5) == (inside,)
    late = engine.breakpoints.add(Breakpoint(file=FILE, line=6))
    assert (late.line, late.asked_line, late.is_bound) == (7, 6, True)


def test_a_graph_may_be_walked_while_any_thread_steps_into_calls():
    script = Script(Go.INTO)
    engine = engine_with(script, Breakpoint(file=FILE, line=1, is_once=True))
    changes = []
    engine.on_change(lambda: changes.append(engine.may_walk(outline())))
    run(engine, lines(1))
    assert changes[-1] is True
    answers = []
    other = threading.Thread(target=lambda: answers.append(engine.wants_walk(outline())))
    other.start()
    other.join()
    assert answers == [False]
    run(engine, lines(2))
    assert changes[-1] is False


def test_an_op_that_raises_is_told_with_its_line_turn_and_inputs():
    script = Script()
    engine = engine_with(script, Breakpoint(filter="error"))
    op = Op(OpSite("log", "Log"), 0)
    op.inputs = lambda: [("x", [1, 2])]
    engine.failed(Point(7, op=op, iteration=3), ValueError("not today"))
    text = "/model.py:7, turn 3 of the loop, Log(x [1, 2]): ValueError: not today"
    assert [(stop.reason, stop.filter, stop.text) for stop in script.stops] == [("exception", "error", text)]


def test_an_event_can_be_logged_with_what_has_happened():
    script = Script()
    engine = engine_with(script, Breakpoint(filter="retrace", log_message="again: {what}"))
    engine.happened("retrace", Point(1), "x changed {its} shape")
    assert script.said == ["again: x changed {its} shape"]
    assert script.stops == []


def test_a_comprehension_in_a_condition_sees_the_locals():
    script = Script()
    engine = engine_with(script, Breakpoint(file=FILE, line=1, condition="all(n > one for one in [1, 2])"))
    run(engine, [Point(1, locals={"n": n}) for n in (2, 3)])
    assert [stop.view.locals["n"] for stop in script.stops] == [3]


def test_it_knows_the_threads_that_step_or_are_to_pause():
    engine = Engine(Script(Go.OVER))
    engine.breakpoints.add(Breakpoint(file=FILE, line=2))
    assert engine.stepping() == frozenset()
    run(engine, lines(2))
    assert engine.stepping() == {threading.get_ident()}
    engine.pause(1)
    assert engine.stepping() == {threading.get_ident(), 1}


def test_generated_code_is_known_by_identity_and_only_as_long_as_it_lives():
    engine = Engine(Script())
    code, same = (compile("x = 1", "<string>", "exec") for _ in range(2))
    engine.add_generated(code)
    assert code == same
    assert engine.is_generated(code)
    assert not engine.is_generated(same)
    del code
    assert engine._generated == {}


class Numbers:
    """Lists of floats as tensors."""

    name = "lists"

    def owns(self, value):
        return isinstance(value, list)

    def spec(self, value):
        return "float64", (len(value),)

    def is_bad(self, value, *, infinite):
        return any(map(math.isinf if infinite else math.isnan, value))


INF = math.inf


@pytest.mark.parametrize(
    ("inputs", "outputs", "stops"),
    [
        ([[1.0]], [[2.0]], {}),
        ([[1.0]], [[math.nan]], {"nan": "a NaN"}),
        ([[0.0]], [[-INF]], {"nan": "an infinity", "inf": "an infinity"}),
        ([[-INF]], [[math.nan]], {"nan": "a NaN"}),  # a row that is masked as a whole
        ([[math.nan]], [[math.nan]], {}),
        ([[1.0], -INF], [[-INF]], {"inf": "an infinity"}),  # asked for: masked_fill(mask, -inf)
        ([3], [[INF]], {"inf": "an infinity"}),  # made of no tensor: full(3, inf)
    ],
)
def test_bad_is_what_an_op_has_made_of_numbers_that_were_good(inputs, outputs, stops):
    script = Script()
    engine = engine_with(script, Breakpoint(filter="nan"), Breakpoint(filter="inf"))
    engine.add_tensors(Numbers())
    op = Op(OpSite("log", "Log"), 0, outputs)
    op.inputs = lambda: [(f"x{at}", value) for at, value in enumerate(inputs)]
    engine.before_op(Point(1, op=op))
    engine.after_op(Point(1, op=op))
    told = {stop.filter: stop.text for stop in script.stops}
    assert told == {name: f"Log has made {what} in out; its inputs had none" for name, what in stops.items()}


def test_an_op_that_writes_into_its_input_is_judged_by_what_that_was():
    script = Script()
    engine = engine_with(script, Breakpoint(filter="nan"))
    engine.add_tensors(Numbers())
    value = [0.0]
    op = Op(OpSite("log_", "Tensor.log_"), 0, [value])
    op.inputs = lambda: [("self", value)]
    engine.before_op(Point(1, op=op))
    value[0] = -INF
    engine.after_op(Point(1, op=op))
    assert [stop.filter for stop in script.stops] == ["nan"]


def test_a_line_that_one_trace_has_is_not_moved_by_another():
    engine = engine_with(Script(), Breakpoint(file=FILE, line=3), Breakpoint(file=FILE, line=3))
    first, _ = engine.breakpoints.all
    with_it = outline([(FILE, 3), (FILE, 5)], ["add"], [(FILE, 1, 9)])
    without = outline([(FILE, 2), (FILE, 5)], ["add"], [(FILE, 1, 9)])
    engine.add_outline(with_it)
    engine.add_outline(without)
    assert first.line == 3


def test_a_line_that_was_moved_comes_back_when_a_trace_has_it():
    engine = engine_with(Script(), Breakpoint(file=FILE, line=3))
    (one,) = engine.breakpoints.all
    engine.add_outline(outline([(FILE, 2), (FILE, 5)], ["add"], [(FILE, 1, 9)]))
    assert one.line == 5
    engine.add_outline(outline([(FILE, 3), (FILE, 5)], ["add"], [(FILE, 1, 9)]))
    assert (one.line, one.asked_line) == (3, 3)
    assert engine.breakpoints.at_line(FILE, 3) == (one,)


def test_a_condition_knows_whether_it_is_asked_in_a_backward():
    script = Script()
    engine = engine_with(script, Breakpoint(file=FILE, line=3, condition="is_backward"))
    run(engine, [Point(3), Point(3, is_backward=True)])
    assert [stop.view.is_backward for stop in script.stops] == [True]
    assert script.said == []


def test_only_a_condition_that_names_the_backward_is_about_a_lines_backward():
    engine = engine_with(Script(), Breakpoint(file=FILE, line=3, condition="not is_backwards"))
    assert not engine.stops_in_backward(FILE, 3)
    assert not engine.may_stop_at_ops()
    added = engine.breakpoints.add(Breakpoint(file=FILE, line=3, condition="x and is_backward"))
    assert engine.stops_in_backward(FILE, 3)
    assert engine.may_stop_at_ops()  # a backward of eager ops has no lines but theirs
    assert not engine.stops_in_backward(FILE, 4)
    engine.breakpoints.remove([added.id])
    assert not engine.stops_in_backward(FILE, 3)
