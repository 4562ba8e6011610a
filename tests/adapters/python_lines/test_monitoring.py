"""`sys.monitoring`, which this suite's own Python may not have: in another interpreter."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.python_lines import cases

ROOT = Path(__file__).parents[3]


def interpreters():
    """Pythons with `sys.monitoring` on this machine, by version; this one where it has it."""
    found = {}
    for version in ("3.12", "3.13", "3.14"):
        if f"{sys.version_info[0]}.{sys.version_info[1]}" == version:
            found[version] = sys.executable
            continue
        versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
        of_pyenv = sorted(versions.glob(f"{version}.*/bin/python{version}"))  # its shims may not run
        there = str(of_pyenv[-1]) if of_pyenv else shutil.which(f"python{version}")
        if there:
            found[version] = there
    return found


FOUND = interpreters()


@pytest.fixture(params=["3.12", "3.13", "3.14"])
def python(request):
    path = FOUND.get(request.param)
    if path is None:
        pytest.skip(f"no Python {request.param} here")

    def run(*arguments):
        environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
        return subprocess.run(
            [path, *arguments], env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    if "." not in run("-c", "import sys; print(sys.version)").stdout:
        pytest.skip(f"{path} is there and does not run")
    return run


def test_the_cases_of_sys_settrace_go_the_same_way(python):
    ran = python("-m", "adapters.python_lines.cases")
    assert (ran.stdout, ran.stderr) == (f"{len(cases.CASES)} cases\n", "")


def test_what_is_special_to_it(python):
    ran = python("-m", "adapters.python_lines.monitoring_program")
    assert (ran.stdout, ran.stderr) == ("all holds\n", "")
