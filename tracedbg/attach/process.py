"""What the operating system says of a live process, and of our right to look into it. It reads Linux' /proc.

It must not know py-spy, nor what a stack means.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass

PROC = "/proc"
_CAP_SYS_PTRACE = 19
_PYTHON = re.compile(r"^(?:lib)?python(\d+\.\d+)")
_RUN_FILE = "run.json"


@dataclass(frozen=True)
class LiveProcess:
    """A process that is running; what could not be read is empty."""

    pid: int
    command: tuple[str, ...] = ()
    python: str = ""
    """Major and minor version, where the name of the executable or of its library tells it."""
    folder: str = ""
    """Where it runs."""
    user_id: int | None = None
    age_s: float | None = None
    os_threads: int = 0
    state: str = ""
    """As `ps` says it: R, S, D, T, Z, ..."""
    is_closed: bool = False
    """It has changed its user, or holds secrets: what is its own belongs to root, but for root's."""
    root: str = ""
    """Where its files are found, if that is not where ours are: it runs in a container of its own."""
    run: str = ""
    """The folder that tracedbg records it into."""


@dataclass(frozen=True)
class Rights:
    """What of this machine decides whether a process may be looked into."""

    ptrace_scope: int = 0
    """kernel.yama.ptrace_scope; 0 also where there is none."""
    is_root: bool = False
    has_capability: bool = False
    """CAP_SYS_PTRACE."""
    in_container: bool = False


def look_up(pid: int) -> LiveProcess | None:
    """The process of that number; None where there is none."""
    if not os.path.isdir(PROC):  # macOS
        return LiveProcess(pid) if _is_alive(pid) else None
    folder = f"{PROC}/{pid}"
    status = _status(f"{folder}/status")
    if not status or int(status.get("Tgid", pid)) != pid:  # the number of a thread is none of a process
        return None
    return LiveProcess(
        pid,
        tuple(_words(f"{folder}/cmdline")),
        _python_of(folder),
        _link(f"{folder}/cwd"),
        int(status["Uid"].split()[0]),
        _age_s(folder),
        int(status.get("Threads", 0)),
        status.get("State", "")[:1],
        _owner(f"{folder}/status") != int(status["Uid"].split()[1]),
        _root_of(folder),
        _run_of(folder, pid),
    )


def pythons_below(pid: int) -> list[LiveProcess]:
    """The Python processes that a process has started, and those that these have, lowest numbers first."""
    children: dict[int, list[int]] = {}
    try:
        numbers = [int(name) for name in os.listdir(PROC) if name.isdecimal()]
    except OSError:
        return []
    for number in numbers:
        parent = _status(f"{PROC}/{number}/status").get("PPid")
        if parent:
            children.setdefault(int(parent), []).append(number)
    found, left = [], list(children.get(pid, ()))
    while left:
        number = left.pop()
        left += children.get(number, ())
        process = look_up(number)
        if process is not None and process.python:
            found.append(process)
    return sorted(found, key=lambda process: process.pid)


def our_rights() -> Rights:
    """What this process may do here."""
    try:
        with open(f"{PROC}/sys/kernel/yama/ptrace_scope", encoding="ascii") as file:
            scope = int(file.read())
    except (OSError, ValueError):
        scope = 0
    capabilities = int(_status(f"{PROC}/self/status").get("CapEff", "0"), 16)
    return Rights(scope, os.geteuid() == 0, bool(capabilities >> _CAP_SYS_PTRACE & 1), _in_container())


def _in_container() -> bool:
    if os.path.exists("/.dockerenv") or os.path.exists("/run/.containerenv"):
        return True
    try:
        with open(f"{PROC}/1/cgroup", encoding="utf-8", errors="replace") as file:
            return any(word in file.read() for word in ("docker", "kubepods", "containerd", "libpod"))
    except OSError:
        return False


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _status(file: str) -> dict[str, str]:
    try:
        with open(file, encoding="utf-8", errors="replace") as opened:
            lines = (line.partition(":") for line in opened.read().splitlines())
            return {name: value.strip() for name, _, value in lines}
    except OSError:
        return {}


def _words(file: str) -> list[str]:
    try:
        with open(file, "rb") as opened:
            text = opened.read()
    except OSError:
        return []
    return [word.decode(errors="replace") for word in text.removesuffix(b"\0").split(b"\0")] if text else []


def _link(file: str) -> str:
    try:
        return os.readlink(file)
    except OSError:
        return ""


def _python_of(folder: str) -> str:
    found = _PYTHON.match(os.path.basename(_link(f"{folder}/exe")))
    if found:
        return found[1]
    try:
        with open(f"{folder}/maps", encoding="utf-8", errors="replace") as file:
            for line in file:
                found = _PYTHON.match(os.path.basename(line.rstrip()))
                if found:
                    return found[1]
    except OSError:
        pass
    return ""


def _owner(file: str) -> int | None:
    try:
        return os.stat(file).st_uid
    except OSError:
        return None


def _age_s(folder: str) -> float | None:
    try:
        with open(f"{folder}/stat", encoding="utf-8", errors="replace") as file:
            # The name of the program stands in parentheses, and may hold some itself.
            began_ticks = int(file.read().rpartition(")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return None
    return max(time.clock_gettime(time.CLOCK_BOOTTIME) - began_ticks / os.sysconf("SC_CLK_TCK"), 0.0)


def _root_of(folder: str) -> str:
    theirs = _link(f"{folder}/ns/mnt")
    return f"{folder}/root" if theirs and theirs != _link(f"{PROC}/self/ns/mnt") else ""


def _run_of(folder: str, pid: int) -> str:
    """Where tracedbg records the process, if it does: the boot leaves a note there for each."""
    for word in _words(f"{folder}/environ"):
        name, _, run = word.partition("=")
        if name == "TRACEDBG_RUN" and os.path.exists(os.path.join(run, _RUN_FILE)):
            return run if os.path.exists(os.path.join(run, f"p{pid}.boot")) else ""
    return ""
