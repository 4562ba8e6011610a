"""What an import may load: proved in fresh interpreters, with a control that the proof can fail."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"torch", "tensorflow", "keras", "textual", "rich", "numpy", "jax"}


def loaded_by(code: str) -> set[str]:
    """Top-level names of the modules that a fresh interpreter has after running `code`."""
    script = f"import sys; before = set(sys.modules)\n{code}\nprint(*sorted(set(sys.modules) - before))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in result.stdout.splitlines()[-1].split()}


@pytest.mark.parametrize(
    "module",
    [
        "tracedbg",
        "tracedbg.api",
        "tracedbg.session",
        "tracedbg.counting",
        "tracedbg.report.cell",
        "tracedbg_callbacks.monitor",
        "tracedbg_metrics.tensorboard",
        "tracedbg_notebook.magic",
        "tracedbg.cli.main",
        "tracedbg.report.text",
        "tracedbg.report.json",
        "tracedbg.explain",
        "tracedbg.store.reader",
        "tracedbg.explain.kernels",
        "tracedbg_kernels.kineto",
        "tracedbg_kernels.nsys",
        "tracedbg_kernels.xplane",
        "tracedbg.adapters.tf_function",
        "tracedbg.adapters.autograph",
        "tracedbg.adapters.torch_compile",
        "tracedbg.adapters.torch_common.activities",
        "tracedbg.adapters.tf_common.activities",
    ],
)
def test_importing_it_loads_no_framework(module):
    assert loaded_by(f"import {module}") & HEAVY == set()


def test_the_proof_notices_a_framework():
    assert "numpy" in loaded_by("import numpy")


def test_the_package_itself_loads_next_to_nothing():
    assert loaded_by("import tracedbg") == {"tracedbg", "__future__"}


def test_every_module_can_be_imported_alone():
    """Import cycles hide behind the order in which modules are usually imported."""
    script = """
import importlib, pkgutil, sys, tracedbg
names = [m.name for m in pkgutil.walk_packages(tracedbg.__path__, "tracedbg.") if not m.name.endswith("__main__")]
for name in names:
    for loaded in [m for m in sys.modules if m.startswith("tracedbg.")]:
        del sys.modules[loaded]
    importlib.import_module(name)
print(len(names))
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) > 20
