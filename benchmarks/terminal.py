"""What the user interface costs the program and the person: `python -m benchmarks.terminal [--pairs N]`.

A program that prints 100 000 lines a second, in a plain terminal and in the interface's, in turn; and the
time from the start to the first frame, beside that of an empty Textual application.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from benchmarks import rows
from benchmarks.in_terminal import InTerminal, first_frame_s

PRINTS = str(Path(__file__).parent / "programs" / "prints.py")
NOTHING = str(Path(__file__).parent / "programs" / "nothing.py")
TRACEDBG = (sys.executable, "-m", "tracedbg")
BARE = "from textual.app import App\nApp().run()\n"
SLOWER, LATER_S = 1.1, 0.5
"""The limits."""
GO_S = 0.3


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.terminal", description=__doc__)
    parser.add_argument("--pairs", type=int, default=5, help="alternating pairs of each (default 5)")
    rows.add_option(parser)
    options = parser.parse_args()
    pairs, results = options.pairs, rows.Results(options.json)
    with tempfile.TemporaryDirectory() as folder:
        ratios = []
        for _ in range(pairs):
            plain = printing_s(folder)
            ratios.append(printing_s(folder, *TRACEDBG, "run", "--quiet") / plain)
        later = [
            first_frame_s(*TRACEDBG, "run", NOTHING, cwd=folder) - first_frame_s(sys.executable, "-c", BARE)
            for _ in range(pairs)
        ]
    results.add(rows.measured("", "100,000 lines a second, against a plain terminal", "x", ratios, SLOWER))
    results.add(rows.measured("", "first frame, after that of bare Textual", "s", later, LATER_S))
    return results.end()


def printing_s(folder: str, *launcher: str) -> float:
    """Seconds that the program has taken to print, in a terminal of its own or under the interface."""
    took = Path(folder, "took")
    took.unlink(missing_ok=True)
    started = InTerminal(*(launcher or (sys.executable,)), PRINTS, str(took), cwd=folder)
    asked_s = 0.0

    def is_done() -> bool:
        nonlocal asked_s
        if launcher and not took.exists() and started.elapsed_s() - asked_s > GO_S:
            asked_s = started.elapsed_s()
            started.press(b"c")  # it waits to be told to begin
        return took.exists() and os.path.getsize(took) > 0

    try:
        started.read_until(is_done)
        return float(took.read_text())
    finally:
        started.end()


if __name__ == "__main__":
    sys.exit(main())
