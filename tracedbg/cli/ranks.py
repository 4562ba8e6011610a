"""A run of many ranks: torchrun that we start, and ranks that somebody else has started, each with us in it.

It must not know how a program is observed.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from tracedbg.errors import UsageError
from tracedbg.identity import identity_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from tracedbg.identity import Identity
    from tracedbg.store.joining import Member
    from tracedbg.store.run import RunFolder

MODULE = "torch.distributed.run"
_NO_PYTHON = ("--no-python", "--no_python", "--run-path", "--run_path", "-m", "--module")
_NODES = ("--nnodes",)
_NODE = ("--node-rank", "--node_rank")
_JOB = ("--rdzv-id", "--rdzv_id")
_NS = 10**9


def torchrun_command(python: Sequence[str], text: str, program: Sequence[str]) -> list[str]:
    """The command line of `--torchrun "OPTIONS"`: its ranks run Python as we would run it.

    Raises:
        UsageError: the options make no sense.
    """
    return [*python, "-m", MODULE, *_words(text), "--no-python", python[0], "-u", *python[1:], *program]


def _words(text: str) -> list[str]:
    import shlex  # noqa: PLC0415  deferred: only for torchrun

    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"--torchrun {text!r}: {error}") from error
    for word in words:
        if word in _NO_PYTHON:
            raise UsageError(
                f"--torchrun: leave {word} out; the program, or -m MODULE, comes after the options"
            )
        if word.endswith(".py"):
            raise UsageError(
                f"--torchrun takes options of torchrun alone: name the program after it, as in"
                f' --torchrun "--nproc-per-node 4" {word}'
            )
    if words and not words[0].startswith("-"):
        raise UsageError(f"--torchrun takes options, such as --nproc-per-node 4, and not {words[0]!r}")
    return words


def check_torchrun(args: argparse.Namespace) -> None:
    """Refuse what the ranks of torchrun cannot have.

    Raises:
        UsageError: an option makes no sense with `--torchrun`.
    """
    for name, is_given in (
        ("break", bool(args.breaks)),
        ("listen", args.listen is not None),
        ("native", args.native),
    ):
        if is_given:
            raise UsageError(
                f"--{name} does not reach the ranks of torchrun: leave --torchrun or --{name} out"
            )
    if args.program[0] == "-":
        raise UsageError("--torchrun needs a script or -m MODULE: its ranks cannot all read stdin")
    _words(args.torchrun)
    if args.python is None and not _has_torch():
        raise UsageError(
            "--torchrun needs torch, which this Python does not have; name another with --python EXE"
        )


def _has_torch() -> bool:
    from importlib.util import find_spec  # noqa: PLC0415  deferred: only for torchrun

    return find_spec("torch") is not None


def member_of(environ: Mapping[str, str], torchrun: str | None) -> Member | None:
    """What others may write into our run with us; None if we are the only one.

    Args:
        environ: our environment.
        torchrun: the options of a torchrun that we start.
    """
    from tracedbg.store.joining import Member  # noqa: PLC0415  deferred: `--help` need not load it

    identity = identity_of(environ, os.getpid())
    if torchrun is not None:
        return _node(_words(torchrun), identity)
    if identity.rank is None or (identity.launcher != "torchrun" and identity.world_size in (None, 1)):
        return None
    return Member(
        f"rank {identity.rank}",
        identity.launcher,
        identity.job,
        identity.generation or 0,
        _agent() if identity.launcher == "torchrun" else "",
    )


def _node(words: Sequence[str], identity: Identity) -> Member | None:
    """One of several nodes on which we start torchrun."""
    from tracedbg.store.joining import Member  # noqa: PLC0415  deferred: `--help` need not load it

    if _option(words, _NODES) in (None, "1", "1:1"):
        return None
    number = _option(words, _NODE) or identity.node
    name = f"{socket.gethostname()} {os.getpid()}" if number is None else number
    job = _option(words, _JOB) or identity.job
    return Member(f"node {name}", "torchrun", job, identity.generation or 0)


def _option(words: Sequence[str], names: Sequence[str]) -> str | None:
    found = None
    for number, word in enumerate(words):
        name, is_given, value = word.partition("=")
        if name in names:
            found = value if is_given else next(iter(words[number + 1 :]), None)
    return found


def run_folder(
    out: str | None, argv: Sequence[str], member: Member | None, *, redacted: bool = False
) -> RunFolder:
    """The run that is recorded into: one of our own, or one that other ranks have as well.

    Raises:
        RecordingError: it cannot be made, or holds something else.
    """
    from tracedbg.store.joining import join_run  # noqa: PLC0415  deferred: `--help` need not load it
    from tracedbg.store.run import create_run, make_home  # noqa: PLC0415  deferred: likewise

    if member is None:
        return create_run(out, argv, redacted=redacted)
    if out is None:
        shared = _shared_id(member)
        if shared is None:
            return create_run(None, argv, redacted=redacted)
        out = make_home(shared)
    return join_run(out, argv, member, redacted=redacted)


def _shared_id(member: Member) -> str | None:
    """An id that the other ranks of this machine come to as well: by what has started them all."""
    from tracedbg.store.run import new_id  # noqa: PLC0415  deferred: `--help` need not load it

    started_ns = _parent_started_ns() if member.agent else None
    return None if started_ns is None else new_id(started_ns, f"{os.getppid() & 0xFFFF:04x}")


def _agent() -> str:
    started_ns = _parent_started_ns()
    return "" if started_ns is None else f"{socket.gethostname()} {os.getppid()} {started_ns}"


def _parent_started_ns() -> int | None:
    """When our parent has begun, by the wall clock: the same for all its children; None but on Linux."""
    try:
        with open(f"/proc/{os.getppid()}/stat", encoding="utf-8", errors="replace") as file:
            ticks = int(file.read().rpartition(")")[2].split()[19])
        with open("/proc/stat", encoding="utf-8") as file:
            booted_s = next(int(line.split()[1]) for line in file if line.startswith("btime"))
    except (OSError, ValueError, IndexError, StopIteration):
        return None
    return booted_s * _NS + ticks * _NS // os.sysconf("SC_CLK_TCK")
