"""A suite of 200 small tests that trace, run by `pytest` as a person would: `pytest_whole.py torch|tf`.

Prints the ratio of processor time of the two processes, observed and not: imports, start and end are in it.
"""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from pytest_suite import TF, TORCH

TESTS = 200


def main() -> None:
    text = (TORCH if sys.argv[1] == "torch" else TF).replace("range(10)", f"range({TESTS})")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_traced.py").write_text(text)
        plain = seconds(folder)
        print(seconds(folder, "--tracedbg") / plain)


def seconds(folder: str, *options: str) -> float:
    pytest = [sys.executable, "-m", "pytest", "-q", "-W", "ignore", "-p", "no:cacheprovider", *options]
    before = used()
    said = subprocess.run(
        pytest, cwd=folder, check=True, capture_output=True, text=True, env={**os.environ, "PART": "1"}
    )
    assert f"{TESTS} passed" in said.stdout
    return used() - before


def used() -> float:
    of_children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return of_children.ru_utime + of_children.ru_stime


if __name__ == "__main__":
    main()
