"""A run of many ranks, made from recorded ones: `python -m benchmarks.fleet [--ranks N] [--keep FOLDER]`.

Two ranks of a train job are recorded (programs/fleet_rank.py), the usual one and an odd one; the others are
copies with a rank, process, host and speed of their own. Then the report of the run, its export, and the
report of the dataset are measured. A report may take 60 s, and each 1 GB, of all its processes together.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from benchmarks import rows

MAX_S = 60.0
MAX_MB = 1000.0
STEPS = 60
_RANKS_A_HOST = 8
_SAMPLE_S = 0.05
_PROGRAM = Path(__file__).with_name("programs") / "fleet_rank.py"
_SCALED = {
    "trace": ("start_ns", "end_ns"),
    "phase": ("start_ns", "duration_ns"),
    "process": ("stopped_ns",),
    "sampling": ("start_ns", "end_ns"),
    "sample": ("wall_ns", "cpu_ns"),
    "op_total": ("duration_ns", "self_ns", "longest_ns"),
}
"""Times that a slower rank has more of."""


class Ended(NamedTuple):
    """A command and its children."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    """Of all its processes together."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__)
    parser.add_argument("--ranks", type=int, default=1000)
    parser.add_argument("--keep", metavar="FOLDER", help="leave the run and the dataset there")
    rows.add_option(parser)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(options.keep or temporary).absolute()
        folder.mkdir(exist_ok=True)
        run, dataset = folder / "run", folder / "run.dataset"
        if not run.exists():
            usual, odd = (record(folder / name, rank) for name, rank in (("usual", 0), ("odd", 1)))
            make_run(run, usual, odd, options.ranks)
        print(f"{options.ranks} ranks, {size_mb(run):.0f} MB of recordings", flush=True)
        shutil.rmtree(dataset, ignore_errors=True)
        tracedbg = [sys.executable, "-m", "tracedbg"]
        results = rows.Results(options.json)
        for what, command in (
            ("report of the run", [*tracedbg, "report", str(run)]),
            ("export", [*tracedbg, "export", str(run), "--format", "parquet", "--output", str(dataset)]),
            ("report of the dataset", [*tracedbg, "report", str(dataset)]),
            ("report of the dataset as JSON", [*tracedbg, "report", str(dataset), "--format", "json"]),
        ):
            took, work = ended(command), f"{options.ranks:,} ranks, {what}"
            max_s = MAX_S if what.startswith("report") else None
            results.add(rows.measured("", f"{work}: time", "s", [took.wall_s], max_s))
            results.add(rows.measured("", f"{work}: CPU time", "s", [took.cpu_s]))
            results.add(rows.measured("", f"{work}: peak of memory", "MB", [took.peak_mb], MAX_MB))
        results.add(rows.measured("", f"{options.ranks:,} ranks, the dataset", "MB", [size_mb(dataset)]))
    return results.end()


# --- the run -------------------------------------------------------------------------------------


def record(folder: Path, rank: int) -> Path:
    """Record one rank; its database."""
    command = [sys.executable, "-m", "tracedbg", "run", "--no-tui", "--quiet", "--ops", "--out", str(folder)]
    environment = {**os.environ, "RANK": str(rank), "WORLD_SIZE": "2"}
    subprocess.run(
        [*command, str(_PROGRAM), str(STEPS)], check=True, env=environment, stderr=subprocess.DEVNULL
    )
    return next(folder.glob("p*.db"))


def make_run(folder: Path, usual: Path, odd: Path, ranks: int, *, odd_every: int = 250) -> None:
    """Write a run of `ranks` ranks into `folder`, which must be new.

    Args:
        folder: of the run.
        usual: the database of most ranks.
        odd: that of the last one of each `odd_every`.
        ranks: how many.
        odd_every: see above.
    """
    folder.mkdir(mode=0o700)
    chance = random.Random(0)
    for rank in range(ranks):
        source = odd if rank % odd_every == odd_every - 1 else usual
        target = folder / f"p{100_000 + rank}.db"
        shutil.copyfile(source, target)
        become(target, rank, ranks, chance)
    with closing(sqlite3.connect(usual)) as db:
        (started_ns,) = db.execute("select started_wall_ns from process").fetchone()
    data = {
        "schema": 1,
        "id": folder.name,
        "argv": [_PROGRAM.name],
        "started_wall_ns": started_ns,
        "exit_code": 0,
        "signal": None,
        "wall_ns": 60_000_000_000,
        "tracedbg": "0",
        "cwd": "",
    }
    (folder / "run.json").write_text(json.dumps(data))


def become(database: Path, rank: int, ranks: int, chance: random.Random) -> None:
    """Make a copied recording that of another rank: on a host of its own, by chance slower or faster."""
    speed = chance.lognormvariate(0, 0.1) * (2 if chance.random() < 0.005 else 1)
    node, local = divmod(rank, _RANKS_A_HOST)
    with closing(sqlite3.connect(database, isolation_level=None)) as db:
        db.execute("pragma synchronous = off")
        db.execute("begin")
        for table, columns in _SCALED.items():
            values = ", ".join(f"{name} = cast({name} * {speed} as integer)" for name in columns)
            db.execute(f"update {table} set {values}")
        db.execute(
            "update process set pid = ?1, rank_pid = ?1, ppid = ?2, rank = ?3, local_rank = ?4, node = ?5,"
            " world_size = ?6, host = ?7, started_wall_ns = started_wall_ns + ?8",
            (
                100_000 + rank,
                99_000,
                rank,
                local,
                node,
                ranks,
                f"node{node:03d}",
                chance.randrange(2_000_000_000),
            ),
        )
        db.execute("commit")


# --- measuring -----------------------------------------------------------------------------------


def ended(command: list[str]) -> Ended:
    """Run it, and see what it and its children took."""
    start = time.perf_counter()
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    peak_kb, is_done = 0, threading.Event()

    def watch() -> None:
        nonlocal peak_kb
        while not is_done.wait(_SAMPLE_S):
            peak_kb = max(peak_kb, sum(map(resident_kb, family(running.pid))))

    watcher = threading.Thread(target=watch)
    watcher.start()
    _, status, usage = os.wait4(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    is_done.set()
    watcher.join()
    if running.returncode:
        raise subprocess.CalledProcessError(running.returncode, command)
    peak_kb = max(peak_kb, usage.ru_maxrss)
    return Ended(time.perf_counter() - start, usage.ru_utime + usage.ru_stime, peak_kb / 1024)


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(one for child in children for one in family(int(child)))]


def resident_kb(pid: int) -> int:
    """Its memory, with its part of what it shares with others."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return 0


def size_mb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


if __name__ == "__main__":
    sys.exit(main())
