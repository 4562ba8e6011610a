"""Where the wall time went, of real programs: known times stand at their lines, and next to nothing is unknown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from observed import run_observed
from test_examples import EXAMPLES, line_of

PROGRAM = Path(__file__).parent / "known_times.py"
KNOWN = {
    "sleep": {"waiting"},
    "ops": {"eager_ops"},
    "python": {"python"},
    "compile": {"tracing", "compiling"},
    "run": {"compiled"},
    "load": {"data_loading", "imports"},  # the first one imports what it works with
    "queue": {"waiting"},
}
"""What a line of the program does, by its marker."""


def seconds(shares, activities=None):
    return sum(share["seconds"] for share in shares if activities is None or share["activity"] in activities)


def check_sums(ledger):
    assert seconds(ledger["shares"]) == pytest.approx(ledger["seconds"], abs=1e-6)
    for line in ledger["lines"]:
        assert seconds(line["shares"]) == pytest.approx(line["seconds"], abs=1e-6)
    assert seconds(ledger["shares"], {"unknown"}) <= 0.05 * ledger["seconds"]


@pytest.mark.torch
@pytest.mark.serial
def test_known_times_stand_at_their_lines_to_a_twentieth_of_the_wall_time(tmp_path):
    observed = run_observed(PROGRAM, cwd=tmp_path)
    took = json.loads(observed.stdout)
    main, *workers = observed.report["ledger"]
    check_sums(main)
    assert main["seconds"] == pytest.approx(observed.report["run"]["wall_s"], abs=0.05)
    by_line = {line["line"]: line for line in main["lines"] if line["file"] == str(PROGRAM)}
    limit = 0.05 * main["seconds"]
    for name, activities in KNOWN.items():
        line = by_line[line_of(PROGRAM, name)]
        assert line["seconds"] == pytest.approx(took[name], abs=limit), name
        assert seconds(line["shares"], activities) >= 0.6 * line["seconds"], (name, line["shares"])
    assert len(workers) == 2
    assert all(seconds(one["shares"], {"data_loading"}) >= 0.8 * one["seconds"] for one in workers)


@pytest.mark.torch
def test_tracing_and_compiling_took_what_was_recorded_of_them(tmp_path):
    observed = run_observed(PROGRAM, cwd=tmp_path)
    main = observed.report["ledger"][0]
    recorded = {}
    for function in observed.functions(PROGRAM):
        for phase in function["phases"]:
            if not phase["later"]:
                kind = "compiling" if phase["name"] in ("aot", "backend") else "tracing"
                recorded[kind] = recorded.get(kind, 0.0) + phase["seconds"]
    for kind, spent in recorded.items():
        assert seconds(main["shares"], {kind}) == pytest.approx(spent, abs=0.02 * main["seconds"])


@pytest.mark.torch
def test_the_example_of_the_documentation(tmp_path):
    file = EXAMPLES / "where_time_goes.py"
    observed = run_observed(file, cwd=tmp_path)
    assert (observed.exit_code, observed.stdout) == (0, "done\n")
    assert "Where the time went" in observed.stderr
    (main,) = observed.report["ledger"]
    check_sums(main)
    by_line = {line["line"]: line for line in main["lines"] if line["file"] == str(file)}
    for marker, activity in (("wait", "waiting"), ("matmul", "eager_ops"), ("count", "python")):
        largest = by_line[line_of(file, marker)]["shares"][0]
        assert largest["activity"] == activity


def test_no_samples_are_taken_where_none_are_asked_for(tmp_path):
    (tmp_path / "program.py").write_text("import torch\n")
    observed = run_observed(tmp_path / "program.py", cwd=tmp_path, options=("--rate", "0"))
    assert observed.report["ledger"] == []


@pytest.mark.tensorflow
def test_tracing_of_tensorflow_and_graphs_that_run(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        "import tensorflow as tf\n"
        "@tf.function\n"
        "def f(x):\n"
        "    for _ in range(300):\n"
        "        x = tf.sin(x) + 1\n"
        "    return x\n"
        "x = tf.random.normal([300, 300])\n"
        "f(x)  # @trace\n"
        "for _ in range(60):\n"
        "    f(x)  # @run\n"
    )
    observed = run_observed(program, cwd=tmp_path)
    (main,) = observed.report["ledger"]
    check_sums(main)
    by_line = {line["line"]: line for line in main["lines"] if line["file"] == str(program)}
    traced, ran = by_line[line_of(program, "trace")], by_line[line_of(program, "run")]
    assert seconds(traced["shares"], {"tracing", "compiled"}) >= 0.8 * traced["seconds"]
    (function,) = observed.functions(program)
    assert seconds(main["shares"], {"tracing"}) == pytest.approx(function["seconds"], abs=0.01)
    assert seconds(ran["shares"], {"compiled"}) >= 0.6 * ran["seconds"]
