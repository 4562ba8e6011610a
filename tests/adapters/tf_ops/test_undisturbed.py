"""A recorded program prints, returns and complains as it does alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

import pytest

from tracedbg.store import reader

pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow
PROGRAM = os.path.join(os.path.dirname(__file__), "program.py")


def run(*command):
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"}
    return subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, env=environment, check=False
    )


def complaint(text):
    """The traceback."""
    return text[text.index("Traceback") :].strip()


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    out = str(tmp_path_factory.mktemp("recorded") / "run")
    plain = run(PROGRAM)
    options = ("--no-tui", "--quiet", "--ops", "--out", out)
    return plain, run("-m", "tracedbg", "run", *options, PROGRAM), out


def test_output_exit_code_and_traceback_are_those_of_the_program_alone(pair):
    plain, watched, _ = pair
    assert plain.stdout == watched.stdout
    assert plain.returncode == watched.returncode == 1
    assert complaint(plain.stderr) == complaint(watched.stderr)


def test_what_it_ran_is_recorded_in_all_its_threads_and_its_child(pair):
    _, _, out = pair
    by_process = []
    with reader.Run.open(out) as recorded:
        for process in recorded.processes:
            assert list(process.faults()) == []
            found = Counter()
            for event in process.ran.ops():
                for total in event.totals:
                    found[total.kind.name] += total.count
            by_process.append(found)
            if "Square" in found:
                kinds = {total for event in process.ran.ops() for total in event.totals}
                assert len({total.thread_id for total in kinds if total.kind.name == "Square"}) >= 2
    parent, child = sorted(by_process, key=len, reverse=True)
    assert parent["compiled"] == 18  # 9 forward, 9 backward
    assert child["Softsign"] == 1
    assert "MatMul" not in child
