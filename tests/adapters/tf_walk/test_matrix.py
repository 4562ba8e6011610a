"""Programs give bit for bit the same, attached, and armed at every line and op, and are traced as often."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow

TESTS = Path(__file__).parents[2]
SOURCE = (Path(__file__).parent / "programs.py").read_text(encoding="utf-8")
NAMES = [line[4:-3] for line in SOURCE.splitlines() if line.startswith("def ") and line.endswith("():")]
STRATEGIES = [name for name in NAMES if "strategy" in name]  # TensorFlow allows one of a shape in a process
KERAS = [name for name in NAMES if "keras" in name and name not in STRATEGIES]
OTHERS = [name for name in NAMES if name not in STRATEGIES + KERAS]
WITHOUT_LINES = {"saved_model", *STRATEGIES, *KERAS} - {"keras_model_of_ones_own", STRATEGIES[-1]}
"""No line of the user's is in their graphs: they are Keras', or read from a file."""


def run(folder, number, names):
    out = folder / f"{number}.json"
    environment = {**os.environ, "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}"}
    ran = subprocess.run(
        [sys.executable, "-m", "adapters.tf_walk.matrix", str(out), *names],
        env=environment, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-3000:]
    return json.loads(out.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    folder = tmp_path_factory.mktemp("matrix")
    groups = [KERAS, OTHERS, *([name] for name in STRATEGIES)]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(run, [folder] * len(groups), range(len(groups)), groups))
    return {name: row for part in found for name, row in part.items()}


@pytest.mark.parametrize("name", NAMES)
def test_a_program_cannot_tell(told, name):
    for mode, row in told[name].items():
        assert row["difference"] == "", mode
        before, after = row["traces"]
        assert before == after, mode
        assert row["errors"] == [], mode
        if mode != "attached":
            assert row["ops"] >= 4, mode
            assert row["values"] >= row["ops"], mode
    assert told[name]["attached"]["ops"] == 0
    assert (told[name]["armed"]["lines"] > 0) is (name not in WITHOUT_LINES)
