"""Calls that run eager without a word: how many, since which, and why; and silence where all is well.

Those of the shared cases stand with their other tests, in `test_cases.py`.
"""

from __future__ import annotations

import textwrap

import pytest
from observed import calls, everything, run_observed

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


def observe(name, tmp_path):
    program = tmp_path / f"with_{name}.py"
    program.write_text(textwrap.dedent(PROGRAMS[name]))
    observed = run_observed(program, cwd=tmp_path)
    assert (observed.exit_code, observed.report["faults"]) == (0, []), observed.stderr
    return {f["name"]: calls(f) for f in everything(observed.report)}, observed


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
