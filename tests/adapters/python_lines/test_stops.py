"""Where breakpoints on Python lines stop, and how a step goes on from there."""

from __future__ import annotations

import functools
import inspect
import os
import sys
import threading
from dataclasses import dataclass

import pytest

from adapters.python_lines import lines_program as p
from adapters.python_lines.cases import CASES, FILE, stops
from adapters.python_lines.debugged import debugging, line_of
from tracedbg.engine import Action, Breakpoint, Go
from tracedbg.frames import LineFrame, depth_of


@pytest.mark.parametrize(("mark", "answers", "run", "expected"), CASES)
def test_a_step_goes_to(mark, answers, run, expected):
    assert stops(mark, answers, run) == expected


def test_a_condition_and_a_hit_count_hold_stops_back():
    assert stops("hot", [], lambda: p.hot(10), condition="i == 7") == ["hot"]
    assert stops("hot", [], lambda: p.hot(10), hit_condition="% 4") == ["hot", "hot"]


def test_a_log_point_says_and_does_not_stop():
    with debugging() as debugged:
        debugged.stop_at(FILE, "hot", log_message="i is {i}")
        p.hot(2)
    assert (debugged.script.said, debugged.script.at) == (["i is 0", "i is 1"], [])


def test_variables_are_those_of_the_line_and_can_be_set():
    def set_y(stop):
        stop.view.frames()[0].assign("y", 40)
        return Action(Go.CONTINUE)

    with debugging(set_y) as debugged:
        debugged.stop_at(FILE, "in add")
        assert p.add(2, 1) == 42
    assert debugged.script.looks == [{"x": 2, "y": 1}]


def test_a_breakpoint_in_code_that_runs_already_stops_there():
    with debugging() as debugged:

        def callback():
            debugged.stop_at(FILE, "handled")
            raise ValueError

        original, p.fail = p.fail, callback
        try:
            p.caught()
        finally:
            p.fail = original
    assert debugged.script.at == ["handled"]


def test_run_to_a_line():
    with debugging(lambda _: Action(Go.TO, FILE, line_of(FILE, "call returns"))) as debugged:
        debugged.stop_at(FILE, "first call")
        p.call(1)
    assert debugged.script.at == ["first call", "call returns"]


def test_nothing_stops_while_suspended_and_nothing_is_counted():
    with debugging() as debugged:
        made = debugged.stop_at(FILE, "in add")
        with debugged.engine.suspended():
            p.add(1, 2)
        assert (debugged.script.at, made.hits) == ([], 0)
        p.add(1, 2)
    assert debugged.script.at == ["in add"]


def test_code_that_a_framework_has_made_is_no_python_line():
    generated = p.add.__code__.replace(co_name="add")
    made = type(p.add)(generated, vars(p))
    with debugging() as debugged:
        debugged.engine.add_generated(generated)
        debugged.stop_at(FILE, "in add")
        assert made(1, 2) == 3
        assert debugged.script.at == []
        p.add(1, 2)
    assert debugged.script.at == ["in add"]


def test_a_breakpoint_in_a_library_stops_and_a_step_goes_on_there():
    import textwrap

    source, first = inspect.getsourcelines(textwrap.shorten)
    at = first + next(n for n, line in enumerate(source) if line.strip().startswith("w = "))
    with debugging(Go.OVER, Go.OVER) as debugged:
        debugged.engine.breakpoints.add(Breakpoint(file=textwrap.__file__, line=at))
        textwrap.shorten("a b", 20)
        after = 1  # @after the library
    assert after
    assert debugged.script.at == [
        "w = TextWrapper(width=width, max_lines=1, **kwargs)",
        "return w.fill(' '.join(text.strip().split()))",
        "after the library",
    ]


def test_abort_raises_in_the_program_and_lines_go_on_to_stop():
    with debugging(Go.ABORT) as debugged:
        debugged.stop_at(FILE, "in add")
        with pytest.raises(KeyboardInterrupt):
            p.add(1, 2)
        if sys.version_info < (3, 12):
            wait_until(lambda: sys.gettrace() is not None)
        p.add(1, 2)
    assert debugged.script.at == ["in add", "in add"]


def wait_until(holds):
    """Run Python until it does: what is waited for is done by another thread."""
    while not holds():
        p.hot(100)


def test_a_fault_of_ours_is_contained_and_told_once():
    with debugging(faults=1) as debugged:
        debugged.engine.line = lambda view: 1 / 0
        debugged.engine.breakpoints.add(Breakpoint(file=FILE, line=line_of(FILE, "in add")))
        assert p.call(1) == 4
    assert debugged.sink.events[0].message == "ZeroDivisionError: division by zero"


@dataclass
class InAGraph:
    """A line of a compiled function, which is run by code of a library far below the user's call."""

    depth: int
    file: str = "/model.py"
    line: int = 1
    walk = op = iteration = None
    is_backward = False

    def frames(self):
        return [LineFrame(self.file, self.line, "compiled")]


def compiled(engine):
    """Runs a compiled function below the frames of a library."""
    engine.line(InAGraph(depth_of(sys._getframe()) + 5))


def test_after_a_stop_in_a_compiled_function_the_caller_stops_at_its_next_line():
    with debugging(Go.OVER, Go.OVER) as debugged:

        def caller():
            functools.reduce(lambda _, engine: compiled(engine), [debugged.engine], None)
            return 1  # @after the compiled call

        debugged.engine.breakpoints.add(Breakpoint(file="/model.py", line=1))
        caller()
        debugged.engine.let_go()
    assert debugged.script.seen[1] == ("step", "after the compiled call")


def test_a_forked_child_goes_on_although_another_thread_was_changing_something():
    with debugging() as debugged:
        made = debugged.stop_at(FILE, "in add")
        listener = debugged.engine._on_change[-1]
        switch = listener.__self__
        has_it, may_go = threading.Event(), threading.Event()

        def hold():
            with switch._locked():
                has_it.set()
                may_go.wait(10)

        holder = threading.Thread(target=hold)
        holder.start()
        assert has_it.wait(10)
        child = os.fork()
        if child == 0:
            debugged.engine.reset_after_fork()
            debugged.hooks.remove()
            os._exit(7 if sys.gettrace() is None else 8)
        may_go.set()
        holder.join()
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        assert made.is_bound


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="sys.monitoring keeps none")
def test_many_code_objects_are_not_kept(monkeypatch):
    monkeypatch.setattr(settrace_module(), "_LIMIT", 10)
    with debugging() as debugged:
        debugged.stop_at(FILE, "in add")
        for number in range(100):
            exec(compile(f"x = {number}", "<made up>", "exec"), {})
        p.add(1, 2)
        notice = debugged.engine._on_change[-1].__self__._notice
        assert len(notice._kept) <= 11
    assert debugged.script.at == ["in add"]


def settrace_module():
    from tracedbg.adapters.python_lines import settrace

    return settrace
