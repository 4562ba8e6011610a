"""The wheel in an empty environment, with neither framework."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from release.matrix import build_wheel
from tracedbg import __version__

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Made from the sdist, which lies unpacked in the folder `sdist` beside it."""
    return build_wheel(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def empty(wheel, tmp_path_factory) -> Path:
    """The folder of the commands of an environment that has nothing but the wheel."""
    folder = tmp_path_factory.mktemp("empty")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = folder / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    return folder / "bin"


def tracedbg(empty: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [str(empty / "tracedbg"), *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_it_holds_the_package_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {
        "tracedbg",
        "tracedbg_callbacks",
        "tracedbg_kernels",
        "tracedbg_metrics",
        "tracedbg_notebook",
        "tracedbg_pytest",
        "tracedbg_tui",
    }
    plugins = ROOT / "plugins"
    folders = (
        *(ROOT / "tracedbg", ROOT / "tui" / "tracedbg_tui"),
        *sorted(plugins.glob("tracedbg_*")),
    )
    in_tree = {str(path.relative_to(folder.parent)) for folder in folders for path in folder.rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == in_tree
    assert {"tracedbg/py.typed", "tracedbg/explain/causes.md"} <= set(names)
    native = ROOT / "tracedbg" / "adapters" / "torch_ops" / "native"
    assert {name for name in names if name.endswith((".cpp", ".h"))} == {
        str(path.relative_to(ROOT)) for path in native.iterdir()
    }


def test_the_style_and_the_script_of_the_page_are_in_it(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assets = ROOT / "tracedbg" / "report" / "html" / "assets"
    assert {name for name in names if name.endswith((".css", ".js"))} == {
        str(path.relative_to(ROOT)) for path in assets.iterdir()
    }


def test_pytest_finds_the_plugin(wheel):
    archive = zipfile.ZipFile(wheel)
    (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/entry_points.txt")]
    entries = configparser.ConfigParser()
    entries.read_string(archive.read(name).decode())
    assert dict(entries["pytest11"]) == {"tracedbg": "tracedbg_pytest.plugin"}


def test_help_doctor_and_runs_work_without_a_framework(empty, tmp_path):
    assert tracedbg(empty, "--help", cwd=tmp_path).stdout.startswith("usage: tracedbg COMMAND")
    doctor = tracedbg(empty, "doctor", cwd=tmp_path)
    assert doctor.returncode == 0
    assert "torch        not installed: python -m pip install 'tracedbg[torch]'" in doctor.stdout
    assert "tensorflow   not installed: python -m pip install 'tracedbg[tensorflow]'" in doctor.stdout
    assert tracedbg(empty, "runs", cwd=tmp_path).returncode == 0


def test_a_program_runs_and_its_recording_is_reported(empty, tmp_path):
    (tmp_path / "hello.py").write_text("print('hello')")
    done = tracedbg(empty, "run", "--out", "run", "hello.py", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "hello\n")
    assert "the program imported neither torch nor tensorflow" in done.stderr
    assert tracedbg(empty, "report", "run", "--format", "json", cwd=tmp_path).returncode == 0


def test_the_tests_of_the_sdist_run(wheel, tmp_path):
    (unpacked,) = (wheel.parent / "sdist").iterdir()
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    words += [
        "tests/test_identity.py",
        "tests/adapters/test_example_adapter.py::test_what_it_does_wrong_ends_with_it",
    ]
    done = subprocess.run(words, cwd=unpacked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_newest_changes_are_those_of_this_version():
    text = (ROOT / "CHANGELOG.md").read_text()
    headings = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
    assert headings[:2] == ["Unreleased", __version__]
