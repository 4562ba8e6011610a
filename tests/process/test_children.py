"""Every process of a run is recorded beside its parent, however it was started; or, if so wished, none is."""

from __future__ import annotations

import importlib.util

import pytest

from process.levels import PROGRAMS
from tracedbg.explain import process_tree, summarise
from tracedbg.store.reader import Run

pytestmark = pytest.mark.torch
HAS_JOBLIB = importlib.util.find_spec("joblib") is not None
LOKY = ["joblib"] if HAS_JOBLIB else []


def tree(folder):
    """Each process as how it was started, and how many traces it has made."""
    with Run.open(str(folder)) as run:
        summary = summarise(run)
    (node,) = process_tree(summary.processes, summary.process_traces)
    return node


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """How to run the program, and what it shows by plain Python."""
    from process.compare import Lab

    folder = tmp_path_factory.mktemp("children")
    (folder / "runs").mkdir()
    lab = Lab(folder, folder / "runs")
    lab.write("children.py", (PROGRAMS / "children.py").read_bytes())
    plain = lab.plain("children.py", str(folder), *LOKY, timeout=180)
    assert plain.code == 0, plain.stderr.decode()
    return lab, plain


def traced(program, *options):
    lab, plain = program
    found = lab.traced("children.py", str(lab.folder), *LOKY, options=["--quiet", *options], timeout=180)
    assert (found.code, found.stdout, found.stderr) == (plain.code, plain.stdout, plain.stderr)
    return found


def test_each_kind_of_child_is_recorded_below_its_parent(program):
    root = tree(traced(program).run)
    found = sorted((child.way, child.traces) for child in root.children)
    loky = [(way, traces) for way, traces in found if way == "loky"]
    assert [one for one in found if one[0] != "loky"] == [
        ("fork", 1), ("fork", 1), ("fork", 1), ("fork", 1), ("forkserver", 1), ("spawn", 1), ("subprocess", 1),
    ]  # fmt: skip
    if HAS_JOBLIB:  # which of its processes does what is loky's business
        assert 1 <= len(loky) <= 2
        assert {traces for _, traces in loky} <= {0, 1}
    assert root.traces == 0
    assert not any(child.children for child in root.children)


def test_without_children_the_programs_own_process_is_recorded_alone(program):
    run = traced(program, "--no-children").run
    root = tree(run)
    assert (root.children, root.traces) == ((), 0)
    # A child by fork is let go without a word, and without what it would have been observed by.
    assert len([path for path in run.iterdir() if path.suffix == ".db"]) == 1
    assert len([path for path in run.iterdir() if path.suffix == ".boot"]) == 1


def test_a_child_that_is_not_recorded_has_nothing_of_ours_installed(lab):
    lab.write(
        "p.py",
        "import os, sys, torch\n"
        "def ours():\n"
        "    watched = torch.jit.script, torch.jit.trace, torch._C.ScriptFunction\n"
        "    return ['tracedbg' in str(getattr(f, '__module__', '')) or '__tracedbg__' in getattr(f, '__dict__', {}) "
        "for f in watched]\n"
        "def threads():\n    return len(os.listdir('/proc/self/task'))\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    import time\n    time.sleep(0.3)\n"
        "    print(any(ours()), threads(), flush=True)\n"
        "    os._exit(0)\n"
        "os.waitpid(child, 0)\n",
    )
    assert lab.traced("p.py", options=["--quiet", "--no-children"]).stdout == lab.plain("p.py").stdout
