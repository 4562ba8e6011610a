"""Real pairs of programs: one with a pathology, its twin without; and the guide's own example."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from observed import ENVIRONMENT, run_observed

PAGE = (Path(__file__).parents[2] / "docs/how-to/compare-two-runs.md").read_text(encoding="utf-8")


def tracedbg(*words, cwd):
    command = [sys.executable, "-m", "tracedbg", *map(str, words)]
    done = subprocess.run(command, cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def observe(folder: Path, text: str) -> Path:
    """Run `text` as `train.py` of a project in `folder`; its recording."""
    folder.mkdir()
    (folder / "train.py").write_text(text)
    observed = run_observed("train.py", cwd=folder)
    assert observed.exit_code == 0, observed.stderr
    return observed.folder


def difference(a: Path, b: Path) -> tuple[int, dict]:
    code, out, error = tracedbg("diff", a, b, "--format", "json", cwd=a.parent)
    assert error == ""
    return code, json.loads(out)


def check(tmp_path, with_trouble: str, without: str) -> dict:
    """Compare both ways, and each with itself; what is worse in the one with troubles."""
    bad, good = observe(tmp_path / "bad", with_trouble), observe(tmp_path / "good", without)
    code, better = difference(bad, good)
    assert (code, better["verdict"], better["worse"]) == (0, "better", [])
    for run in (bad, good):
        code, same = difference(run, run)
        assert (code, same["verdict"], same["functions"]) == (0, "same", [])
    code, worse = difference(good, bad)
    assert (code, worse["verdict"]) == (1, "worse")
    return worse


def unchecked(case: Path) -> str:
    """The program of a case without the check of its own counts."""
    return case.read_text().partition("EXPECT =")[0].partition("WATCH =")[0]


@pytest.mark.tensorflow
@pytest.mark.shared
def test_a_tf_function_that_is_given_new_shapes_against_its_fixed_twin(shared, tmp_path):
    bad = unchecked(shared / "cases/tf_shape_change.py")
    spec = "@tf.function(input_signature=[tf.TensorSpec([None])])"
    worse = check(tmp_path, bad, bad.replace("@tf.function", spec))
    found = [(reason["kind"], reason["function"], reason["count"]) for reason in worse["worse"]]
    assert found == [("retraces", "f", 5), ("cause", "f", 1)]
    (function,) = worse["functions"]
    assert (function["file"], function["before"]["traces"], function["after"]["traces"]) == ("train.py", 1, 6)
    (cause,) = function["causes"]
    assert (cause["change"], cause["kind"], cause["argument"]) == ("new", "shape", "x")


@pytest.mark.torch
@pytest.mark.shared
def test_a_compiled_function_that_reaches_its_limit_against_one_with_dynamic_shapes(shared, tmp_path):
    cases = shared / "cases"
    bad, good = (unchecked(cases / f"pt_dynamic_{name}.py") for name in ("false_shapes", "true_ok"))
    worse = check(tmp_path, bad, good)
    found = {(reason["kind"], reason["function"]) for reason in worse["worse"]}
    assert found == {("retraces", "f"), ("cause", "f"), ("silent_eager", "f")}
    (function,) = worse["functions"]
    assert function["silent_eager"]["after"] == "recompile_limit"


@pytest.mark.tensorflow
def test_the_example_of_the_guide(tmp_path):
    before, after = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    commands = re.findall(r"^\$ tracedbg (.*)$", PAGE, re.MULTILINE)
    shown = re.search(r"```text\n(.*?)```", PAGE, re.DOTALL)[1]
    train = tmp_path / "train.py"
    assert len(commands) == 3
    for command, program in zip(commands, (before, after, after), strict=True):
        train.write_text(program)
        code, out, error = tracedbg(*command.split(), cwd=tmp_path)
        assert "tracedbg:" not in error
    assert code == 1
    assert _without_times(out) == _without_times(shown)


def _without_times(text: str) -> list[str]:
    """Without what differs from run to run; the spaces before it go along."""
    times = r"(run )\S+|( *\d+\.\d{3})+ *([+-]\d+%)?|; tracing took longer|, seconds.*"
    return [re.sub(times, r"\1", line) for line in text.splitlines()]
