"""The frameworks' own tests, as far as their wheels bring them: each comes to the same with the tool as without."""

from __future__ import annotations

import pytest

from process import foreign_suites

LEVEL = "ops"
"""It observes all that the default level does, and each op; `python -m benchmarks.foreign_tests` runs both, and many more."""
LEAST = {"torch": 150, "tensorflow": 100, "keras": 100}
"""How many pass: it would prove little if none ran."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("torch", marks=pytest.mark.torch),
        pytest.param("tensorflow", marks=pytest.mark.tensorflow),
        pytest.param("keras", marks=pytest.mark.tensorflow),
    ],
)
def test_each_test_comes_to_what_it_comes_to_alone(tmp_path, name):
    suite = foreign_suites.small()[name]
    plain = foreign_suites.outcomes(suite, None, tmp_path)
    assert sum(outcome == "PASSED" for outcome in plain.values()) >= LEAST[name]
    assert "FAILED" not in plain.values()
    assert foreign_suites.outcomes(suite, LEVEL, tmp_path) == plain
