"""Functions of C and C++ by line: a section of the report, and the key `native` of the JSON report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracedbg.report.style import clean, count

if TYPE_CHECKING:
    from tracedbg.explain import NativeLine, NativeSummary, Summary
    from tracedbg.report.style import Style

MAX_LINES = 6
MAX_FUNCTIONS = 3
_LITTLE = 0.02
"""The share below which a line, or a function of a line, is left out."""
_NUMBERS = 10


def native_functions(summary: Summary, style: Style) -> list[str]:
    """The lines with most samples, each with the functions that it was in."""
    native = summary.native
    if native is None:
        return []
    lines = [style.paint("Native functions by line", "bold")]
    words = f"{count(native.samples, 'sample')} of the main thread, {native.rate_hz} a second, by py-spy"
    if native.samples:
        lines += style.wrap(words, 2)
    if native.note:
        lines += style.wrap(native.note, 2)
    for line in [one for one in native.lines if one.samples >= native.samples * _LITTLE][:MAX_LINES]:
        lines += _line(line, native, style)
    return lines


def _line(line: NativeLine, native: NativeSummary, style: Style) -> list[str]:
    room = style.width - _NUMBERS
    place = style.place(line.file, line.line, room - 8) if line.file else "(no line of yours is known)"
    name = f" in {clean(line.function)}" if line.function else ""
    lines = [f"  {line.samples / native.samples:>6.1%}  {style.paint(place, 'cyan')}"]
    lines[0] += style.end(name, max(room - len(place), 0)) if len(place) + 6 <= room else ""
    for part in line.functions[:MAX_FUNCTIONS]:
        if part.samples >= line.samples * _LITTLE:
            library = f"  ({clean(part.library)})" if part.library else ""
            function = style.end(clean(part.function), max(room - 8 - len(library), 12))
            words = f"{'':{_NUMBERS}}{part.samples / line.samples:>6.1%}  {function}{library}"
            lines.append(style.paint(style.end(words, style.width), "dim"))
    return lines


def native_data(native: NativeSummary) -> dict[str, Any]:
    """The key of the JSON report."""
    return {
        "rate_hz": native.rate_hz,
        "samples": native.samples,
        "note": native.note,
        "lines": [
            {
                "file": line.file,
                "line": line.line,
                "function": line.function,
                "samples": line.samples,
                "functions": [
                    {"function": part.function, "library": part.library, "samples": part.samples}
                    for part in line.functions
                ],
            }
            for line in native.lines
        ],
    }
