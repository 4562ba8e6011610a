"""The folder of a run: making one, finding one, and `run.json`."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tracedbg import __version__
from tracedbg.errors import DamagedRunError, NewerSchemaError, NotARunError, RecordingError, UsageError
from tracedbg.store.records import RunInfo

if TYPE_CHECKING:
    from collections.abc import Sequence

HOME = ".tracedbg"
"""Where runs are kept, below the current folder."""
RUN_FILE = "run.json"
RUN_FILE_VERSION = 1


@dataclass(frozen=True)
class RunFolder:
    """A run that is being recorded."""

    path: str
    info: RunInfo

    def finish(self, *, exit_code: int | None, signal: int | None, wall_ns: int) -> None:
        """Write down how the run ended. A full disk is not an error: the rest is still there."""
        info = replace(self.info, exit_code=exit_code, signal=signal, wall_ns=wall_ns)
        try:
            _write_run_file(self.path, info)
        except OSError:
            with suppress(OSError):  # in place: the block that the file has is enough
                _write(os.path.join(self.path, RUN_FILE), info)


def create_run(out: str | None, argv: Sequence[str], *, home: str = HOME) -> RunFolder:
    """Make the folder of a new run.

    Args:
        out: the folder itself, which must be new or empty; None for a new one below `home`.
        argv: what the user runs.
        home: where runs are kept.

    Raises:
        RecordingError: it cannot be made, or is already in use.
    """
    started = time.time_ns()
    name = _new_id(started)
    path = os.path.abspath(out if out is not None else os.path.join(home, name))
    try:
        if out is None:
            _make_home(home)
        if os.path.isdir(path) and os.listdir(path):
            raise RecordingError(f"{path} is not empty: name a new folder with --out DIR")
        os.makedirs(path, mode=0o700, exist_ok=True)
        info = RunInfo(os.path.basename(path), tuple(argv), started, tracedbg=__version__, cwd=_cwd())
        _write_run_file(path, info)
    except OSError as error:
        raise RecordingError(
            f"cannot record into {path}: {error.strerror or error}; name a folder that can be"
            " written with --out DIR"
        ) from error
    return RunFolder(path, info)


def _cwd() -> str:
    try:
        return os.getcwd()
    except OSError:  # it has been removed
        return ""


def _new_id(started_wall_ns: int) -> str:
    """An id that sorts by time and, within a millisecond, is still no other run's."""
    seconds, rest = divmod(started_wall_ns, 10**9)
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(seconds))
    return f"{stamp}-{rest // 10**6:03d}{os.urandom(2).hex()}"


def _make_home(home: str) -> None:
    os.makedirs(home, mode=0o700, exist_ok=True)
    ignore = os.path.join(home, ".gitignore")
    if not os.path.exists(ignore):
        with open(ignore, "w", encoding="utf-8") as file:
            file.write("*\n")


def _write_run_file(path: str, info: RunInfo) -> None:
    """Write `run.json`, whole or not at all for whoever reads it meanwhile."""
    target = os.path.join(path, RUN_FILE)
    draft = f"{target}.{os.getpid()}"
    try:
        _write(draft, info)
        os.replace(draft, target)
    except OSError:
        with suppress(OSError):
            os.unlink(draft)
        raise


def _write(file: str, info: RunInfo) -> None:
    data = {
        "schema": RUN_FILE_VERSION,
        "id": info.id,
        "argv": list(info.argv),
        "started_wall_ns": info.started_wall_ns,
        "exit_code": info.exit_code,
        "signal": info.signal,
        "wall_ns": info.wall_ns,
        "tracedbg": info.tracedbg,
        "cwd": info.cwd,
    }
    descriptor = os.open(file, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        # All of it in one call, and cut off only then: what was there is not lost to a full disk.
        os.ftruncate(descriptor, os.write(descriptor, json.dumps(data, indent=1).encode()))
    finally:
        os.close(descriptor)


def read_run_file(folder: str) -> RunInfo:
    """What `run.json` of `folder` says.

    Raises:
        NotARunError: there is none.
        NewerSchemaError: a newer tracedbg has written it.
        DamagedRunError: it cannot be read.
    """
    path = os.path.join(folder, RUN_FILE)
    try:
        with open(path, encoding="utf-8") as file:
            data: dict[str, Any] = json.load(file)
        schema = int(data["schema"])
        if schema > RUN_FILE_VERSION:
            raise NewerSchemaError(
                f"{folder} was written by a newer tracedbg (run.json {schema}, this one reads up to"
                f" {RUN_FILE_VERSION}): upgrade with python -m pip install -U tracedbg"
            )
        return RunInfo(
            id=str(data["id"]),
            argv=tuple(map(str, data["argv"])),
            started_wall_ns=int(data["started_wall_ns"]),
            exit_code=data["exit_code"],
            signal=data["signal"],
            wall_ns=data["wall_ns"],
            tracedbg=str(data["tracedbg"]),
            cwd=str(data.get("cwd", "")),
        )
    except (FileNotFoundError, NotADirectoryError) as error:
        what = "there is no such folder" if not os.path.exists(folder) else f"it has no {RUN_FILE}"
        raise NotARunError(f"{folder} is not a run: {what}; `tracedbg runs` lists the runs") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedRunError(f"cannot read {path}: {error}") from error


def list_runs(home: str = HOME) -> list[str]:
    """The folders of all runs below `home`, the oldest first."""
    try:
        names = sorted(os.listdir(home))
    except (FileNotFoundError, NotADirectoryError):
        return []
    folders = (os.path.join(home, name) for name in names)
    return [folder for folder in folders if os.path.exists(os.path.join(folder, RUN_FILE))]


def find_run(name: str | None, home: str = HOME) -> str:
    """The folder of a run, from a path, an id, or the unambiguous beginning of one.

    Args:
        name: None for the newest run below `home`.
        home: where runs are kept.

    Raises:
        NotARunError: there is none of that name.
        UsageError: several begin like that.
    """
    if name is not None and (os.path.isdir(name) or os.sep in name):
        return name
    folders = list_runs(home)
    if name is None:
        if not folders:
            raise NotARunError(f"no run in {os.path.abspath(home)} yet; make one with tracedbg run SCRIPT")
        return folders[-1]
    matching = [folder for folder in folders if os.path.basename(folder).startswith(name)]
    if not matching:
        raise NotARunError(
            f"no run named {name!r} in {os.path.abspath(home)}; `tracedbg runs` lists the runs"
        )
    if len(matching) > 1:
        ids = ", ".join(os.path.basename(folder) for folder in matching)
        raise UsageError(f"several runs begin with {name!r}: {ids}")
    return matching[0]
