"""Real pathologies under `tracedbg run`: the program is as without us, and the counts are the framework's.

Each case counts by the framework's own means and prints what it got; it fails by itself if that
is not what its author saw under plain Python.
"""

from __future__ import annotations

import ast
import contextlib
from pathlib import Path

import pytest
from forks import Ended, Forks
from known_causes import CASES, CAUSES, told
from observed import ENVIRONMENT, Observed, calls, everything, flagged, run_observed

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


LIMIT = "recompile_limit"
SILENT = {  # compiled, eager, since_call, kind, function: by hand, from the sources
    "pt_dynamic_false_shapes": (8, 3, 9, LIMIT, "f"),
    "pt_layer_idx": (8, 4, 9, LIMIT, "Layer.forward"),
    "pt_list_grow": (8, 4, 9, LIMIT, "f"),
    "pt_fresh_callable_arg": (8, 4, 9, LIMIT, "f"),
    "pt_backend_object_changes": (8, 4, 9, LIMIT, "f"),
    "pt_first_call_empty_skips_forever": (0, 6, 1, "skipped", "f"),
    "pt_dispatch_mode_disables": (0, 2, 1, "dispatch_mode", "f"),
}


@pytest.fixture(scope="module")
def observed_case(tmp_path_factory):
    """`observed_case(name)`: one run of a case, which several tests look at."""
    known = {}

    def observe(name: str) -> Observed:
        if name not in known:
            known[name] = run_observed(CASES / f"{name}.py", cwd=tmp_path_factory.mktemp(name))
        return known[name]

    return observe


@pytest.fixture(scope="module")
def plain():
    """`plain(framework, case, folder)`: a case by Python alone, in a process that has the framework already."""
    with contextlib.ExitStack() as stack:
        known = {}

        def run(framework: str, case: Path, folder: Path) -> Ended:
            if framework not in known:
                known[framework] = stack.enter_context(Forks(framework, ENVIRONMENT))
            return known[framework].run(case, folder)

        yield run


def _stale(observed: Observed) -> list[tuple]:
    return [
        (found["kind"], found["name"], line_text(found["file"], found["line"]), found["then"], found["now"])
        for function in observed.functions()
        for found in function["stale"]
    ]


def _causes(observed: Observed) -> set[tuple]:
    functions = [f for function in observed.functions() for f in [function, *function["resumes"]]]
    return {told(cause) for function in functions for cause in function["causes"]}


def _cases(pattern: str) -> list:
    found = sorted(CASES.glob(f"{pattern}.py")) or [Path("shared/cases/missing.py")]
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
@pytest.mark.parametrize("case", _cases("tf_*"))
def test_a_tf_case_runs_as_plain_and_its_traces_are_counted_as_tensorflow_counts_them(
    case, tmp_path, plain, observed_case
):
    _skip_if_missing(case)
    alone = plain("tensorflow", case, tmp_path)
    observed = observed_case(case.stem)
    assert (observed.exit_code, observed.stdout) == (alone.exit_code, alone.stdout)
    assert observed.report["faults"] == []
    assert _stale(observed) == ([STALE[case.stem]] if case.stem in STALE else [])
    assert _causes(observed) == {cause.told(case) for cause in CAUSES.get(case.stem, [])}
    counted = _counted_by_the_case(alone.stdout)
    if not counted:
        return
    expected = sum(sum(n) if isinstance(n, list) else n for n in counted.values())
    functions = [f for f in observed.functions() if _is_watched(f, case)]
    assert sum(f["traces"] for f in functions) == expected, observed.report["functions"]


@pytest.mark.torch
@pytest.mark.shared
@pytest.mark.parametrize("case", _cases("pt_*"))
def test_a_torch_case_runs_as_plain_and_its_compiles_are_counted_as_torch_counts_them(
    case, tmp_path, plain, observed_case
):
    _skip_if_missing(case)
    alone = plain("torch", case, tmp_path)
    observed = observed_case(case.stem)
    assert (observed.exit_code, observed.stdout) == (alone.exit_code, alone.stdout)
    assert observed.report["faults"] == []
    assert _stale(observed) == ([STALE[case.stem]] if case.stem in STALE else [])
    assert _causes(observed) == {cause.told(case) for cause in CAUSES.get(case.stem, [])}
    if "compiles" not in alone.stdout:
        return
    counted = _counted_by_the_case(alone.stdout)
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


@pytest.mark.torch
@pytest.mark.shared
@pytest.mark.parametrize("name", SILENT)
def test_a_case_says_how_many_calls_ran_eager_since_which_and_why(name, shared, observed_case):
    case, observed = CASES / f"{name}.py", observed_case(name)
    compiled, eager, since, kind, function = SILENT[name]
    found = {f["name"]: calls(f) for f in observed.functions(case)}
    assert found == {function: (compiled, eager, since, kind)}
    assert f"{eager} of {compiled + eager} calls, since call {since}" in observed.stderr
    assert observed.report["functions"][0]["silent_eager"]["advice"]


@pytest.mark.torch
@pytest.mark.shared
def test_a_limit_that_raises_is_not_silent(shared, observed_case):
    case = CASES / "pt_fullgraph_limit_error.py"
    (function,) = observed_case(case.stem).functions(case)
    assert calls(function) == (8, 0, None, None)
    assert function["limit_hits"] == 1


@pytest.mark.tensorflow
@pytest.mark.shared
def test_a_function_that_autograph_left_unconverted_is_told_of(shared, observed_case):
    functions = observed_case("tf_autograph_no_source").report["functions"]
    (function,) = [f for f in functions if f["silent_eager"]]
    assert (function["name"], function["silent_eager"]["kind"]) == ("g", "unconverted")


@pytest.mark.shared
@pytest.mark.parametrize("case", _cases("*_ok"))
def test_a_control_is_not_flagged(case, shared, observed_case):
    observed = observed_case(case.stem)
    found = list(everything(observed.report))
    assert found
    assert flagged(observed.report) == []
    assert [f["name"] for f in found if f["calls"]["eager"]] == []
    assert all(f["calls"]["compiled"] for f in observed.functions(case) if f["traces"])


def test_nothing_is_flagged_in_a_control():
    flagged = {name for name, causes in CAUSES.items() if not all(cause.settled for cause in causes)}
    assert {name for name in flagged if name.endswith("_ok")} == set()
    assert "tf_spurious_warning_factory" not in CAUSES
