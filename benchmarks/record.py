"""What all benchmarks have measured so far: rows with when and where, read, merged and written as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from benchmarks.machine import Machine
from benchmarks.parts import PARTS
from benchmarks.rows import Row

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = 1
BUSY = 0.5
"""Others that want to run, for each core."""


@dataclass(frozen=True)
class Measurement:
    """One run of a benchmark."""

    part: str
    command: str
    date: str
    commit: str
    machine: Machine
    load: float
    """How many others wanted to run just before it began."""
    took_s: int

    @property
    def is_busy(self) -> bool:
        """Whether the machine had so much else to do that the figures say little."""
        return self.load / self.machine.cores > BUSY


@dataclass
class Record:
    """Each measurement with its rows."""

    measurements: list[tuple[Measurement, list[Row]]] = field(default_factory=list)

    @classmethod
    def read(cls, file: Path) -> Record:
        """What is in the file; nothing if there is none."""
        if not file.exists():
            return cls()
        data = json.loads(file.read_text(encoding="utf-8"))
        if data["schema"] != SCHEMA:
            raise SystemExit(f"{file} has schema {data['schema']}, and this is written for {SCHEMA}")
        found = cls()
        for one in data["measurements"]:
            where = Machine(**one["measurement"]["machine"])
            measurement = Measurement(**{**one["measurement"], "machine": where})
            found.measurements.append((measurement, [Row(**row) for row in one["rows"]]))
        return found

    def write(self, file: Path) -> None:
        data = {
            "schema": SCHEMA,
            "measurements": [
                {"measurement": asdict(measurement), "rows": [asdict(row) for row in rows]}
                for measurement, rows in self.measurements
            ],
        }
        file.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")

    def add(self, measurement: Measurement, rows: list[Row]) -> None:
        """Rows of the same name that were measured before go: what stands beside each other is of one run."""
        names = {row.name for row in rows}
        kept = []
        for earlier, theirs in self.measurements:
            is_same = earlier.part == measurement.part
            left = [row for row in theirs if not (is_same and row.name in names)]
            if left:
                kept.append((earlier, left))
        order = list(PARTS)
        self.measurements = sorted([*kept, (measurement, rows)], key=lambda one: order.index(one[0].part))

    def merge(self, other: Record) -> None:
        """Take over what another record has, as if it had been measured now."""
        for measurement, rows in other.measurements:
            self.add(measurement, rows)

    def rows(self, part: str, name: str | None = None) -> list[tuple[int, Row]]:
        """Those of a benchmark, each with the number of its measurement, from 1."""
        return [
            (number, row)
            for number, (measurement, rows) in enumerate(self.measurements, 1)
            for row in rows
            if measurement.part == part and name in (None, row.name)
        ]

    def is_measured(self, part: str, name: str, commit: str) -> bool:
        """Whether that name of a benchmark was measured at that commit."""
        return any(
            row.name == name and self.measurements[number - 1][0].commit == commit
            for number, row in self.rows(part)
        )
