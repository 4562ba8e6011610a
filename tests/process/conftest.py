"""A folder to run programs in, by plain Python and under `tracedbg run`."""

from __future__ import annotations

from pathlib import Path

import pytest

from process.compare import Lab


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    (tmp_path / "program").mkdir()
    (tmp_path / "runs").mkdir()
    return Lab(tmp_path / "program", tmp_path / "runs")
