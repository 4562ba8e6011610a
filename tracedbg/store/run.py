"""The folder of a run: making one, finding one, and `run.json`."""

from __future__ import annotations

import json
import os
import socket
import stat
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tracedbg import __version__
from tracedbg.errors import DamagedRunError, NewerSchemaError, NotARunError, RecordingError, UsageError
from tracedbg.store.guarded import read_text
from tracedbg.store.run_info import RunInfo

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

    def update(self) -> None:
        """Write down what is known of it.

        Raises:
            OSError: that cannot be written.
        """
        write_run_file(self.path, self.info)

    def finish(self, *, exit_code: int | None, signal: int | None, wall_ns: int) -> bool:
        """Write down how the run ended. A full disk is not an error: the rest is still there.

        Returns:
            Whether the run as a whole has ended with it.
        """
        info = replace(self.info, exit_code=exit_code, signal=signal, wall_ns=wall_ns)
        try:
            write_run_file(self.path, info)
        except OSError:
            with suppress(OSError):  # in place: the block that the file has is enough
                _write(os.path.join(self.path, RUN_FILE), _dump(info))
        return True


def create_run(
    out: str | None, argv: Sequence[str], *, home: str = HOME, redacted: bool = False
) -> RunFolder:
    """Make the folder of a new run.

    Args:
        out: the folder itself, which must be new or empty; None for a new one below `home`.
        argv: what the user runs.
        home: where runs are kept.
        redacted: whether the program's values are kept out of it.

    Raises:
        RecordingError: it cannot be made, or is already in use.
    """
    started = time.time_ns()
    name = new_id(started)
    path = os.path.abspath(out if out is not None else os.path.join(home, name))
    try:
        if out is None:
            make_home(name, home)
        if os.path.isdir(path) and os.listdir(path):
            raise not_empty(path)
        os.makedirs(path, mode=0o700, exist_ok=True)
        make_private(path)
        info = RunInfo(
            os.path.basename(path),
            tuple(argv),
            started,
            tracedbg=__version__,
            cwd=current_folder(),
            redacted=redacted,
        )
        write_run_file(path, info)
    except OSError as error:
        raise cannot_record(path, error) from error
    return RunFolder(path, info)


def make_private(path: str) -> None:
    """Close an empty folder to others; one of somebody else's is none of ours.

    Raises:
        RecordingError: it belongs to another user, who could put something else into the place of our files.
    """
    found = os.stat(path)
    if found.st_uid not in (os.geteuid(), 0) and os.geteuid() != 0:
        raise RecordingError(f"{path} belongs to another user: name a folder of your own with --out DIR")
    if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) & 0o077:
        os.chmod(path, 0o700)


def not_empty(path: str) -> RecordingError:
    """There is something in the folder."""
    return RecordingError(f"{path} is not empty: name a new folder with --out DIR")


def cannot_record(path: str, error: OSError) -> RecordingError:
    """The folder cannot be made, or be written."""
    return RecordingError(
        f"cannot record into {path}: {error.strerror or error}; name a folder that can be"
        " written with --out DIR"
    )


def current_folder() -> str:
    """The current folder; empty where it has been removed."""
    try:
        return os.getcwd()
    except OSError:  # it has been removed
        return ""


def new_id(started_wall_ns: int, mark: str | None = None) -> str:
    """An id that sorts by time and, within a millisecond, is still no other run's.

    Args:
        started_wall_ns: when the run has begun.
        mark: what tells it from others of that moment; by default, chance.
    """
    seconds, rest = divmod(started_wall_ns, 10**9)
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(seconds))
    return f"{stamp}-{rest // 10**6:03d}{os.urandom(2).hex() if mark is None else mark}"


def make_home(name: str, home: str = HOME) -> str:
    """Have a folder for runs; where in it the run of that name is."""
    os.makedirs(home, mode=0o700, exist_ok=True)
    ignore = os.path.join(home, ".gitignore")
    if not os.path.exists(ignore):
        with open(ignore, "w", encoding="utf-8") as file:
            file.write("*\n")
    return os.path.join(home, name)


def write_run_file(path: str, info: RunInfo) -> None:
    """Write `run.json`, whole or not at all for whoever reads it meanwhile."""
    write_whole(os.path.join(path, RUN_FILE), _dump(info))


def link_run_file(path: str, info: RunInfo) -> bool:
    """Make `run.json`, unless there is one: of several that try at once, on several machines, one does it.

    Returns:
        Whether it was us.
    """
    target = os.path.join(path, RUN_FILE)
    draft = _draft(target)
    try:
        _write(draft, _dump(info))
        try:
            os.link(draft, target)
        except PermissionError:  # a file system without links
            _write(target, _dump(info), os.O_EXCL)
    except FileExistsError:
        return False
    finally:
        with suppress(OSError):
            os.unlink(draft)
    return True


def write_whole(file: str, content: bytes) -> None:
    """Write `file`, whole or not at all for whoever reads it meanwhile."""
    draft = _draft(file)
    try:
        _write(draft, content)
        os.replace(draft, file)
    except OSError:
        with suppress(OSError):
            os.unlink(draft)
        raise


def _draft(file: str) -> str:
    """A name that nobody else uses: machines that share the folder may have processes of one number."""
    return f"{file}.{socket.gethostname()}.{os.getpid()}"


def _dump(info: RunInfo) -> bytes:
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
        "launcher": info.launcher,
        "job": info.job,
        "redacted": info.redacted,
    }
    return json.dumps(data, indent=1).encode()


def _write(file: str, content: bytes, flags: int = 0) -> None:
    descriptor = os.open(file, os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW | flags, 0o600)
    try:
        # All of it in one call, and cut off only then: what was there is not lost to a full disk.
        os.ftruncate(descriptor, os.write(descriptor, content))
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
        data: dict[str, Any] = json.loads(read_text(path))
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
            launcher=data.get("launcher"),
            job=str(data.get("job", "")),
            redacted=data.get("redacted") is True,
        )
    except (FileNotFoundError, NotADirectoryError) as error:
        what = "there is no such folder" if not os.path.exists(folder) else f"it has no {RUN_FILE}"
        raise NotARunError(f"{folder} is not a run: {what}; `tracedbg runs` lists the runs") from error
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
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
