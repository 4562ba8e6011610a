"""AutoGraph's conversions with what their constructs became, each of them once.

It must not know what AutoGraph is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracedbg.explain.summary import ConversionSummary

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracedbg.events import Construct, Conversion

_Key = tuple[str, str, int]


@dataclass(frozen=True)
class ConvertedCode:
    """A function, and what AutoGraph made of it."""

    function: str
    file: str
    line: int
    source: str
    """From `line` on."""
    generated: str
    line_map: tuple[tuple[int, int], ...]
    """(line in the user's file, line in the generated text)."""


def converted_code(conversions: Iterable[Conversion]) -> tuple[ConvertedCode, ...]:
    """The last conversion of each function whose text was recorded, by file and line."""
    found = {
        (one.file, one.line, one.function): ConvertedCode(
            one.function, one.file, one.line, one.source, one.generated, one.line_map
        )
        for one in conversions
        if one.generated
    }
    return tuple(found[key] for key in sorted(found))


def group_conversions(
    conversions: Iterable[Conversion], constructs: Iterable[Construct]
) -> tuple[ConversionSummary, ...]:
    """One summary for each function, by file and line."""
    durations_ns: dict[_Key, int] = {}
    failures: dict[_Key, str] = {}
    for conversion in conversions:
        key = (conversion.file, conversion.function, conversion.line)
        durations_ns[key] = durations_ns.get(key, 0) + conversion.duration_ns
        failures[key] = failures.get(key) or conversion.failure
    found: dict[_Key, dict[tuple[int, str, str], Construct]] = {key: {} for key in durations_ns}
    for construct in constructs:
        key = _converted(construct, found)
        place = (construct.line, construct.kind, construct.became)
        found.setdefault(key, {}).setdefault(place, construct)
    return tuple(
        ConversionSummary(
            function,
            file,
            line,
            durations_ns.get((file, function, line), 0) / 1e9,
            tuple(members[place] for place in sorted(members)),
            failures.get((file, function, line), ""),
        )
        for (file, function, line), members in sorted(
            found.items(), key=lambda item: (item[0][0], item[0][2])
        )
    )


def _converted(construct: Construct, known: Iterable[_Key]) -> _Key:
    """The function that a construct stands in: the last one above it, of its name if there is one."""
    above = [key for key in known if key[0] == construct.file and key[2] <= construct.line]
    named = [key for key in above if key[1] == construct.function]
    key = max(named or above, key=lambda key: key[2], default=None)
    return key or (construct.file, construct.function, construct.line)
