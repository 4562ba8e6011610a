"""The adapter of `docs/how-to/add-adapter.md`, as a package that somebody has installed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLE = DOCS / "examples" / "adapter"


@pytest.fixture
def site(tmp_path) -> Path:
    """A folder with the package in it, and what pip writes beside it."""
    folder = tmp_path / "site"
    info = folder / "toyjit_tracedbg-1.0.dist-info"
    info.mkdir(parents=True)
    for name in ("toyjit.py", "toyjit_adapter.py"):
        shutil.copy(EXAMPLE / name, folder)
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    groups = project["entry-points"].items()
    text = "".join(
        f"[{group}]\n" + "".join(f"{n} = {at}\n" for n, at in names.items()) for group, names in groups
    )
    (info / "entry_points.txt").write_text(text)
    return folder


def run(site: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(site), "COLUMNS": "80"}
    command = [sys.executable, *map(str, words)]
    return subprocess.run(
        command, cwd=site.parent, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def observed(site: Path) -> tuple[subprocess.CompletedProcess[str], dict]:
    shutil.copy(EXAMPLE / "train.py", site.parent)
    options = ("--no-tui", "--out", "run", "--json", "report.json")
    done = run(site, "-m", "tracedbg", "run", *options, "train.py")
    return done, json.loads((site.parent / "report.json").read_text())


def test_its_traces_are_reported_with_their_cause(site):
    done, report = observed(site)
    (function,) = report["functions"]
    assert (function["framework"], function["name"], function["traces"], function["retraces"]) == (
        "toyjit",
        "scale",
        2,
        1,
    )
    (cause,) = function["causes"]
    assert cause["message"] == "`batch` changed shape from number[3] to number[2]"
    assert cause["file"] == str(site.parent / "train.py")
    lines = (EXAMPLE / "train.py").read_text().splitlines()
    assert lines[cause["line"] - 1].endswith("# @call")
    assert report["faults"] == []
    assert done.stdout == run(site, site.parent / "train.py").stdout


def test_the_page_shows_what_it_says(site):
    done, _ = observed(site)
    page = (DOCS / "how-to" / "add-adapter.md").read_text()
    (shown,) = re.findall(r"```console\n\$ tracedbg run --no-tui train.py\n(.*?)```", page, re.DOTALL)
    assert shown.startswith(done.stdout)
    assert why_again(shown) == why_again(done.stderr)


def why_again(text: str) -> list[str]:
    """The part of a report that has no times, but for one."""
    _, _, rest = text.partition("Why it was traced again\n")
    return [re.sub(r"\d+\.\d{3} s$", "", line) for line in rest.splitlines()[:3]]


def test_what_it_does_wrong_ends_with_it(site):
    adapter = site / "toyjit_adapter.py"
    adapter.write_text(adapter.read_text().replace("number = sink.new_id()", "number = sink.new_idea()"))
    done, report = observed(site)
    assert (done.returncode, done.stdout) == (0, run(site, site.parent / "train.py").stdout)
    assert report["functions"] == []
    assert [fault["where"] for fault in report["faults"]] == ["toyjit.begin"]


def test_a_report_with_its_name_is_compared(site):
    observed(site)
    done = run(site, "-m", "tracedbg", "diff", "report.json", "report.json")
    assert done.returncode == 0, done.stderr
