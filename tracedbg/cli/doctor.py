"""`tracedbg doctor`: what works on this machine, and why the rest does not.

It looks, and imports no framework itself; with `--deep` it runs a small program under observation.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from tracedbg import __version__, plugins

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from tracedbg.cli.parser import Parser

_OLDEST_SQLITE = (3, 35, 0)
_DEEP_TIMEOUT_S = 300
_PROBES = {
    "torch": "import torch\n\n\n@torch.compile(backend='eager')\ndef probe(x):\n    return x + 1\n\n\n"
    "probe(torch.ones(2))\nprobe(torch.ones(3))\n",
    "tensorflow": "import tensorflow as tf\n\n\n@tf.function\ndef probe(x):\n    return x + 1\n\n\n"
    "probe(tf.ones(2))\nprobe(tf.ones(3))\n",
}
"""Programs that trace twice."""


class Finding(NamedTuple):
    """One thing that was looked at."""

    what: str
    state: str
    """`ok`, `off` (something optional is missing) or `BAD` (tracedbg cannot do its work)."""
    text: str


class Doctor:
    """Says what works here."""

    name: ClassVar[str] = "doctor"
    help: ClassVar[str] = "say what works on this machine, and why the rest does not"

    def configure(self, parser: Parser) -> None:
        """How closely to look."""
        parser.add_argument(
            "--deep", action="store_true", help="also observe a small program of each framework (slow)"
        )

    def run(self, args: argparse.Namespace) -> int:
        """Print what was found; 0 if recording and reporting work."""
        is_bad = False
        for finding in _findings(deep=args.deep):
            is_bad |= finding.state == "BAD"
            print(f"{finding.state:<4} {finding.what:<12} {finding.text}", flush=True)
        return 1 if is_bad else 0


def _findings(deep: bool) -> Iterator[Finding]:
    yield Finding("tracedbg", "ok", f"{__version__} in {os.path.dirname(plugins.__file__)}")
    yield Finding("python", "ok", f"{platform.python_version()} ({sys.executable}), {platform.platform()}")
    yield _sqlite()
    yield _folder()
    yield _boot()
    for package in plugins.FRAMEWORKS:
        yield _framework(package)
    for name in plugins.adapter_names():
        yield _adapter(name)
    for name in plugins.op_recorder_names():
        yield from _op_recorder(name)
    yield _py_spy()
    yield _ptrace()
    yield _compiler()
    if deep:
        for package, program in _PROBES.items():
            if _version(package):
                yield _observe(package, program)


def _sqlite() -> Finding:
    try:
        import sqlite3  # noqa: PLC0415  deferred: some Pythons are built without it
    except ImportError as error:
        return Finding("sqlite", "BAD", f"this Python has no sqlite3, which recordings need: {error}")
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        oldest = ".".join(map(str, _OLDEST_SQLITE))
        return Finding("sqlite", "BAD", f"{sqlite3.sqlite_version} is too old; {oldest} or newer is needed")
    return Finding("sqlite", "ok", sqlite3.sqlite_version)


def _folder() -> Finding:
    from tracedbg.store.run import HOME  # noqa: PLC0415  deferred: `--help` need not load it

    home = os.path.abspath(HOME)
    place = home if os.path.isdir(home) else os.path.dirname(home)
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        return Finding(
            "recordings", "off", f"cannot write below {place}: {error.strerror}; use tracedbg run --out DIR"
        )
    free_gb = shutil.disk_usage(place).free / 1e9
    return Finding("recordings", "ok", f"go to {home} ({free_gb:.1f} GB free)")


def _boot() -> Finding:
    from tracedbg.cli.child import run_program  # noqa: PLC0415  deferred: `--help` need not load it
    from tracedbg.cli.interpreter import same_python  # noqa: PLC0415  deferred: likewise
    from tracedbg.cli.observation import boot_notes, environment  # noqa: PLC0415  deferred: likewise

    with tempfile.TemporaryDirectory(prefix="tracedbg-") as folder:
        run_program([*same_python(), "-c", ""], environment(folder))
        notes = boot_notes(folder)
    if not notes:
        return Finding("start file", "BAD", "Python did not run it: programs would run unobserved")
    problem = "; ".join(filter(None, notes.values()))
    if problem:
        return Finding("start file", "BAD", problem)
    return Finding("start file", "ok", "programs can be observed from their start")


def _framework(package: str) -> Finding:
    version = _version(package)
    if not version:
        return Finding(package, "off", f"not installed: python -m pip install 'tracedbg[{package}]'")
    oldest = plugins.FRAMEWORKS[package]
    if _numbers(version) < _numbers(oldest):
        return Finding(package, "off", f"{version} is older than {oldest}: what it traces is not explained")
    return Finding(package, "ok", version)


def _version(package: str) -> str:
    """The installed version by its metadata; empty where there is none."""
    from importlib import metadata, util  # noqa: PLC0415  deferred: 25 ms

    if util.find_spec(package) is None:
        return ""
    # One package comes in distributions of many names: tensorflow-cpu, tensorflow-intel, ...
    for name in metadata.packages_distributions().get(package, [package]):
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return "unknown"


def _numbers(version: str) -> tuple[int, ...]:
    release = version.partition("+")[0].split(".")
    return tuple(int(part) for part in release if part.isdecimal())


def _adapter(name: str) -> Finding:
    try:
        adapter = plugins.load_adapter(name)
    except Exception as error:  # noqa: BLE001  somebody else's plugin
        return Finding("adapter", "BAD", f"{name} cannot be loaded: {type(error).__name__}: {error}")
    return Finding("adapter", "ok", f"{name} (attaches to {', '.join(adapter.modules)})")


def _op_recorder(name: str) -> Iterator[Finding]:
    """What `--ops` needs, where it may be missing and the framework is not."""
    from tracedbg.op_window import Examined  # noqa: PLC0415  deferred: `--help` need not load it

    try:
        recorder = plugins.load_op_recorder(name)
        if isinstance(recorder, Examined) and _version(recorder.modules[0].partition(".")[0]):
            is_fine, text = recorder.examine()
            yield Finding(name, "ok" if is_fine else "off", text)
    except Exception as error:  # noqa: BLE001  somebody else's plugin
        yield Finding("ops", "BAD", f"{name} cannot be loaded: {type(error).__name__}: {error}")


def _py_spy() -> Finding:
    from tracedbg.attach.refusal import PIP_LINE  # noqa: PLC0415  deferred: `--help` need not load it
    from tracedbg.pyspy import find_py_spy  # noqa: PLC0415  deferred: likewise

    found = find_py_spy()
    if not found:
        return Finding("py-spy", "off", f"not installed: stacks of live processes need it: {PIP_LINE}")
    return Finding("py-spy", "ok", found)


def _ptrace() -> Finding:
    from tracedbg.attach.process import our_rights  # noqa: PLC0415  deferred: `--help` need not load it
    from tracedbg.attach.refusal import why_denied  # noqa: PLC0415  deferred: likewise
    from tracedbg.pyspy import find_py_spy  # noqa: PLC0415  deferred: likewise

    if sys.platform != "linux":
        return Finding("ptrace", "off", "looked at on Linux only: reading a live process may need root")
    rights = our_rights()
    if rights.ptrace_scope and not rights.has_capability:
        return Finding("ptrace", "off", f"live processes cannot be looked into: {why_denied(rights)}")
    if not find_py_spy():
        return Finding("ptrace", "off", "not tried, without py-spy")
    problem = _look_into_a_child()
    if problem:
        return Finding("ptrace", "off", f"a live process could not be looked into: {problem}")
    whose = "processes of all users" if rights.has_capability else "other processes of this user"
    return Finding("ptrace", "ok", f"{whose} can be looked into: tracedbg attach PID")


def _look_into_a_child() -> str:
    """Have py-spy read a Python that waits; what went wrong, mostly nothing."""
    import subprocess  # noqa: PLC0415  deferred: 8 ms

    from tracedbg.attach.refusal import refused  # noqa: PLC0415  deferred: `--help` need not load it
    from tracedbg.pyspy import PySpyError, dump  # noqa: PLC0415  deferred: likewise

    program = "print(flush=True); input()"
    command = [sys.executable, "-I", "-S", "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        try:
            if child.stdout is not None:
                child.stdout.readline()
            dump(child.pid)
        except PySpyError as error:
            return str(refused(error, child.pid))
        finally:
            child.kill()
    return ""


def _compiler() -> Finding:
    names = [os.environ.get("CXX", ""), "g++", "clang++", "c++"]
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if not found:
        return Finding("compiler", "off", "no C++ compiler: torch.compile needs one for its default backend")
    return Finding("compiler", "ok", found)


def _observe(package: str, program: str) -> Finding:
    """Observe a program that traces twice, and see whether the report knows."""
    import subprocess  # noqa: PLC0415  deferred: 8 ms

    from tracedbg.explain import summarise  # noqa: PLC0415  deferred: `--help` need not load it
    from tracedbg.store.reader import Run  # noqa: PLC0415  deferred: likewise

    what = f"{package} (deep)"
    with tempfile.TemporaryDirectory(prefix="tracedbg-") as folder:
        script, out = os.path.join(folder, "probe.py"), os.path.join(folder, "run")
        with open(script, "w", encoding="utf-8") as file:
            file.write(program)
        command = [sys.executable, "-m", "tracedbg", "run", "--quiet", "--no-tui", "--out", out, script]
        place = os.path.dirname(os.path.dirname(os.path.abspath(plugins.__file__)))
        try:
            # Started where this tracedbg can be imported, installed or not.
            ended = subprocess.run(
                command, cwd=place, capture_output=True, text=True, timeout=_DEEP_TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired:
            return Finding(what, "BAD", f"a program of two traces did not end within {_DEEP_TIMEOUT_S} s")
        if ended.returncode:
            return Finding(what, "BAD", f"exit code {ended.returncode}: {ended.stderr.strip()[-200:]}")
        with Run.open(out) as recording:
            faults = [fault for process in recording.processes for fault in process.faults()]
            traces = sum(function.traces for function in summarise(recording).functions)
    if faults:
        return Finding(what, "BAD", f"{faults[0].where}: {faults[0].message}")
    if traces != 2:  # noqa: PLR2004  what the probe makes
        return Finding(what, "BAD", f"2 traces were made, and {traces} were seen")
    return Finding(what, "ok", "traces are seen and explained")
