"""Programs of this folder, each run once for all its tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parent / "programs"
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("TRACEDBG_")} | {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "-1",
    "OMP_NUM_THREADS": "1",
    "USE_TF": "0",
    "HF_HUB_OFFLINE": "1",
}


@pytest.fixture(scope="module")
def ran(request, tmp_path_factory):
    """What the program of this module has found out."""
    name = request.module.__name__.rpartition(".")[2].removeprefix("test_")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(PROGRAMS / f"{name}_program.py")],
        cwd=tmp_path_factory.mktemp(name),
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    return json.loads(found[0].removeprefix("RESULT "))
