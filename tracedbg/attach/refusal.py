"""Why a process cannot be looked into, and the way out, in one line."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from tracedbg.attach.process import Rights, look_up, our_rights, pythons_below
from tracedbg.errors import ProcessError
from tracedbg.pyspy import PySpyError, Reason

if TYPE_CHECKING:
    from tracedbg.attach.process import LiveProcess

PIP_LINE = "python -m pip install py-spy"
_NO_PTRACE = 3
_ADMIN_ONLY = 2
_CHILDREN_ONLY = 1


def find_process(pid: int) -> LiveProcess:
    """The process of that number, if it can be looked into as far as one can tell beforehand.

    Raises:
        ProcessError: there is none, it has ended, it is another user's, or it is ourselves.
    """
    process = look_up(pid)
    if process is None:
        raise ProcessError(f"no process has the number {pid}; `ps -ef` lists them")
    if process.state in ("Z", "X"):
        raise ProcessError(f"process {pid} has ended, and waits only for its parent to take notice")
    if pid == os.getpid():
        raise ProcessError(f"process {pid} is this tracedbg itself; name another")
    if process.user_id not in (None, os.geteuid()) and os.geteuid() != 0:
        raise ProcessError(
            f"process {pid} belongs to {_user(process.user_id)}: looking into it needs root: {_sudo(pid)}"
        )
    return process


def refused(error: PySpyError, pid: int) -> ProcessError:
    """What is said of a process that py-spy has said nothing of."""
    if error.reason is Reason.MISSING:
        return ProcessError(f"stacks of live processes need py-spy, which is not installed: {PIP_LINE}")
    process = look_up(pid)
    if error.reason is Reason.GONE or process is None or process.state in ("Z", "X"):
        return ProcessError(f"process {pid} has ended meanwhile")
    if error.reason is Reason.NOT_PYTHON:
        return ProcessError(f"process {pid}{_program(process)} is not Python{_others(pid)}")
    if error.reason is Reason.DENIED:
        return ProcessError(f"ptrace of process {pid} is not allowed: {why_denied(our_rights(), process)}")
    return ProcessError(f"py-spy cannot read process {pid}: {error.detail}")


def why_denied(rights: Rights, process: LiveProcess | None = None) -> str:
    """Why ptrace is refused on a machine, perhaps of that process, and how it is allowed."""
    sudo = _sudo(None if process is None else process.pid)
    if process is not None and process.is_closed and not rights.has_capability:
        return f"it has closed itself (it has changed its user, or holds secrets): {sudo}"
    if rights.ptrace_scope >= _NO_PTRACE:
        return (
            f"kernel.yama.ptrace_scope is {rights.ptrace_scope}, which switches it off until the machine is"
            " booted with another setting"
        )
    if not rights.has_capability and (rights.is_root or (rights.in_container and not rights.ptrace_scope)):
        if rights.in_container:
            return "this container lacks a capability: start it with `docker run --cap-add SYS_PTRACE`"
        return "this root lacks CAP_SYS_PTRACE: use one that has it"
    why = {
        _CHILDREN_ONLY: "kernel.yama.ptrace_scope is 1, which leaves it to parents and to root",
        _ADMIN_ONLY: "kernel.yama.ptrace_scope is 2, which leaves it to root",
    }.get(rights.ptrace_scope, "this user may not")
    or_else = ", or sudo sysctl kernel.yama.ptrace_scope=0" if rights.ptrace_scope == _CHILDREN_ONLY else ""
    return f"{why}: {sudo}{or_else}"


def _sudo(pid: int | None) -> str:
    return f'sudo env PATH="$PATH" tracedbg attach {"PID" if pid is None else pid}'


def _user(user_id: int | None) -> str:
    if user_id is None:
        return "another user"
    try:
        import pwd  # noqa: PLC0415  deferred: Windows has none

        return pwd.getpwuid(user_id).pw_name
    except (ImportError, KeyError):
        return f"user {user_id}"


def _program(process: LiveProcess) -> str:
    name = os.path.basename(process.command[0]) if process.command else ""
    return f" ({_clean(name)})" if name else ""


def _others(pid: int) -> str:
    below = pythons_below(pid)
    if not below:
        return "; `pgrep -af python` lists those that are"
    process = below[0]
    what = _clean(shlex.join(process.command))[:60]
    more = f", and {len(below) - 1} more" if len(below) > 1 else ""
    return f"; a Python that it has started is: tracedbg attach {process.pid} ({what}{more})"


def _clean(text: str) -> str:
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
