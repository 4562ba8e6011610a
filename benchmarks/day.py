"""A day of a train job, by fifty million events: `python -m benchmarks.day [--events N]`.

What programs/day.py tells the real recorder, against its limits: the recording keeps to its bound (`--max-mb`
and what one batch takes), and memory does not grow once what has a bound of its own has reached it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import rows
from benchmarks.__main__ import PROGRAMS, machine

EVENTS = 50_000_000
MAX_MB = 256
OVER = 1.02
GROWTH_MB = 5.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.day", description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--max-mb", type=int, default=MAX_MB)
    rows.add_option(parser)
    options = parser.parse_args()
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        program = [sys.executable, str(PROGRAMS / "day.py"), str(options.events), folder, str(options.max_mb)]
        told = json.loads(subprocess.run(program, check=True, capture_output=True, text=True).stdout)
        report = [sys.executable, "-m", "tracedbg", "report", folder]
        (Path(folder) / "run.json").write_text(json.dumps(RUN))
        subprocess.run(report, check=True, capture_output=True)
    memory = told["memory_mb"]
    half = len(memory) // 2
    growth_mb = max(memory[half:]) - memory[half]
    print(f"memory: {', '.join(f'{one:g}' for one in memory[:: max(len(memory) // 10, 1)])} MB")
    results = rows.Results(options.json)
    for what, value, unit, limit in (
        ("CPU time of an event", told["cpu_us_an_event"], "us", None),
        ("the recording at its largest", told["most_mb"], "MB", options.max_mb * OVER),
        ("memory in use at the end", memory[-1], "MB", None),
        ("growth of memory in the second half", growth_mb, "MB", GROWTH_MB),
    ):
        results.add(rows.measured("", f"{told['events']:,} events, {what}", unit, [value], limit))
    return results.end()


RUN = {
    "schema": 1,
    "id": "day",
    "argv": ["train.py"],
    "started_wall_ns": 0,
    "exit_code": 0,
    "signal": None,
    "wall_ns": 24 * 3600 * 10**9,
    "tracedbg": "0",
}

if __name__ == "__main__":
    sys.exit(main())
