"""Tests that we did not write, run plain and under the tool: what each of them comes to."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from process.compare import TRACEDBG, clean_environment
from process.levels import LEVELS

OWN = Path(__file__).parent / "foreign"
OUTCOME = re.compile(r"^(\S*::\S.*?) (PASSED|FAILED|SKIPPED|ERROR|XFAIL|XPASS)", re.MULTILINE)
INI = "[pytest]\nmarkers =\n    requires_trainable_backend\n    multi_device\n"
PYTEST = [
    "-m",
    "pytest",
    "-v",
    "--rootdir=.",
    "-c",
    "pytest.ini",
    "-W",
    "ignore",
    "-p",
    "no:tracedbg",
    "-p",
    "no:randomly",
    "-p",
    "no:asyncio",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:xdist",
    "-p",
    "no:timeout",
    "--noconftest",
    "--import-mode=importlib",
]


@dataclass(frozen=True)
class Suite:
    """Files of tests, and which of their tests."""

    files: tuple[Path, ...]
    chosen: str = ""
    environment: tuple[tuple[str, str], ...] = ()


def package(name: str) -> Path:
    """Where a package is installed; nothing of it is imported."""
    found = importlib.util.find_spec(name)
    assert found is not None, f"{name} is not installed"
    return Path(str(found.origin)).parent


def keras(*names: str, backend: str = "tensorflow", chosen: str = "") -> Suite:
    source = package("keras") / "src"
    return Suite(tuple(source / name for name in names), chosen, (("KERAS_BACKEND", backend),))


def outcomes(suite: Suite, level: str | None, folder: Path) -> dict[str, str]:
    """Each test with what it came to; at a level of recording, or by plain Python."""
    folder.mkdir(exist_ok=True)
    (folder / "pytest.ini").write_text(INI)
    chosen = ["-k", suite.chosen] if suite.chosen else []
    program = [*PYTEST, *chosen, *map(str, suite.files)]
    command = [sys.executable, *program]
    if level is not None:
        out = str(folder / f"run-{level}")
        command = [
            sys.executable,
            TRACEDBG,
            "run",
            "--no-tui",
            "--quiet",
            "--out",
            out,
            *LEVELS[level],
            *program,
        ]
    environment = {**clean_environment(), "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    ended = subprocess.run(
        command,
        cwd=folder,
        env=environment | dict(suite.environment),
        capture_output=True,
        text=True,
        check=False,
    )
    found = dict(OUTCOME.findall(ended.stdout))
    assert found, ended.stdout[-3000:] + ended.stderr[-3000:]
    return found


_SOME_OPS = "_matmul_ or _add_ or _sort_ or _where_ or _view_ or layer_norm or _unbind_"
_QUICK_MODULES = "no_batch_dim or (Linear or Embedding) and TestModules"
_SLOW_OF_TF = "testGradientTensor or testEmptyGradient or test4DFloat or CompareGpu or RGBToHSVGrad"


def small() -> dict[str, Suite]:
    """What the tests run: about 400 tests."""
    return {
        "torch": Suite((OWN / "torch_own.py",), f"TestPassManager or {_SOME_OPS} or {_QUICK_MODULES}"),
        "tensorflow": Suite((OWN / "tf_own.py",), f"not ({_SLOW_OF_TF})"),
        "keras": keras(
            "models/sequential_test.py",
            "callbacks/early_stopping_test.py",
            "backend/tensorflow/distribute_test.py",
            "layers/core/dense_test.py",
            "layers/layer_test.py",
            chosen="not quantize and not lora and not from_epoch and not epoch_iterator",
        ),
    }


def large() -> dict[str, Suite]:
    """What `python -m benchmarks.foreign_tests` runs: some 1,300 tests."""
    keras_files = (
        "models/sequential_test.py",
        "models/functional_test.py",
        "models/model_test.py",
        "callbacks/early_stopping_test.py",
        "callbacks/backup_and_restore_test.py",
        "callbacks/model_checkpoint_test.py",
        "optimizers/optimizer_test.py",
        "layers/rnn/lstm_test.py",
        "layers/core/dense_test.py",
        "layers/attention/multi_head_attention_test.py",
        "backend/tensorflow/distribute_test.py",
        "backend/tensorflow/saved_model_test.py",
    )
    einops = package("einops") / "tests"
    return {
        "torch": Suite((OWN / "torch_own.py",)),
        "tensorflow": Suite((OWN / "tf_own.py",)),
        "keras": keras(*keras_files),
        "keras on torch": keras(*keras_files[:3], "optimizers/optimizer_test.py", backend="torch"),
        "einops on torch": Suite(
            (einops / "test_layers.py", einops / "test_ops.py"), "", (("EINOPS_TEST_BACKENDS", "torch"),)
        ),
    }
