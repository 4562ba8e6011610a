"""On each case with a known answer, our events give torch's own numbers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

CASES = Path(__file__).parents[4] / "shared" / "cases"
NAMES = sorted(path.stem for path in CASES.glob("pt_*.py") if "jit_trace" not in path.stem)

pytestmark = [pytest.mark.torch, pytest.mark.shared]


@pytest.mark.parametrize("name", NAMES)
def test_events_count_what_torch_counts(name, shared):
    runner, script = Path(__file__).with_name("run_watched.py"), shared / "cases" / f"{name}.py"
    done = subprocess.run(
        [sys.executable, str(runner), str(script)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["events"] == found["expected"]
    if found["complaint"]:  # some answers hold for torch 2.13 alone
        plain = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
        assert plain.stderr.endswith(found["complaint"])
