"""For which versions of its framework a private name is known to be there."""

from __future__ import annotations


def covers(versions: str, version: str) -> bool:
    """Whether a range such as `2.7-2.15` has a version such as `2.9.1+cpu`; the first two numbers count."""
    first, _, last = versions.partition("-")
    return _numbers(first) <= _numbers(version) <= _numbers(last or first)


def _numbers(version: str) -> tuple[int, int]:
    major, minor, *_ = version.split(".")
    return int(major), int(minor)
