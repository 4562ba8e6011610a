"""Interrupts loops of tiny ops at random moments, plain and recorded, and says how many do not come through.

`python -m benchmarks.interrupts` takes some minutes (`--seconds` for each loop at each level). The frameworks
lose interrupts themselves: the question is whether we lose more. Exits with 1 if we do, by more than chance.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks import rows

PROGRAM = Path(__file__).parent / "programs" / "interrupted.py"
KINDS = ("torch_eager", "torch_compile", "tf_eager", "tf_function")
LEVELS: dict[str, list[str] | None] = {"plain": None, "default": [], "--ops": ["--ops"]}
CHANCE = 3.0
"""Standard deviations."""


def outcomes(kind: str, options: list[str] | None, seconds: float) -> Counter[str]:
    """How interrupts of a loop have ended; `options` of `tracedbg run`, None for plain Python."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "outcomes"
        command = [sys.executable]
        if options is not None:
            run = ["-m", "tracedbg", "run", "--no-tui", "--quiet", "--out", f"{folder}/run"]
            command += [*run, *options]
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        told = subprocess.DEVNULL
        subprocess.run(
            [*command, str(PROGRAM), kind, str(seconds), str(out)], env=environment, stderr=told, check=True
        )
        return Counter(json.loads(out.read_text()))


def excess(plain: Counter[str], ours: Counter[str]) -> float:
    """How many fewer come through, in standard deviations."""
    counts = [(one["through"], one.total()) for one in (plain, ours)]
    (plain_through, plain_all), (through, total) = counts
    mean = 1 - (plain_through + through) / (plain_all + total)
    deviation = (mean * (1 - mean) * (1 / plain_all + 1 / total)) ** 0.5
    return (plain_through / plain_all - through / total) / deviation if deviation else 0.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--only", choices=KINDS)
    rows.add_option(parser)
    args = parser.parse_args()
    results = rows.Results(args.json)
    for kind in [args.only] if args.only else KINDS:
        found = {level: outcomes(kind, options, args.seconds) for level, options in LEVELS.items()}
        for level, one in found.items():
            rest = ", ".join(f"{name} {count}" for name, count in one.most_common() if name != "through")
            share = 1 - one["through"] / one.total()
            print(
                f"{kind:14} {level:8} {share:6.2%} of {one.total():5} do not come through  {rest}", flush=True
            )
            if level != "plain":
                how = "recorded" if level == "default" else f"recorded with {level}"
                work = f"interrupts of {kind}, {how}: fewer come through than alone, in standard deviations"
                results.add(rows.measured(kind, work, "sd", [excess(found["plain"], one)], CHANCE))
    return results.end()


if __name__ == "__main__":
    sys.exit(main())
