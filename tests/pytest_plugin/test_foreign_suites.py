"""Tests that we did not write: the same of them pass and fail with the plugin on and off."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

INI = "[pytest]\nmarkers =\n    requires_trainable_backend\n    multi_device\n"
OUTCOME = re.compile(r"^(\S*::\S.*?) (PASSED|FAILED|SKIPPED|ERROR|XFAIL|XPASS)", re.MULTILINE)


def package(name: str) -> Path:
    """Where a package is installed."""
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        pytest.skip(f"{name} is not installed")
    return Path(found.origin).parent


@pytest.fixture
def outcomes(tmp_path):
    """`outcomes(files, *options)`: each test with its outcome, and pytest's output."""
    (tmp_path / "pytest.ini").write_text(INI)

    def run(files, *options):
        missing = [str(file) for file in files if not file.exists()]
        if missing:
            pytest.skip(f"not in this installation: {', '.join(missing)}")
        others = [word for name in ("randomly", "asyncio", "cacheprovider") for word in ("-p", f"no:{name}")]
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-v",
            "--rootdir=.",
            "-c",
            "pytest.ini",
            "-W",
            "ignore",
            *others,
        ]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
        environment |= {
            "KERAS_BACKEND": "tensorflow",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "CUDA_VISIBLE_DEVICES": "",
        }
        done = subprocess.run(
            [*command, *options, *map(str, files)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return dict(OUTCOME.findall(done.stdout)), done.stdout

    return run


@pytest.mark.tensorflow
def test_those_of_keras(outcomes):
    source = package("keras") / "src"
    files = [source / "models" / "sequential_test.py", source / "callbacks" / "early_stopping_test.py"]
    plain, _ = outcomes(files, "-p", "no:tracedbg")
    observed, text = outcomes(files, "--tracedbg")
    assert len(plain) > 20
    assert set(plain.values()) == {"PASSED"}
    assert observed == plain
    assert "keras/src/backend/tensorflow/trainer.py" in text  # its train step was seen


@pytest.mark.torch
def test_those_of_einops(outcomes, monkeypatch):
    monkeypatch.setenv("EINOPS_TEST_BACKENDS", "torch")
    source = package("einops") / "tests"
    options = ["-k", "layer or mix or torch_compile_with_dynamic_shape", "-p", "no:tracedbg"]
    files = [source / "test_layers.py", source / "test_ops.py"]
    plain, _ = outcomes(files, *options)
    observed, text = outcomes(files, *options[:2], "--tracedbg")
    assert sum(outcome == "PASSED" for outcome in plain.values()) > 5
    assert observed == plain
    assert "einops/layers/torch.py" in text  # scripted layers were seen
