"""Writes recorded runs as a dataset: one recording after the other, by two processes where there are many.

It must not know a command line.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tracedbg import __version__
from tracedbg.errors import RunError, UsageError
from tracedbg.explain.wall_time import ledger_of, root_of
from tracedbg.fleet import DATASET_FILE, is_dataset, ran_rows, rows
from tracedbg.fleet.parquet import check_installed, partition_of, run_partition, write_rows
from tracedbg.fleet.tables import TABLES, VERSION
from tracedbg.store.reader import ProcessRecording, list_databases
from tracedbg.store.run import read_run_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tracedbg.explain.kernels import View
    from tracedbg.fleet.rows import Row
    from tracedbg.store.records import ProcessInfo
    from tracedbg.store.run_info import RunInfo

_WORKERS = 2
_FEW = 48
"""Recordings that one process writes sooner than two have started."""


class _Task(NamedTuple):
    """One process' recording, to be written."""

    database: str
    run: RunInfo
    rank: int | None
    is_root: bool


@dataclass(frozen=True)
class Written:
    """What became of an export."""

    processes: int
    rows: dict[str, int]
    left_out: tuple[str, ...] = ()
    """Why recordings were left out, a sentence each."""


def export(
    folders: Sequence[str], target: str, view: View, tell: Callable[[int, int], None] = lambda *_: None
) -> Written:
    """Write runs into the dataset `target`, which is made if need be; a run that it has already is replaced.

    Args:
        folders: of the runs.
        target: the folder of the dataset.
        view: whose lines kernels are told by.
        tell: is told how many recordings of how many are done.

    Raises:
        UsageError: the folder is something else, or cannot be written.
        RunError: a run cannot be read.
        MissingExtraError: a package is not installed.
    """
    check_installed()
    runs = {folder: read_run_file(folder) for folder in folders}
    twice = [name for name, count in Counter(run.id for run in runs.values()).items() if count > 1]
    if twice:
        raise UsageError(f"two of the runs are named {twice[0]}: a dataset tells runs apart by their names")
    _check_target(target)
    draft = os.path.join(target, f".new-{os.getpid()}")
    tasks, left_out = _plan(runs)
    try:
        os.makedirs(target, mode=0o700, exist_ok=True)
        for run in runs.values():
            write_rows(
                os.path.join(draft, "run", run_partition(run.id)), "run", [rows.run_row(run)], "part.parquet"
            )
        counts = Counter({"run": len(runs)})
        for done, (count, error) in enumerate(_write_all(tasks, draft, view), 1):
            counts.update(count)
            left_out += [error] if error else []
            tell(done, len(tasks))
        _fill(draft, next(iter(runs.values())))
        for run in runs.values():
            _move(draft, target, run_partition(run.id))
        _sign(target)
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        with suppress(OSError):  # it is not empty: all went well
            os.rmdir(target)
    return Written(len(tasks), dict(counts), tuple(left_out))


def _check_target(target: str) -> None:
    if os.path.isdir(target) and os.listdir(target) and not is_dataset(target):
        raise UsageError(f"{target} is not empty, and no dataset of tracedbg: name a new folder")
    if os.path.exists(target) and not os.path.isdir(target):
        raise UsageError(f"{target} is a file: a dataset is a folder")


def _plan(runs: dict[str, RunInfo]) -> tuple[list[_Task], list[str]]:
    """What is to be written; and what cannot be read, as one of a thousand recordings may be cut off."""
    tasks: list[_Task] = []
    left_out: list[str] = []
    for folder, run in runs.items():
        infos: dict[str, ProcessInfo] = {}
        for path in list_databases(folder):
            try:
                infos[path] = _info(path)
            except RunError as error:
                left_out.append(str(error))
        root = root_of(list(infos.values()))
        for path, info in infos.items():
            tasks.append(_Task(path, run, info.rank, info is root))
    return tasks, left_out


def _info(path: str) -> ProcessInfo:
    process = ProcessRecording.open(path)
    try:
        return process.info
    finally:
        process.close()


def _write_all(tasks: Sequence[_Task], draft: str, view: View) -> Iterator[tuple[dict[str, int], str]]:
    """Write each recording; gives the rows of each table, or why the recording was left out."""
    if len(tasks) < _FEW:
        for task in tasks:
            yield _write(task, draft, view)
        return
    context = multiprocessing.get_context("spawn")  # Arrow has threads, which no fork survives
    with ProcessPoolExecutor(_WORKERS, context) as pool:
        try:
            running = [pool.submit(_write, task, draft, view) for task in tasks]
            for one in as_completed(running):
                yield one.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _write(task: _Task, draft: str, view: View) -> tuple[dict[str, int], str]:
    counts: dict[str, int] = {}
    try:
        process = ProcessRecording.open(task.database)
        try:
            stem = os.path.basename(task.database).removesuffix(".db")
            partition = partition_of(task.run.id, task.rank)
            for name, found in _tables(task, process, view):
                folder = os.path.join(draft, name, partition)
                own = ((stem, *row) for row in found)
                file = f"part-{stem}.parquet"
                counts[name] = write_rows(folder, name, own, file)
        finally:
            process.close()
    except RunError as error:
        return counts, str(error)
    return counts, ""


def _tables(
    task: _Task, process: ProcessRecording, view: View
) -> Iterator[tuple[str, Iterator[Row] | list[Row]]]:
    """Every table's rows, one after the other: what one table needs is let go of before the next."""
    info = process.info
    began_ns = info.started_wall_ns
    yield "process", [rows.process_row(info)]
    yield "traceable", rows.traceable_rows(process.functions().items())
    traces = rows.explain(process, info)
    yield "trace", rows.trace_rows(traces, began_ns)
    yield "cause", rows.cause_rows(traces)
    yield "guard_failure", rows.guard_rows(traces, process)
    yield "phase", rows.phase_rows(traces, began_ns)
    ops, samples = process.ran.ops(), process.ran.samples()
    ledger = None
    if samples:
        records = [one.record for one in traces]
        ledger = ledger_of(task.run, info, samples, records, ops, is_main=True, is_root=task.is_root)
    del traces
    yield "sample", ran_rows.sample_rows(samples)
    yield "ledger", ran_rows.ledger_rows(ledger)
    yield "stay", ran_rows.stay_rows(process, began_ns)
    yield "op_total", ran_rows.op_total_rows(ops)
    del ops, samples
    yield "op", ran_rows.op_rows(process, began_ns)
    steps = process.ran.steps()
    yield "step", ran_rows.step_rows(steps, process.ran.step_graphs())
    yield "step_change", ran_rows.step_change_rows(steps)
    yield "step_line", ran_rows.step_line_rows(steps)
    yield "graph", rows.graph_rows(process)
    yield "conversion", rows.conversion_rows(process)
    yield "construct", rows.construct_rows(process)
    yield "graph_break", rows.break_rows(process)
    yield "fallback", rows.fallback_rows(process, began_ns)
    yield "stale", rows.stale_rows(process, began_ns)
    yield "calls", rows.calls_rows(process)
    yield "kernel", ran_rows.kernel_rows(process, view)
    yield "stop", rows.stop_rows(process, began_ns)
    yield "fault", rows.fault_rows(process, began_ns)
    yield "tally", rows.tally_rows(process)
    yield "dropped", iter(process.dropped().items())


def _fill(draft: str, run: RunInfo) -> None:
    """Give each table that has no rows a file: a reader finds all tables."""
    for name in TABLES:
        if not os.path.isdir(os.path.join(draft, name)):
            folder = os.path.join(draft, name, partition_of(run.id, None))
            write_rows(folder, name, [], "part-empty.parquet", even_if_empty=True)


def _move(draft: str, target: str, partition: str) -> None:
    """Put a run's folders into their places, table by table."""
    for name in TABLES:
        new, old = os.path.join(draft, name, partition), os.path.join(target, name, partition)
        shutil.rmtree(old, ignore_errors=True)
        if os.path.isdir(new):
            os.makedirs(os.path.dirname(old), mode=0o700, exist_ok=True)
            os.replace(new, old)


def _sign(target: str) -> None:
    data = {"format": "tracedbg dataset", "schema": VERSION, "tracedbg": __version__, "tables": list(TABLES)}
    descriptor = os.open(os.path.join(target, DATASET_FILE), os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(data, stream, indent=1)
