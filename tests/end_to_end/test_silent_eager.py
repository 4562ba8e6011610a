"""Calls that run eager without a word: how many, since which, and why; and silence where all is well."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from observed import run_observed, run_plain

ROOT = Path(__file__).parents[2]
CASES = ROOT.parent / "shared" / "cases"
LIMIT = "recompile_limit"
TORCH = {  # compiled, eager, since_call, kind, function: by hand, from the sources
    "pt_dynamic_false_shapes": (8, 3, 9, LIMIT, "f"),
    "pt_layer_idx": (8, 4, 9, LIMIT, "Layer.forward"),
    "pt_list_grow": (8, 4, 9, LIMIT, "f"),
    "pt_fresh_callable_arg": (8, 4, 9, LIMIT, "f"),
    "pt_backend_object_changes": (8, 4, 9, LIMIT, "f"),
    "pt_first_call_empty_skips_forever": (0, 6, 1, "skipped", "f"),
    "pt_dispatch_mode_disables": (0, 2, 1, "dispatch_mode", "f"),
}
PROGRAMS = {
    "torch": """
        import torch

        class Quiet:
            def __enter__(self):
                return self
            def __exit__(self, *_):
                return False

        @torch.compile(backend="eager")
        def with_block(x):
            with Quiet():
                x = x + 1
                torch._dynamo.graph_break()
            return x * 2

        @torch.compile(backend="eager")
        def healthy(x):
            return x + 1

        @torch.compile(backend="eager")
        def broken_in_two(x):
            x = x + 1
            torch._dynamo.graph_break()
            return x

        for _ in range(5):
            with_block(torch.ones(2))
            healthy(torch.ones(2))
            broken_in_two(torch.ones(2))
        torch.compiler.set_stance("force_eager")
        for _ in range(2):
            healthy(torch.ones(2))
    """,
    "tensorflow": """
        import tensorflow as tf

        @tf.function
        def step(x):
            return x + 1.0

        for size in range(12):
            step(tf.ones(size))
        for _ in range(8):
            step(tf.ones(3))
        tf.config.run_functions_eagerly(True)
        for _ in range(3):
            step(tf.ones(3))
        tf.config.run_functions_eagerly(False)
        step(tf.ones(3))
    """,
}


def calls(function):
    """(compiled, eager, since_call, kind)"""
    numbers, silent = function["calls"], function["silent_eager"] or {"since_call": None, "kind": None}
    return numbers["compiled"], numbers["eager"], silent["since_call"], silent["kind"]


def everything(report):
    for function in report["functions"]:
        yield function
        yield from function["resumes"]


def observe(name, tmp_path):
    program = tmp_path / f"with_{name}.py"
    program.write_text(textwrap.dedent(PROGRAMS[name]))
    observed = run_observed(program, cwd=tmp_path)
    assert (observed.exit_code, observed.report["faults"]) == (0, []), observed.stderr
    return {f["name"]: calls(f) for f in everything(observed.report)}, observed


@pytest.mark.torch
@pytest.mark.shared
@pytest.mark.parametrize("name", TORCH)
def test_a_case_says_how_many_calls_ran_eager_since_which_and_why(name, shared, tmp_path):
    observed = run_observed(CASES / f"{name}.py", cwd=tmp_path)
    compiled, eager, since, kind, function = TORCH[name]
    found = {f["name"]: calls(f) for f in observed.functions(CASES / f"{name}.py")}
    assert found == {function: (compiled, eager, since, kind)}
    assert f"{eager} of {compiled + eager} calls, since call {since}" in observed.stderr
    assert observed.report["functions"][0]["silent_eager"]["advice"]


@pytest.mark.torch
@pytest.mark.shared
def test_a_limit_that_raises_is_not_silent(shared, tmp_path):
    case = CASES / "pt_fullgraph_limit_error.py"
    (function,) = run_observed(case, cwd=tmp_path).functions(case)
    assert calls(function) == (8, 0, None, None)
    assert function["limit_hits"] == 1


@pytest.mark.shared
@pytest.mark.parametrize(
    "case", [pytest.param(p, id=p.stem) for p in sorted(CASES.glob("*_ok.py")) or [CASES / "missing.py"]]
)
def test_a_control_is_not_flagged(case, shared, tmp_path):
    observed = run_observed(case, cwd=tmp_path)
    found = list(everything(observed.report))
    assert found
    assert [f["name"] for f in found if f["silent_eager"]] == []
    assert [f["name"] for f in found if f["calls"]["eager"]] == []
    assert all(f["calls"]["compiled"] for f in observed.functions(case) if f["traces"])


@pytest.mark.parametrize("example", sorted((ROOT / "docs" / "examples").glob("*.py")), ids=lambda p: p.stem)
def test_the_documentations_examples_are_not_flagged(example, tmp_path):
    observed = run_observed(example, cwd=tmp_path)
    assert [f["name"] for f in everything(observed.report) if f["silent_eager"]] == []


@pytest.mark.torch
def test_torch_tells_with_blocks_and_stances_apart_and_leaves_the_rest_of_a_function_in_peace(tmp_path):
    found, _ = observe("torch", tmp_path)
    (rest,) = [name for name in found if "resume" in name]
    assert found == {
        "with_block": (0, 5, 1, "with_block"),
        "healthy": (5, 2, 6, "forced"),
        "broken_in_two": (5, 0, None, None),
        rest: found[rest],
    }
    assert found[rest][2:] == (None, None)


@pytest.mark.tensorflow
def test_tensorflow_tells_of_functions_that_run_eagerly(tmp_path):
    found, observed = observe("tensorflow", tmp_path)
    assert found == {"step": (21, 3, 21, "run_functions_eagerly")}
    assert "3 of 24 calls, since call 21" in observed.stderr


@pytest.mark.tensorflow
@pytest.mark.shared
def test_a_function_that_autograph_left_unconverted_is_told_of(shared, tmp_path):
    case = CASES / "tf_autograph_no_source.py"
    observed = run_observed(case, cwd=tmp_path)
    assert observed.exit_code == run_plain(case, cwd=tmp_path).exit_code
    (function,) = [f for f in observed.report["functions"] if f["silent_eager"]]
    assert (function["name"], function["silent_eager"]["kind"]) == ("g", "unconverted")


@pytest.mark.torch
def test_a_killed_process_keeps_its_counts(tmp_path):
    program = tmp_path / "killed.py"
    program.write_text(
        textwrap.dedent("""
        import os, signal, time, torch

        @torch.compile(backend="eager")
        def f(x):
            return x + 1

        for _ in range(100):
            f(torch.ones(2))
        time.sleep(2)
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    )
    observed = run_observed(program, cwd=tmp_path)
    (function,) = observed.functions(program)
    assert calls(function) == (100, 0, None, None)
