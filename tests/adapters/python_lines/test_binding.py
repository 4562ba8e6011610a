"""Which lines breakpoints are bound to, and when."""

from __future__ import annotations

import linecache
import sys

from adapters.python_lines import lines_program as p
from adapters.python_lines.debugged import debugging, line_of
from tracedbg.adapters.python_lines.outlines import outlines, own_lines
from tracedbg.engine import Breakpoint

FILE = p.__file__

MODULE = """\
x = 1

def f(a,
      b=2):
    '''Text.'''
    # @comment

    c = a + b  # @sum

    return c  # @return


class K:
    # @in class
    y = 2  # @y

f(1)  # @call
# @end
"""


def test_a_module_that_was_imported_before_is_bound_at_once():
    with debugging() as debugged:
        on_a_line = debugged.stop_at(FILE, "in add")
        on_a_comment = debugged.stop_at(FILE, "comment in with_gaps")
        assert (on_a_line.is_bound, on_a_line.line) == (True, line_of(FILE, "in add"))
        assert (on_a_comment.is_bound, on_a_comment.line) == (True, line_of(FILE, "after the gap"))
        assert on_a_comment.asked_line == line_of(FILE, "comment in with_gaps")


def test_a_module_that_is_not_run_yet_is_bound_when_it_is(program):
    run = program(MODULE)
    with debugging() as debugged:
        made = {mark: debugged.stop_at(run.file, mark) for mark in ("comment", "return", "in class", "end")}
        assert not any(one.is_bound for one in made.values())
        run()
    wanted = {"comment": "sum", "return": "return", "in class": "y"}
    assert {mark: made[mark].line for mark in wanted} == {
        mark: line_of(run.file, at) for mark, at in wanted.items()
    }
    assert all(made[mark].is_bound for mark in wanted)
    assert not made["end"].is_bound
    assert debugged.script.at == ["y", "sum", "return"]


def test_a_second_breakpoint_in_a_file_that_is_known_is_bound_at_once(program):
    run = program(MODULE)
    run()
    with debugging() as debugged:
        debugged.stop_at(run.file, "sum")
        assert debugged.stop_at(run.file, "comment").line == line_of(run.file, "sum")


def test_code_without_a_file_is_bound_when_it_is_run():
    space = {}
    code = compile("def f():\n    # nothing\n    return 1\n", "<made up>", "exec")
    with debugging() as debugged:
        made = debugged.engine.breakpoints.add(Breakpoint(file="<made up>", line=2))
        exec(code, space)
        assert (made.is_bound, made.line) == (True, 3)
        assert debugged.script.at == []
        space["f"]()
    assert debugged.script.seen == [("breakpoint", "")]


def test_source_that_is_not_python_is_left_alone(program, tmp_path):
    run = program("x = 1  # @x\n")
    run()
    run.file.write_text("this is no Python  # @x\n")
    linecache.checkcache()
    with debugging() as debugged:
        assert not debugged.stop_at(run.file, "x").is_bound


def test_the_lines_of_code_are_those_at_which_python_sends_events():
    told = {}

    def trace(frame, event, arg):
        if event == "line" and frame.f_code.co_filename == "<made up>":
            told.setdefault(frame.f_code, set()).add(frame.f_lineno)
        return trace

    code = compile(MODULE, "<made up>", "exec")
    sys.settrace(trace)
    try:
        exec(code, {"__name__": "made_up"})
    finally:
        sys.settrace(None)
    assert {one.co_name for one in told} == {"<module>", "f", "K"}
    assert {one.co_name: own_lines(one) for one in told} == {
        one.co_name: found for one, found in told.items()
    }


def test_nested_code_comes_before_the_code_that_holds_it():
    code = compile("def f():\n    def g():\n        return 1\n    return g\n", "<made up>", "exec")
    assert [one.function for one in outlines(code)] == ["f.g", "f", "<module>"]
