"""Which versions a range of them has."""

from __future__ import annotations

import pytest

from tracedbg.adapters.versions import covers


@pytest.mark.parametrize(
    ("versions", "version", "is_covered"),
    [
        ("2.7-2.15", "2.7.0", True),
        ("2.7-2.15", "2.15.1+cu132", True),
        ("2.7-2.15", "2.6.9", False),
        ("2.7-2.9", "2.10.0", False),
        ("2.13", "2.13.0a0+git1", True),
        ("2.13", "2.14.0", False),
        ("2.7-2.15", "3.0.0", False),
    ],
)
def test_a_range_has_its_ends_and_what_is_between(versions, version, is_covered):
    assert covers(versions, version) == is_covered
