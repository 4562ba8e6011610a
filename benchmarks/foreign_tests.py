"""Runs the frameworks' own tests plain, by default and with --ops, and names each that differs.

    python -m benchmarks.foreign_tests [SUITE ...]

The tests run a part of these: `tests/process/foreign_suites.py` says which, and where they come from.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from process import foreign_suites  # after the folder that it is in

from benchmarks import rows

LEVELS = (None, "default", "ops")
NAMES = [*foreign_suites.large()]


def differing(plain: dict[str, str], other: dict[str, str]) -> list[str]:
    """A line for each test that came to something else, or ran in one of them only."""
    return [
        f"    {test}: {plain.get(test)} alone, {other.get(test)} under the tool"
        for test in sorted(plain.keys() | other.keys())
        if plain.get(test) != other.get(test)
    ]


def main() -> int:
    """Run the suites of those names, or all; 1 if anything differs."""
    suites = foreign_suites.large()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.foreign_tests", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(suites)}; all by default")
    rows.add_option(parser)
    options = parser.parse_args()
    if unknown := [name for name in options.names if name not in suites]:
        parser.error(f"no such suite: {', '.join(unknown)}; there are {', '.join(suites)}")
    results = rows.Results(options.json)
    for name in options.names or suites:
        plain: dict[str, str] = {}
        for level in LEVELS:
            begin = time.monotonic()
            with tempfile.TemporaryDirectory() as folder:
                found = foreign_suites.outcomes(suites[name], level, Path(folder) / "suite")
            plain = plain or found
            lines = differing(plain, found)
            counts = sorted(Counter(found.values()).items())
            told = ", ".join(f"{number} {what.lower()}" for what, number in counts)
            took_s = time.monotonic() - begin
            print(f"{name:16} {level or 'plain':8} {told}; {len(lines)} differ; {took_s:.0f} s")
            print("".join(f"{line}\n" for line in lines), end="", flush=True)
            if level:
                how = "recorded" if level == "default" else "recorded with --ops"
                work = f"{len(plain):,} tests of {name}, {how}: end otherwise than alone"
                results.add(rows.measured(name, work, "", [len(lines)], 0))
    return results.end()


if __name__ == "__main__":
    raise SystemExit(main())
