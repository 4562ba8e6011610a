"""The lines of operators, told from the order in which their ops ran."""

from __future__ import annotations

import pytest

from tracedbg.adapters.torch_kernels.operators import Anchor, code_at, lines_of

SOURCE = """\
def straight(a, b, n):
    c = a * b
    d = n + 1
    return c * 2 - d

def loop(xs, f):
    for x in xs:
        y = x * 2
        f(
            y
            + 1
        )
    return y * 3

def branch(x):
    if x > 0:
        return -x
    return x[0] / 2

@staticmethod
def decorated(x):
    return x @ x

def silent():
    pass
"""


@pytest.fixture
def lines(tmp_path):
    """`lines(function, line of def, *what ran)`."""
    file = tmp_path / "program.py"
    file.write_text(SOURCE)

    def of(function, line, *ran):
        code = code_at(str(file), function, line)
        return lines_of(code, ran, is_begin=True)

    return of


def test_ops_are_on_the_lines_of_their_operators(lines):
    assert lines("straight", 1, "aten::mul", "aten::mul", "aten::sub") == (2, 4, 4)


def test_an_operator_on_numbers_runs_no_op(lines):
    assert lines("straight", 1, "aten::mul", "aten::sub") == (2, 4)


def test_a_loop_goes_on_at_its_beginning(lines):
    turn = ("aten::mul", "aten::add", Anchor(9))
    assert lines("loop", 6, *turn, *turn, *turn, "aten::mul") == (8, 10, 8, 10, 8, 10, 13)


def test_calls_say_where_the_ops_between_them_are(lines):
    assert lines("loop", 6, Anchor(9), "aten::mul", "aten::add", Anchor(9)) == (8, 10)
    assert lines("loop", 6, Anchor(9), "aten::mul") == (13,)


def test_a_branch_may_be_left_out(lines):
    assert lines("branch", 15, "aten::gt", "aten::is_nonzero", "aten::select", "aten::div") == (
        16,
        16,
        18,
        18,
    )
    assert lines("branch", 15, "aten::gt", "aten::is_nonzero", "aten::neg") == (16, 16, 17)


def test_a_function_is_known_by_the_line_of_its_decorator(lines):
    assert lines("decorated", 20, "aten::matmul") == (22,)


def test_a_function_without_operators_has_its_own_line(lines):
    assert lines("silent", 24, "aten::mul") == (24,)


def test_what_is_no_source_has_no_code(tmp_path):
    (tmp_path / "broken.py").write_text("def f(:\n")
    assert code_at(str(tmp_path / "broken.py"), "f", 1) is None
    assert code_at("<stdin>", "f", 1) is None
