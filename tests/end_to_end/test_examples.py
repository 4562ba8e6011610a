"""The programs of the documentation: each runs as it would alone, and its true causes are named."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from observed import ENVIRONMENT, run_observed, run_plain

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def line_of(file: Path, marker: str) -> int:
    """The line that carries `# @marker`."""
    lines = file.read_text().splitlines()
    return next(number for number, text in enumerate(lines, 1) if text.endswith(f"# @{marker}"))


def observe(name: str, cwd: Path):
    """Run one example both ways, compare, and give its file and what was observed."""
    file = EXAMPLES / name
    plain = run_plain(file, cwd=cwd)
    observed = run_observed(file, cwd=cwd)
    assert plain.exit_code == 0, plain.stderr
    assert (observed.exit_code, observed.stdout) == (plain.exit_code, plain.stdout)
    assert observed.report["faults"] == []
    assert [stale for function in observed.functions() for stale in function["stale"]] == []
    return file, observed


def told(cause: dict) -> tuple:
    return cause["kind"], cause["argument"], cause["before"], cause["after"], cause["line"], cause["count"]


@pytest.mark.torch
def test_a_compiled_train_loop(tmp_path):
    file, observed = observe("torch_train.py", tmp_path)
    (function,) = observed.functions(file)
    assert (function["name"], function["traces"], function["retraces"]) == ("train_step", 4, 3)
    assert function["silent_eager"] is None
    assert {told(cause) for cause in function["causes"]} == {
        ("attribute_value", "net.step_no", "0", "2", line_of(file, "attribute"), 2),
        ("shape", 'batch["x"]', "float32[16, 8]", "float32[7, 8]", line_of(file, "call"), 1),
    }
    (found,) = observed.report["graph_breaks"]
    assert (found["file"], found["line"]) == (str(file), line_of(file, "branch"))
    assert re.fullmatch(r"GB\d{4}", found["code"])


@pytest.mark.tensorflow
def test_a_tf_function_train_loop(tmp_path):
    file, observed = observe("tf_train.py", tmp_path)
    (function,) = observed.functions(file)
    assert (function["name"], function["traces"], function["retraces"]) == ("train_step", 3, 2)
    call = line_of(file, "call")
    assert {told(cause) for cause in function["causes"]} == {
        ("python_value", "lr", "0.1", "0.025", call, 2),
        ("shape", 'batch["x"]', "float32[16, 8]", "float32[7, 8]", call, 1),
        ("shape", 'batch["y"]', "float32[16, 1]", "float32[7, 1]", call, 1),
    }
    (conversion,) = [c for c in observed.report["conversions"] if c["file"] == str(file)]
    became = {
        (construct["line"], construct["kind"]): construct["became"] for construct in conversion["constructs"]
    }
    assert became == {(line_of(file, "branch"), "if"): "cond", (line_of(file, "unrolled"), "for"): "unrolled"}


@pytest.mark.tensorflow
def test_a_keras_fit(tmp_path):
    _, observed = observe("keras_fit.py", tmp_path)
    assert {function["framework"] for function in observed.functions()} == {"tf.function"}
    assert observed.causes() == [], "training and evaluating are two functions, each traced for good reason"


@pytest.mark.torch
def test_a_transformers_model(tmp_path):
    file, observed = observe("transformers_model.py", tmp_path)
    (function,) = observed.functions()
    assert (function["name"], function["traces"], function["retraces"]) == ("BertModel.forward", 2, 1)
    (cause,) = function["causes"]
    assert told(cause) == (
        "shape",
        "input_ids",
        "int64[2, 12]",
        "int64[2, 20]",
        line_of(file, "lengths") + 1,
        1,
    )
    assert cause["file"] == str(file)


@pytest.mark.torch
def test_a_block_recorded_in_process(tmp_path):
    file = EXAMPLES / "record_block.py"
    done = subprocess.run(
        [sys.executable, str(file)],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == ["traces: 2 retraces: 1", "shape x float32[2] -> float32[3]"], (
        done.stderr
    )


def test_every_example_has_a_test():
    tests = [Path(__file__), Path(__file__).parents[1] / "prompt" / "test_how_to.py"]
    tested = {name for file in tests for name in re.findall(r"(\w+\.py)\b", file.read_text())}
    assert {file.name for file in EXAMPLES.glob("*.py")} <= tested
