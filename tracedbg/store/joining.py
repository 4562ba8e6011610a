"""A run that several write into together: ranks of one job, each started as a `tracedbg run` of its own.

Whoever comes first makes `run.json`; each leaves a file `<name>.part` that says how far it has come, so
that the last one to end can say how the run as a whole has ended. It must not know a launcher.
"""

from __future__ import annotations

import json
import os
import socket
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from tracedbg import __version__
from tracedbg.errors import DamagedRunError, RecordingError
from tracedbg.store.run import (
    RUN_FILE,
    RunFolder,
    cannot_record,
    current_folder,
    link_run_file,
    not_empty,
    read_run_file,
    write_run_file,
    write_whole,
)
from tracedbg.store.run_info import RunInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ENDING = ".part"
_KILLED = 9
_SIGNAL_BASE = 128
_PATIENCE_S = 1.0


@dataclass(frozen=True)
class Member:
    """One of those who write into a run together."""

    name: str
    """Unique among those of a generation: `rank 3`, `node 1`."""
    launcher: str
    job: str = ""
    generation: int = 0
    agent: str = ""
    """What has started it, and starts it again where it fails; empty where that cannot be told."""


@dataclass(frozen=True)
class _Part:
    """How far one of them has come: what its file holds."""

    member: Member
    host: str
    pid: int
    started_wall_ns: int
    ended_wall_ns: int | None = None
    exit_code: int | None = None
    signal: int | None = None

    @property
    def has_ended(self) -> bool:
        """Also if it was killed, and could not say so."""
        return self.exit_code is not None or self._is_gone

    @property
    def code(self) -> int:
        return _SIGNAL_BASE + _KILLED if self.exit_code is None else self.exit_code

    @property
    def _is_gone(self) -> bool:
        if self.host != socket.gethostname():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            pass
        return False


@dataclass(frozen=True)
class JoinedRun(RunFolder):
    """A run, as one of those who write into it sees it."""

    file: str
    part: _Part

    def finish(self, *, exit_code: int | None, signal: int | None, wall_ns: int) -> bool:
        """See `RunFolder`: the run ends with the last one."""
        ended_ns = self.part.started_wall_ns + wall_ns
        part = replace(self.part, ended_wall_ns=ended_ns, exit_code=exit_code, signal=signal)
        with suppress(OSError):  # a full disk: the recordings are still there
            write_whole(self.file, _dump(part))
        parts = [*(one for file, one in _parts(self.path) if file != self.file), part]
        if not all(one.has_ended for one in parts):
            return False
        last = max(one.member.generation for one in parts)
        code, number = _how_it_ended([one for one in parts if one.member.generation == last])
        end_ns = max(one.ended_wall_ns or 0 for one in parts)
        run = replace(self, info=read_run_file(self.path))
        RunFolder.finish(run, exit_code=code, signal=number, wall_ns=end_ns - run.info.started_wall_ns)
        return _is_first(_end_of(self.path, last))


def _how_it_ended(parts: Sequence[_Part]) -> tuple[int, int | None]:
    """As the first one that failed; those that its launcher then ended have failed later."""
    failed = [one for one in parts if one.code]
    if not failed:
        return 0, None
    first = min(failed, key=lambda one: one.ended_wall_ns or 0)
    return first.code, first.signal if first.exit_code is not None else _KILLED


def join_run(path: str, argv: Sequence[str], member: Member, *, redacted: bool = False) -> JoinedRun:
    """Make the run in `path`, or become one of those who write into it.

    Raises:
        RecordingError: it cannot be made, or holds something else.
    """
    path = os.path.abspath(path)
    now = time.time_ns()
    info = RunInfo(
        os.path.basename(path),
        tuple(argv),
        now,
        tracedbg=__version__,
        cwd=current_folder(),
        launcher=member.launcher,
        job=member.job,
        redacted=redacted,
    )
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        _check_is_ours(path)
        if not link_run_file(path, info):
            info = _joined(path, member)
        part = _Part(member, socket.gethostname(), os.getpid(), now)
        file = _claim(path, part, info)
    except OSError as error:
        raise cannot_record(path, error) from error
    if info.exit_code is not None:  # those before us have ended already
        with suppress(OSError):
            os.unlink(_end_of(path, member.generation))
        info = replace(info, exit_code=None, signal=None, wall_ns=None)
        with suppress(OSError):
            write_run_file(path, info)
    return JoinedRun(path, info, file, part)


def _end_of(path: str, generation: int) -> str:
    """The file that says that somebody has told the end of it."""
    return os.path.join(path, f"generation-{generation}.ended")


def _check_is_ours(path: str) -> None:
    """Refuse a folder of something else. Whoever is first to come makes `run.json` before any other file."""
    others = [name for name in os.listdir(path) if not name.startswith(RUN_FILE)]
    if others and not os.path.exists(os.path.join(path, RUN_FILE)):
        raise not_empty(path)


def _joined(path: str, member: Member) -> RunInfo:
    """The run that somebody else has made there.

    Raises:
        RecordingError: it is not this job's.
    """
    info = _read_run(path)
    if info.launcher is None:
        raise not_empty(path)
    if (info.launcher, info.job) != (member.launcher, member.job):
        raise RecordingError(
            f"{path} has a run of {_named(info.launcher, info.job)}, and this is"
            f" {_named(member.launcher, member.job)}: name a new folder with --out DIR"
        )
    return info


def _read_run(path: str) -> RunInfo:
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return read_run_file(path)
        except DamagedRunError as error:  # where files cannot be linked, it may be half there
            if time.monotonic() > until:
                raise RecordingError(f"{error}; name a new folder with --out DIR") from error
            time.sleep(_PATIENCE_S / 100)


def _named(launcher: str, job: str) -> str:
    return f"{launcher or 'a launcher'}{f' job {job}' if job else ' without a job id'}"


def _claim(path: str, part: _Part, info: RunInfo) -> str:
    """Make this member's file; nobody else has its name."""
    member = part.member
    stem = f"{member.name.replace(' ', '-')}.{member.generation}"
    number = 0
    while True:
        file = os.path.join(path, f"{stem}{f'-{number}' if number else ''}{ENDING}")
        if _is_first(file, _dump(part)):
            return file
        _check_is_again(path, file, member, info)
        number += 1


def _check_is_again(path: str, file: str, member: Member, info: RunInfo) -> None:
    """Refuse a second one of a name, unless its launcher has started it again without counting that.

    torchrun does so where nodes come and go; the rank may then be on another node.
    """
    held = _read(file)
    is_same_agent = held is not None and bool(member.agent) and held.member.agent == member.agent
    if is_same_agent or (member.job and info.exit_code is None):
        return
    raise RecordingError(
        f"{path} has a {member.name} already: it holds an earlier run; name a new folder with --out DIR"
    )


def _is_first(file: str, content: bytes = b"") -> bool:
    """Make `file`, unless there is one."""
    try:
        descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return False
    try:
        os.write(descriptor, content)
    finally:
        os.close(descriptor)
    return True


def _parts(path: str) -> Iterator[tuple[str, _Part]]:
    for name in sorted(os.listdir(path)):
        file = os.path.join(path, name)
        part = _read(file) if name.endswith(ENDING) else None
        if part is not None:
            yield file, part


def _dump(part: _Part) -> bytes:
    return json.dumps(asdict(part)).encode()


def _read(file: str) -> _Part | None:
    """What `file` says; None while it is being made, or where it is damaged."""
    try:
        with open(file, encoding="utf-8") as opened:
            data: dict[str, Any] = json.load(opened)
        part = _Part(**{**data, "member": Member(**data["member"])})
        numbers = (part.pid, part.started_wall_ns, part.ended_wall_ns or 0, part.exit_code or 0)
        return part if all(isinstance(one, int) for one in (*numbers, part.member.generation)) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
