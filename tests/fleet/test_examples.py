"""The query of the how-to in DuckDB, Spark and Ray Data: each runs as it stands, and they say the same."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fleet.ranks import ODD, RANKS, write_fleet
from tracedbg.cli.main import main

pytest.importorskip("pyarrow")
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "fleet"
NEEDS = {"duckdb": [], "spark": ["java"], "ray": []}
PACKAGES = {"duckdb": "duckdb", "spark": "pyspark", "ray": "ray"}


def is_installed(package):
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:
        return False


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    run = write_fleet(tmp_path_factory.mktemp("fleet"))
    assert main(["export", str(run), "--format", "parquet"]) == 0
    return f"{run}.dataset"


@pytest.mark.parametrize("engine", NEEDS)
def test_the_query_says_what_tracing_cost_over_all_ranks(dataset, engine):
    if not is_installed(PACKAGES[engine]):
        pytest.skip(f"{PACKAGES[engine]} is not installed")
    if missing := [program for program in NEEDS[engine] if shutil.which(program) is None]:
        pytest.skip(f"there is no {missing[0]}")
    command = [sys.executable, str(EXAMPLES / f"{engine}_query.py"), dataset]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=280).stdout
    rows = [line.split() for line in told.splitlines()]
    assert {(row[2], row[5], row[-1]) for row in rows} == {
        (str(RANKS + len(ODD)), str(RANKS), "step"),
        ("0", str(RANKS), "evaluate"),
    }
