"""Breakpoints as a person writes them."""

from __future__ import annotations

import sys

import pytest

from tracedbg.engine import FILTERS, Breakpoint, specs
from tracedbg.errors import UsageError

WAYS = f"FILE:LINE, op:PATTERN, or one of {', '.join(FILTERS)}"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with two modules of the same name, and one that is alone."""
    for name in ("a/model.py", "b/model.py", "a/alone.py", "top.py", ".venv/alone.py", "env/alone.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x = 1\ny = 2\n")
    (tmp_path / "env/pyvenv.cfg").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "orig_argv", ["python", "-m", "nothing"])
    return tmp_path.resolve()


def test_a_line_of_a_file_may_carry_hits_a_condition_and_a_message(project):
    made = specs.parse("top.py:2 hits >= 3 if x[1:2] == 'log of' log x is {x} if you like")
    assert made == Breakpoint(
        file=str(project / "top.py"),
        line=2,
        hit_condition=">= 3",
        condition="x[1:2] == 'log of'",
        log_message="x is {x} if you like",
    )


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("op:*relu*", Breakpoint(op_pattern="*relu*")),
        ("op:aten.add if n > 2", Breakpoint(op_pattern="aten.add", condition="n > 2")),
        ("nan", Breakpoint(filter="nan")),
        ("retrace hits 2", Breakpoint(filter="retrace", hit_condition="2")),
        ("inf hits %10", Breakpoint(filter="inf", hit_condition="%10")),
        ("graph_break log {what}", Breakpoint(filter="graph_break", log_message="{what}")),
        ("nan if 'a log b' in s", Breakpoint(filter="nan", condition="'a log b' in s")),
    ],
)
def test_ops_and_events_are_read(spec, expected):
    assert specs.parse(spec) == expected
    assert specs.parse(specs.written(expected)) == expected


def test_a_file_is_found_by_the_end_of_its_path_if_only_one_ends_so(project):
    assert specs.parse("alone.py:1").file == str(project / "a/alone.py")
    assert specs.parse("b/model.py:1").file == str(project / "b/model.py")


def test_a_file_of_a_package_is_found_before_it_is_imported(project, tmp_path_factory, monkeypatch):
    packages = tmp_path_factory.mktemp("site") / "site-packages"
    for name in ("nets/layers/dense_net.py", "nets/train.py", "nets/alone.py", "other/train.py"):
        (packages / name).parent.mkdir(parents=True, exist_ok=True)
        (packages / name).write_text("x = 1\n")
    for package in ("nets", "other"):
        (packages / f"{package}-1.0.dist-info").mkdir()
        listed = [f"{one.relative_to(packages)},sha256=0,6" for one in packages.glob(f"{package}/**/*.py")]
        (packages / f"{package}-1.0.dist-info/RECORD").write_text(
            "\n".join([*listed, f"{package}/gone.py,,"])
        )
    monkeypatch.setattr(sys, "path", ["", str(packages)])
    packages = packages.resolve()
    assert specs.find_file("dense_net.py") == str(packages / "nets/layers/dense_net.py")
    assert specs.find_file("nets/train.py") == str(packages / "nets/train.py")
    assert specs.find_file("alone.py") == str(project / "a/alone.py")
    with pytest.raises(
        UsageError, match=r"^train.py is one of 2 files: .*/nets/train.py, .*/other/train.py; "
    ):
        specs.find_file("train.py")
    with pytest.raises(UsageError, match=r"^no file gone.py in "):
        specs.find_file("gone.py")


def test_a_file_is_found_beside_the_program_that_the_command_line_names(project, monkeypatch):
    monkeypatch.setattr(
        sys, "orig_argv", ["python", "tracedbg", "run", "--break", "model.py:1", "b/model.py"]
    )
    assert specs.parse("model.py:1").file == str(project / "b/model.py")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", f"a breakpoint is empty; give {WAYS}"),
        ("nun", f"no breakpoint is written 'nun'; give {WAYS}"),
        ("op:", "op: needs the name of an op or a pattern, such as op:*relu*"),
        ("top.py:0", "line 0 of top.py: lines are counted from 1"),
        ("top.py:-1", "line -1 of top.py: lines are counted from 1"),
        ("top.py:3", "line 3 of top.py: it has 2 lines"),
        ("top.py:1 if", "'if': a condition must follow 'if'"),
        ("top.py:1 if x >", "condition 'x >' is not a Python expression: invalid syntax"),
        (
            "top.py:1 hits often",
            "hit condition 'often' is not a number, such as 5, >= 5 or % 10",
        ),
        (
            "top.py:1 when x",
            "'when x' is not understood; after the place come hits N, if CONDITION, log MESSAGE",
        ),
        (
            "gone.py:1",
            "no file gone.py in {folder}, beside the program, among its modules, or in an installed package",
        ),
        (
            "model.py:1",
            "model.py is one of 2 files: {folder}/a/model.py, {folder}/b/model.py; give more of its path",
        ),
        ("a:1", "a is a folder; give a file in it"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_way_out(project, spec, message):
    with pytest.raises(UsageError) as caught:
        specs.parse(spec)
    assert str(caught.value) == message.replace("{folder}", str(project))
