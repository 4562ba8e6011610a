"""Adds up a dataset by DuckDB, in bounded memory, whatever its size.

It must not know how the result is shown.
"""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import closing
from typing import TYPE_CHECKING, Any

from tracedbg.errors import DamagedDatasetError, MissingExtraError, NewerSchemaError
from tracedbg.fleet import DATASET_FILE, queries
from tracedbg.fleet.parquet import NO_RANK
from tracedbg.fleet.summary import (
    Activity,
    Difference,
    Fleet,
    FleetCause,
    FleetFunction,
    FleetRank,
    FleetRun,
    Group,
    Spread,
)
from tracedbg.fleet.tables import TABLES, VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

TOP = 20
MEMORY_MB = 512
"""What DuckDB may take; beyond it, it writes to disk."""
THREADS = 2
BINS = 20
_FEW = 5
"""Causes that a difference names."""


def add_up(folder: str, top: int = TOP) -> Fleet:
    """What the dataset in `folder` comes to.

    Args:
        folder: of the dataset.
        top: rows of each list, the costliest.

    Raises:
        MissingExtraError: the package `duckdb` is not installed.
        NewerSchemaError: a newer tracedbg has written it.
        DamagedDatasetError: it cannot be read.
    """
    try:
        import duckdb  # noqa: PLC0415  deferred: it is an extra
    except ImportError as error:
        raise MissingExtraError("a report of a dataset", "fleet") from error
    _check_version(folder)
    with tempfile.TemporaryDirectory(prefix="tracedbg-") as spill:
        options = {"memory_limit": f"{MEMORY_MB}MB", "threads": THREADS, "temp_directory": spill}
        options |= {"preserve_insertion_order": "false", "autoinstall_known_extensions": "false"}
        with closing(duckdb.connect(":memory:", config=options)) as db:
            try:
                return _Dataset(db, folder).add_up(top)
            except duckdb.Error as error:
                told = str(error).strip().partition("\n")[0]
                raise DamagedDatasetError(f"cannot read the dataset {folder}: {told}") from error


def _check_version(folder: str) -> None:
    path = os.path.join(folder, DATASET_FILE)
    try:
        with open(path, encoding="utf-8") as file:
            version = int(json.load(file)["schema"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedDatasetError(f"cannot read {path}: {error}") from error
    if version > VERSION:
        raise NewerSchemaError(
            f"{folder} was written by a newer tracedbg (schema {version}, this one reads up to {VERSION}):"
            " upgrade with python -m pip install -U tracedbg"
        )


class _Dataset:
    """An open dataset."""

    def __init__(self, db: Any, folder: str) -> None:
        self._db = db
        self._folder = folder

    def _rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        used = {name: value for name, value in values.items() if f"${name}" in query}
        return list(self._db.execute(query, used).fetchall())

    def _open(self) -> None:
        for name in TABLES:
            folder = os.path.join(self._folder, name)
            depth = "*" if name == "run" else "*/*"
            ranks = "" if name == "run" else ", 'rank': bigint"
            path = os.path.join(_escaped(folder), depth, "*.parquet").replace("'", "''")
            self._db.execute(
                f"create view {name} as select * from read_parquet('{path}', hive_partitioning = true,"  # noqa: S608
                f" hive_types = {{'run': varchar{ranks}}})"
            )
        for statement in filter(str.strip, queries.VIEWS.split(";")):
            self._db.execute(statement)

    def add_up(self, top: int) -> Fleet:
        """All questions, one after the other."""
        self._open()
        ranks, hosts, processes, traces, retraces = self._rows(queries.WHOLE)[0]
        return Fleet(
            name=self._folder,
            runs=tuple(
                FleetRun(name, tuple(argv), code, wall_s, units)
                for name, argv, code, wall_s, units in self._rows(queries.RUNS)
            ),
            ranks=ranks,
            hosts=hosts,
            processes=processes,
            frameworks=tuple(name for (name,) in self._rows(queries.FRAMEWORKS)),
            traces=traces or 0,
            retraces=retraces or 0,
            seconds=self._spread(),
            functions=tuple(map(_function, self._rows(queries.FUNCTIONS, top=top))),
            causes=self._causes(queries.CAUSES, top=top),
            differences=tuple(map(self._difference, self._rows(queries.DIFFERENCES, top=top))),
            slowest=tuple(
                FleetRank(run, _rank(rank), *row) for run, rank, *row in self._rows(queries.SLOWEST, top=top)
            ),
            activities=tuple(Activity(name, Spread(*row)) for name, *row in self._rows(queries.ACTIVITIES)),
            faults=tuple((place, text, count) for place, text, count in self._rows(queries.FAULTS, top=top)),
            dropped=dict(self._rows(queries.DROPPED)),
        )

    def _spread(self) -> Spread:
        total, p50, p95, most = (value or 0.0 for value in self._rows(queries.SPREAD)[0])
        if not most:
            return Spread(total, p50, p95, most)
        counts = dict(self._rows(queries.HISTOGRAM, most=most, bins=BINS))
        return Spread(total, p50, p95, most, tuple(counts.get(number, 0) for number in range(BINS)))

    def _difference(self, row: tuple[Any, ...]) -> Difference:
        run, framework, name, file, line, extra_s = row
        one = {"run": run, "framework": framework, "name": name, "file": file, "line": line}
        groups = tuple(Group(traces, _ranks(ranks)) for traces, ranks in self._rows(queries.GROUPS, **one))
        causes = self._causes(queries.RARE_CAUSES, top=_FEW, **one)
        return Difference(run, framework, name, file, line, extra_s, groups, causes)

    def _causes(self, query: str, **values: Any) -> tuple[FleetCause, ...]:
        return tuple(
            FleetCause(kind, argument, name, file, line, count, seconds, _ranks(ranks), *words)
            for kind, argument, name, file, line, count, seconds, ranks, _, *words in self._rows(
                query, **values
            )
        )


def _function(row: tuple[Any, ...]) -> FleetFunction:
    framework, name, file, line, ranks, traces, retraces, breaks, limits, *spread = row
    numbers = {"ranks": ranks, "traces": traces, "retraces": retraces}
    return FleetFunction(
        framework,
        name,
        file,
        line,
        **numbers,
        graph_breaks=breaks,
        limit_hits=limits,
        seconds=Spread(*spread),
    )


def _ranks(numbers: Sequence[int]) -> tuple[int | None, ...]:
    return tuple(map(_rank, numbers))


def _rank(number: int) -> int | None:
    return None if number == NO_RANK else number


def _escaped(path: str) -> str:
    """A folder that stands in a pattern as it is."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in path)
