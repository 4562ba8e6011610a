"""Where the wall time went as data: the key `ledger` of a report; and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracedbg.explain import Ledger, TimeShare


def ledger_data(one: Ledger) -> dict[str, Any]:
    """An item of the key."""
    return {
        "pid": one.pid,
        "rank": one.rank,
        "is_main": one.is_main,
        "seconds": _exact(one.seconds),
        "rate_hz": one.rate_hz,
        "samples": one.samples,
        "sampler_seconds": _exact(one.sampler_seconds),
        "threads": one.threads,
        "threads_seconds": _exact(one.threads_seconds),
        "shares": _shares(one.shares),
        "lines": [
            {
                "file": line.file,
                "line": line.line,
                "function": line.function,
                "seconds": _exact(line.seconds),
                "shares": _shares(line.shares),
            }
            for line in one.lines
        ],
    }


def _shares(shares: Iterable[TimeShare]) -> list[dict[str, Any]]:
    return [
        {
            "activity": share.activity,
            "seconds": _exact(share.seconds),
            "parts": [{"name": part.name, "seconds": _exact(part.seconds)} for part in share.parts],
        }
        for share in shares
    ]


def _exact(seconds: float) -> float:
    """To the nanosecond, so that it still adds up."""
    return round(seconds, 9)
