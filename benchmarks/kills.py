"""Kills programs that trace and run ops without end, and says how much their recordings lack.

`python -m benchmarks.kills` kills each of two programs 25 times at a random moment (`--kills N`). Each
recording has to open; what is missing in it of traces, ops and calls is compared with the program's own log,
the end of the samples with the moment of the kill. Exits with 1 if more than the last 100 ms are missing.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import rows
from tracedbg.store.reader import Run

PROGRAMS = {
    "torch": ("killed_torch.py", "traced", "aten::sin"),
    "tensorflow": ("killed_tf.py", "traced", "Sin"),
}
FOLDER = Path(__file__).parent / "programs"
STEADY = "steady"
"""What the programs call again and again."""
LIMIT_MS = 100
LIVES_S = (0.2, 1.5)
"""How long a program lives from its first note on."""


def kill(framework: str, folder: Path, lives_s: float) -> dict[str, float]:
    """Run a program, kill it, and say how many milliseconds each kind of thing lacks."""
    program, function, op = PROGRAMS[framework]
    log, out = folder / "log", folder / "run"
    command = [sys.executable, "-m", "tracedbg", "run", "--no-tui", "--quiet", "--ops", "--out", str(out)]
    running = subprocess.Popen(
        [*command, str(FOLDER / program), str(log)],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not log.exists() or not log.stat().st_size:
        assert running.poll() is None, "the program has ended by itself"
        time.sleep(0.01)
    time.sleep(lives_s)
    (pid,) = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    killed_ns, killed_wall_ns = time.monotonic_ns(), time.time_ns()
    os.kill(int(pid), signal.SIGKILL)
    running.wait()
    with Run.open(str(out)) as run:
        (process,) = run.processes
        found = {
            "trace": sum(
                one.started.traceable.name == function and one.ended is not None for one in process.traces()
            ),
            "op": sum(
                total.count
                for seen in process.ran.ops()
                for total in seen.totals
                if total.kind.name == op and not total.kind.is_traced
            ),
            "call": sum(
                (one.compiled or 0) + (one.eager or 0)
                for one in process.calls()
                if one.function.name == STEADY
            ),
        }
        sampled_ns = process.info.started_wall_ns + max(seen.end_ns for seen in process.ran.samples())
    lacks = dict.fromkeys(found, 0.0)
    lacks["sample"] = max((killed_wall_ns - sampled_ns) / 1e6, 0.0)
    for line in log.read_text().splitlines():
        at_ns, kind, number = line.split()
        if int(number) > found[kind] and not lacks[kind]:
            lacks[kind] = max((killed_ns - int(at_ns)) / 1e6, 0.0)
    return lacks


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--only", choices=PROGRAMS)
    parser.add_argument("--seed", type=int, default=7)
    rows.add_option(parser)
    args = parser.parse_args()
    moments = random.Random(args.seed)
    results = rows.Results(args.json)
    for framework in [args.only] if args.only else PROGRAMS:
        lacks = []
        for _ in range(args.kills):
            with tempfile.TemporaryDirectory() as folder:
                lacks.append(kill(framework, Path(folder), moments.uniform(*LIVES_S)))
        for kind in lacks[0]:
            found = sorted(one[kind] for one in lacks)
            work = f"{framework} killed {args.kills} times, what its recording lacks of {kind}s"
            results.add(rows.measured(framework, work, "ms", found))
            results.add(rows.measured(framework, f"{work}, at worst", "ms", [found[-1]], LIMIT_MS))
    print(f"{args.kills} kills each; every recording opens")
    return results.end()


if __name__ == "__main__":
    sys.exit(main())
