"""Run all benchmarks and write their page: `python -m benchmarks.all [--only PART[/NAME] ...] [--resume]`.

What is not run keeps its rows, with the date, commit and machine that they were measured on. After each
benchmark everything is written, so that a run that is stopped has lost one at most. `make bench` does the
same, with ONLY="ops cost/tf_loop".
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import machine, page
from benchmarks.parts import PARTS, Part
from benchmarks.record import Measurement, Record
from benchmarks.rows import Row, told

ROOT = Path(__file__).parents[1]
JSON = ROOT / "docs/reference/benchmarks.json"
PAGE = ROOT / "docs/reference/benchmarks.md"
README = ROOT / "README.md"


def main() -> int:
    options = read_options()
    record = Record.read(options.json)
    for other in options.merge:
        record.merge(Record.read(other))
    asked = chosen(options.only or ([] if options.merge or options.write else list(PARTS)))
    is_fine = True
    try:
        for part, names in asked.items():
            is_fine &= run_part(record, part, names, options)
    finally:
        record.write(options.json)
        write(record, options.page, options.readme)
    return 0 if is_fine else 1


def run_part(record: Record, part: Part, names: tuple[str, ...], options: argparse.Namespace) -> bool:
    """Run a benchmark and keep its rows; whether it has ended, with its limits kept."""
    if options.resume:
        commit = machine.commit()
        names = tuple(
            name for name in names or part.names() if not record.is_measured(part.name, name, commit)
        )
        if not names:
            print(f"{part.name}: measured at this commit", flush=True)
            return True
    names = () if names == part.names() else names
    found = measure(part, names, options)
    if found is None:
        print(f"{part.name}: did not end; its earlier rows stay", file=sys.stderr, flush=True)
        return False
    record.add(*found)
    record.write(options.json)
    return all(row.is_within for row in found[1])


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.all", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="PART", help=f"of {', '.join(PARTS)}; or PART/NAME")
    parser.add_argument("--repeats", type=int, metavar="N", help="how often each figure is measured")
    parser.add_argument("--resume", action="store_true", help="leave out what was measured at this commit")
    parser.add_argument(
        "--merge", nargs="+", default=[], type=Path, metavar="JSON", help="add the rows of other files"
    )
    parser.add_argument("--write", action="store_true", help="run nothing: write the page and README anew")
    parser.add_argument("--hta-python", metavar="EXE", help="a Python that has HolisticTraceAnalysis")
    parser.add_argument("--json", type=Path, default=JSON, help=argparse.SUPPRESS)
    parser.add_argument("--page", type=Path, default=PAGE, help=argparse.SUPPRESS)
    parser.add_argument("--readme", type=Path, default=README, help=argparse.SUPPRESS)
    options = parser.parse_args()
    for one in options.only or ():
        name, _, row = one.partition("/")
        if name not in PARTS:
            parser.error(f"no benchmark named {name}; there are {', '.join(PARTS)}")
        if row and not PARTS[name].has_names:
            parser.error(f"{name} cannot be asked for some of its rows: {one}")
    return options


def chosen(only: list[str]) -> dict[Part, tuple[str, ...]]:
    """Each benchmark that was asked for, and those of its rows; none are all."""
    found: dict[Part, tuple[str, ...]] = {}
    for one in only:
        name, _, row = one.partition("/")
        found[PARTS[name]] = (*found.get(PARTS[name], ()), *([row] if row else []))
    return found


def measure(
    part: Part, names: tuple[str, ...], options: argparse.Namespace
) -> tuple[Measurement, list[Row]] | None:
    """Run a benchmark in a process of its own; None if it told nothing that can be kept.

    Of one that did not end, those of its names stay that it was done with.
    """
    command = part.command(names, options.repeats)
    print(f"--- {command}", flush=True)
    load, started = machine.load(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.json"
        words = [sys.executable, "-m", part.module, *names, "--json", str(file)]
        if options.repeats and part.repeats:
            words += [part.repeats, str(options.repeats)]
        if part.name == "kernels" and options.hta_python:
            words += ["--hta-python", options.hta_python]
        with contextlib.suppress(KeyboardInterrupt):  # goes to the benchmark as well
            subprocess.run(words, check=False, cwd=ROOT)
        rows, is_whole = told(file)
    if not is_whole:
        rows = [row for row in rows if part.has_names and row.name != rows[-1].name]
    if not rows:
        return None
    measurement = Measurement(
        part.name,
        command,
        dt.datetime.now(dt.timezone.utc).date().isoformat(),
        machine.commit(),
        machine.this_machine({"HTA": version_of_hta(options.hta_python)} if options.hta_python else {}),
        load,
        round(time.monotonic() - started),
    )
    return measurement, rows


def version_of_hta(python: str) -> str:
    """As another environment says."""
    code = "import importlib.metadata as m; print(m.version('HolisticTraceAnalysis'))"
    return (
        subprocess.run([python, "-c", code], capture_output=True, text=True, check=False).stdout.strip()
        or "?"
    )


def write(record: Record, target: Path, readme: Path) -> None:
    """Write the page, and the figures in README."""
    target.write_text(page.page(record), encoding="utf-8")
    text = readme.read_text(encoding="utf-8")
    readme.write_text(page.readme(text, record), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
