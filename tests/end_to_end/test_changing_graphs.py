"""The page on graphs that change shows what its program really says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from observed import ENVIRONMENT

pytest.importorskip("torch")
pytestmark = pytest.mark.torch

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "how-to/find-changing-graphs.md").read_text(encoding="utf-8")
EXAMPLE = DOCS / "examples/changing_graphs.py"


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """What the example says, as in the folder of the example."""
    import torch

    from tracedbg.adapters.torch_ops import building

    try:
        building.load(building.Torch.of(torch), print)
    except building.UnbuildableError as error:
        pytest.skip(f"no observer of ops: {error}")
    folder = tmp_path_factory.mktemp("observed") / "run"
    command = [
        sys.executable,
        "-m",
        "tracedbg",
        "run",
        "--ops",
        "--no-tui",
        "--out",
        str(folder),
        EXAMPLE.name,
    ]
    done = subprocess.run(
        command,
        cwd=EXAMPLE.parent,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
    return done.stderr


_OF_THE_LONGEST = {"changing_graphs.py:28", "changing_graphs.py:41"}
"""Where the state of each step of the sequence is kept, and where it all is."""


def _without_size(words):
    return [word for word in words if not re.fullmatch(r"[\d.]+|kB|[█▌▍▊▋▎▏▉]+", word)]


def without_times(text):
    """Times differ from run to run, and with them the width of what is beside them, and the order of lines.

    So does what the longest sequence keeps: a slow machine leaves no time to look at each of the longer ones.
    """
    lines = [re.sub(r"\s*\b\d+(\.\d+)? (ms|us|s)\b", " T", line).split() for line in text.splitlines()]
    lines = [_without_size(line) if _OF_THE_LONGEST.intersection(line) else line for line in lines]
    return [line for line in lines if line]


def test_the_page_shows_what_the_program_says(report):
    shown = re.search(r"```text\n(.*?)```", PAGE, re.DOTALL)[1]
    begin, end = report.index("Graphs of eager code"), report.index("\n\nOps by line")
    assert without_times(report[begin:end]) == without_times(shown)
