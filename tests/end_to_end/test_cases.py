"""Real pathologies under `tracedbg run`: the program is as without us, and the counts are the framework's.

Each case counts by the framework's own means and prints what it got; it fails by itself if that
is not what its author saw under plain Python.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from known_causes import CASES, CAUSES, told
from observed import Observed, run_observed, run_plain

from tracedbg.events import Framework, Outcome, Role
from tracedbg.source import line_text
from tracedbg.store.reader import Run

STALE = {
    "tf_stale_global": ("global", "scale", "return x * scale", "1.0", "5.0"),
    "tf_mutated_object": ("attribute", "c.scale", "return x * c.scale", "1.0", "9.0"),
    "tf_python_side_effect": ("side_effect", "seen.append(x)", "seen.append(x)", "length 0 to 1", "length 1"),
    "pt_jit_trace_baked_branch": ("baked_branch", "x.sum() > 0", "if x.sum() > 0:", "True", ""),
}
"""Kind, name, source line, then and now of what is stale, by case; all other cases have nothing."""


def _stale(observed: Observed) -> list[tuple]:
    return [
        (found["kind"], found["name"], line_text(found["file"], found["line"]), found["then"], found["now"])
        for function in observed.functions()
        for found in function["stale"]
    ]


def _causes(observed: Observed) -> set[tuple]:
    functions = [f for function in observed.functions() for f in [function, *function["resumes"]]]
    return {told(cause) for function in functions for cause in function["causes"]}


def _cases(prefix: str) -> list:
    found = sorted(CASES.glob(f"{prefix}_*.py")) or [Path("shared/cases/missing.py")]
    return [pytest.param(path, id=path.stem) for path in found]


def _skip_if_missing(case: Path) -> None:
    if not case.exists():
        pytest.skip("needs ../shared/cases, which is not here")


def _is_watched(function: dict, case: Path) -> bool:
    """Whether the case counts it: its own functions, or Keras' predict function."""
    if "keras" in case.stem:
        return function["name"].endswith("make_predict_function.one_step_on_data_distributed")
    return function["framework"] == "tf.function" and function["file"] == str(case)


def _counted_by_the_case(stdout: str) -> dict:
    line = next(line for line in stdout.splitlines() if line.startswith("CASE "))
    return ast.literal_eval(line[line.index("{") :])


@pytest.mark.tensorflow
@pytest.mark.shared
@pytest.mark.parametrize("case", _cases("tf"))
def test_a_tf_case_runs_as_plain_and_its_traces_are_counted_as_tensorflow_counts_them(case, tmp_path):
    _skip_if_missing(case)
    plain = run_plain(case, cwd=tmp_path)
    observed = run_observed(case, cwd=tmp_path)
    assert (observed.exit_code, observed.stdout) == (plain.exit_code, plain.stdout)
    assert observed.report["faults"] == []
    assert _stale(observed) == ([STALE[case.stem]] if case.stem in STALE else [])
    assert _causes(observed) == {cause.told(case) for cause in CAUSES.get(case.stem, [])}
    counted = _counted_by_the_case(plain.stdout)
    if not counted:
        return
    expected = sum(sum(n) if isinstance(n, list) else n for n in counted.values())
    functions = [f for f in observed.functions() if _is_watched(f, case)]
    assert sum(f["traces"] for f in functions) == expected, observed.report["functions"]


@pytest.mark.torch
@pytest.mark.shared
@pytest.mark.parametrize("case", _cases("pt"))
def test_a_torch_case_runs_as_plain_and_its_compiles_are_counted_as_torch_counts_them(case, tmp_path):
    _skip_if_missing(case)
    plain = run_plain(case, cwd=tmp_path)
    observed = run_observed(case, cwd=tmp_path)
    assert (observed.exit_code, observed.stdout) == (plain.exit_code, plain.stdout)
    assert observed.report["faults"] == []
    assert _stale(observed) == ([STALE[case.stem]] if case.stem in STALE else [])
    assert _causes(observed) == {cause.told(case) for cause in CAUSES.get(case.stem, [])}
    if "compiles" not in plain.stdout:
        return
    counted = _counted_by_the_case(plain.stdout)
    with Run.open(str(observed.folder)) as run:
        traces = [trace for process in run.processes for trace in process.traces()]
        fallbacks = [fallback for process in run.processes for fallback in process.fallbacks()]
    compiles = [
        trace.started.label
        for trace in traces
        if trace.started.traceable.framework is Framework.TORCH_COMPILE
        and trace.started.role in {Role.FORWARD, Role.RESUME}
        and trace.ended is not None
        and trace.ended.outcome is not Outcome.FAILED
    ]
    assert compiles == counted["compiles"]
    limits = [fallback for fallback in fallbacks if fallback.kind.endswith("_limit")]
    assert len(limits) == counted["limit_hits"]
    in_report = [f for function in observed.functions() for f in [function, *function["resumes"]]]
    assert sum(f["traces"] for f in in_report if f["framework"] == "torch.compile") == len(compiles)


def test_nothing_is_flagged_in_a_control():
    flagged = {name for name, causes in CAUSES.items() if not all(cause.settled for cause in causes)}
    assert {name for name in flagged if name.endswith("_ok")} == set()
    assert "tf_spurious_warning_factory" not in CAUSES
