"""Kills programs that trace and run ops without end, and says how much their recordings lack.

`python -m benchmarks.kills` kills each of two programs 25 times at a random moment (`--kills N`). Each
recording has to open; what is missing in it of traces, ops and calls is compared with the program's own log,
the end of the samples with the moment of the kill. Exits with 1 if more than the last 100 ms are missing in
which the program ran: while Python collects garbage none of its threads does, nor does one of ours.
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
"""How long a program lives from its first calls on."""


class Ran:
    """When a program ran, and did not collect garbage."""

    def __init__(self, noted: list[tuple[int, str, int]], killed_ns: int) -> None:
        self._killed_ns = killed_ns
        self._collections: list[tuple[int, int]] = []
        begins = 0
        for at_ns, kind, _ in noted:
            if kind == "collection_start":
                begins = at_ns
            elif kind == "collection_stop":
                self._collections.append((begins, at_ns))
                begins = 0
        if begins:
            self._collections.append((begins, killed_ns))

    def since_ms(self, at_ns: int) -> float:
        """How long it ran since then, until it was killed."""
        stood_ns = sum(max(ended_ns - max(began_ns, at_ns), 0) for began_ns, ended_ns in self._collections)
        return max(self._killed_ns - at_ns - stood_ns, 0) / 1e6


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
    while not log.exists() or " call " not in log.read_text():
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
    lines = (line.split() for line in log.read_text().splitlines())
    noted = [(int(at_ns), kind, int(number)) for at_ns, kind, number in lines]
    ran = Ran(noted, killed_ns)
    lacks = {"sample": ran.since_ms(killed_ns - (killed_wall_ns - sampled_ns))}
    for what, count in found.items():
        missed = (at_ns for at_ns, kind, number in noted if kind == what and number > count)
        lacks[what] = ran.since_ms(next(missed, killed_ns))
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
