"""Joins runs that were recorded apart, one on each machine, into one. It must not know what is recorded."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from tracedbg.errors import DamagedRunError, RecordingError, UsageError
from tracedbg.store.cells import copy_cells
from tracedbg.store.journal import ENDING as JOURNAL_ENDING
from tracedbg.store.journal import journal_of, read_journal
from tracedbg.store.native import FILE as NATIVE_FILE
from tracedbg.store.reader import ProcessRecording, list_databases
from tracedbg.store.run import create_run, read_run_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.store.records import ProcessInfo
    from tracedbg.store.run import RunFolder
    from tracedbg.store.run_info import RunInfo

_BESIDE = re.compile(r"(?P<stem>p\d+(-\d+)?)(?P<ending>\.(?!db)\w+)")
"""A file of a process that is not its database: what the boot has noted, the journal."""


def merge_runs(folders: Sequence[str], out: str | None) -> RunFolder:
    """Copy the runs in `folders` into a new one; they stay as they are.

    Times are left alone: each process says when it began by the wall clock of its machine.

    Args:
        folders: of the runs.
        out: the new folder, which must be new or empty; None for one below `.tracedbg`.

    Raises:
        NotARunError, NewerSchemaError, DamagedRunError: one cannot be read.
        UsageError: they are no parts of one run.
        RecordingError: the new one cannot be written.
    """
    runs = [read_run_file(folder) for folder in folders]
    _check_are_parts(folders)
    is_new = out is None or not os.path.exists(out)
    first = min(runs, key=lambda run: run.started_wall_ns)
    merged = create_run(out, first.argv, redacted=any(run.redacted for run in runs))
    try:
        for folder in folders:
            _copy(folder, merged.path)
        if not merged.info.redacted:
            copy_cells(folders, merged.path)
        merged = replace(merged, info=_joined(runs, merged.info))
        end_ns = max(run.started_wall_ns + (run.wall_ns or 0) for run in runs)
        failed = next((run for run in runs if run.exit_code), first)
        if all(run.wall_ns is not None for run in runs):
            merged.finish(
                exit_code=failed.exit_code, signal=failed.signal, wall_ns=end_ns - first.started_wall_ns
            )
        else:
            merged.update()
    except BaseException as error:
        shutil.rmtree(merged.path, ignore_errors=True)
        if not is_new:
            with suppress(OSError):
                os.mkdir(merged.path, 0o700)
        if isinstance(error, OSError):
            raise RecordingError(f"cannot record into {merged.path}: {error.strerror or error}") from error
        raise
    return merged


def _joined(runs: Sequence[RunInfo], info: RunInfo) -> RunInfo:
    first = min(runs, key=lambda run: run.started_wall_ns)
    folders, launchers, jobs = ({getattr(run, name) for run in runs} for name in ("cwd", "launcher", "job"))
    return replace(
        info,
        started_wall_ns=first.started_wall_ns,
        cwd=first.cwd if len(folders) == 1 else "",
        launcher=first.launcher if len(launchers) == 1 else None,
        job=first.job if len(jobs) == 1 else "",
    )


def _check_are_parts(folders: Sequence[str]) -> None:
    """Refuse runs that have the same process, or the same rank of one generation."""
    where: dict[tuple[object, ...], tuple[str, str]] = {}
    for folder in folders:
        for path in list_databases(folder):
            with closing(ProcessRecording.open(path)) as recording:
                info = recording.info
            for key, name in _names(info):
                other, job = where.setdefault(key, (folder, info.job))
                # A job whose nodes come and go may have had a rank on one machine, and then on another.
                if other != folder and not (key[0] == "rank" and job and job == info.job):
                    raise UsageError(f"{name} is in {other} and in {folder}: they are not parts of one run")


def _names(info: ProcessInfo) -> list[tuple[tuple[object, ...], str]]:
    found: list[tuple[tuple[object, ...], str]] = [
        ((info.host, info.pid, info.started_wall_ns), f"process {info.pid} of {info.host}")
    ]
    if info.is_rank:
        again = f" of generation {info.generation}" if info.generation else ""
        found.append((("rank", info.rank, info.generation or 0), f"rank {info.rank}{again}"))
    return found


def _copy(folder: str, out: str) -> None:
    stems: dict[str, str] = {}
    for path in list_databases(folder):
        stem = os.path.basename(path).removesuffix(".db")
        stems[stem] = _free(out, stem)
        target = os.path.join(out, f"{stems[stem]}.db")
        if read_journal(journal_of(path)):  # before the database, which may take it over meanwhile
            _append(journal_of(path), journal_of(target))
        _copy_database(path, target)
    for name in sorted(os.listdir(folder)):
        found = _BESIDE.fullmatch(name)
        if not os.path.isfile(os.path.join(folder, name)):  # a pipe would hold us up
            continue
        if found is not None and found["ending"] != JOURNAL_ENDING:
            _append(
                os.path.join(folder, name),
                os.path.join(out, f"{stems.get(found['stem'], found['stem'])}{found['ending']}"),
            )
        elif name == NATIVE_FILE and not os.path.exists(os.path.join(out, name)):
            _append(os.path.join(folder, name), os.path.join(out, name))


def _free(out: str, stem: str) -> str:
    """A name that no process has there: two machines may have processes of one number."""
    plain, number = stem.partition("-")[0], 0
    while os.path.exists(os.path.join(out, f"{stem}.db")):
        number += 1
        stem = f"{plain}-{number}"
    return stem


def _copy_database(path: str, target: str) -> None:
    """With what is still in its log: the process may have been killed, or still write."""
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with closing(ProcessRecording.open(path)) as recording, closing(sqlite3.connect(target)) as copy:
            recording.copy_to(copy)
            copy.execute("pragma journal_mode = delete")
    except sqlite3.Error as error:
        raise DamagedRunError(f"cannot copy {path} to {target}: {error}") from error


def _append(path: str, target: str) -> None:
    with open(path, "rb") as source:
        content = source.read()
    descriptor = os.open(target, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    with open(descriptor, "ab") as file:
        file.write(content)
