"""A program that is killed at any moment: its recording opens, and has all but what came last."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE_MS = 2000
"""On a machine that others use as well; `python -m benchmarks.kills` measures, with 50 kills and 100 ms."""


@pytest.mark.serial
@pytest.mark.parametrize(
    "framework",
    [
        pytest.param("torch", marks=pytest.mark.torch),
        pytest.param("tensorflow", marks=pytest.mark.tensorflow),
    ],
)
def test_the_recording_opens_and_lacks_only_the_last_moment(framework, tmp_path, monkeypatch):
    pytest.importorskip(framework)
    monkeypatch.setattr(sys, "path", [str(ROOT), *sys.path])
    from benchmarks.kills import kill

    lacks = kill(framework, tmp_path, random.Random(framework).uniform(0.3, 0.8))
    assert max(lacks.values()) < PATIENCE_MS
    assert set(lacks) == {"trace", "op", "call", "sample"}
