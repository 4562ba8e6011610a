"""TorchScript under `tracedbg run`: in the report with its times, causes and what tracing took for good."""

from __future__ import annotations

from pathlib import Path

import pytest
from observed import run_observed, run_plain

pytestmark = pytest.mark.torch
CASE = Path(__file__).parents[3] / "shared" / "cases" / "pt_jit_trace_baked_branch.py"

PROGRAM = """
import torch, warnings
warnings.simplefilter("ignore")

def scale(x):
    return x * 2

def helper(x):
    return x + 1

@torch.jit.script
def shift(x):
    return helper(x)

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = torch.nn.Linear(3, 3)
    def forward(self, x):
        y = self.lin(x)
        if y.sum() > 100:
            y = y * 2
        return y

for _ in range(3):
    traced = torch.jit.trace(scale, torch.ones(2))  # again and again

torch.jit.trace(Net(), torch.ones(1, 3))
torch.jit.script(Net())
print(shift(torch.ones(1)), traced(torch.ones(2)))
"""


def test_scripted_and_traced_functions_are_in_the_report_with_times_and_causes(tmp_path):
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    plain = run_plain(script, cwd=tmp_path)
    observed = run_observed(script, cwd=tmp_path)
    assert (observed.exit_code, observed.stdout) == (0, plain.stdout)
    assert plain.stderr == ""
    assert observed.report["faults"] == []
    functions = {function["name"]: function for function in observed.functions(script)}
    assert {name: (f["traces"], f["retraces"]) for name, f in functions.items()} == {
        "scale": (3, 2),
        "shift": (1, 0),
        "helper": (1, 0),
        "Net.forward": (2, 0),
    }
    assert {f["framework"] for f in functions.values()} == {"torch.jit"}
    assert all(f["seconds"] >= f["self_seconds"] > 0 for f in functions.values())
    assert functions["shift"]["seconds"] > functions["helper"]["seconds"]

    lines = PROGRAM.splitlines()
    (cause,) = functions["scale"]["causes"]
    assert (cause["kind"], cause["count"]) == ("new_function_object", 2)
    assert lines[cause["line"] - 1].endswith("# again and again")
    assert "torch.jit" in cause["advice"]
    (stale,) = functions["Net.forward"]["stale"]
    assert (stale["kind"], stale["name"], stale["then"]) == ("baked_branch", "y.sum() > 100", "False")
    assert lines[stale["line"] - 1].strip() == "if y.sum() > 100:"


@pytest.mark.shared
def test_the_branch_that_is_baked_in_is_told_with_its_line_and_function(tmp_path):
    if not CASE.exists():
        pytest.skip("needs ../shared/cases, which is not here")
    plain = run_plain(CASE, cwd=tmp_path)
    observed = run_observed(CASE, cwd=tmp_path)
    assert (observed.exit_code, observed.stdout) == (0, plain.stdout)
    (function,) = observed.functions(CASE)
    assert (function["framework"], function["name"], function["traces"]) == ("torch.jit", "f", 1)
    (stale,) = function["stale"]
    assert CASE.read_text().splitlines()[stale["line"] - 1].strip() == "if x.sum() > 0:"
    assert (stale["file"], stale["then"]) == (str(CASE), "True")
