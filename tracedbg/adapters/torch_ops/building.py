"""Compiles the observer with the machine's compiler, once for each torch and Python, into the user's cache.

It must not know what the observer sees. What is loaded comes from a folder of the user's own, that
nobody else can write to.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import stat
import subprocess
import sys
import sysconfig
import tempfile
import time
from contextlib import contextmanager, suppress
from importlib.machinery import ExtensionFileLoader
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

NAME = "_tracedbg_torch_ops"
CACHE_VARIABLE = "XDG_CACHE_HOME"
OFF_VARIABLE = "TRACEDBG_TORCH_OPS"
"""`profiler`: do without the observer, as where there is no compiler."""
TIMEOUT_S = 300
QUIET_S = 1.0
"""A build that takes no longer is not told of, unless on a terminal."""
_SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "native")
_UNITS = ("observer.cpp", "graph.cpp")
_FLAGS = ("-O2", "-DNDEBUG", "-std=c++20", "-fPIC", "-shared", "-fvisibility=hidden", "-w")
_POLL_S = 0.1
_NO_COMPILER = "there is no C++ compiler (g++, c++, clang++, or what CXX names)"
_WITHOUT = "torch.profiler shows a window instead"


class UnbuildableError(Exception):
    """The observer cannot be had here; the text says why."""


class Torch(NamedTuple):
    """What has to be known of torch to compile for it."""

    folder: str
    version: str
    is_new_abi: bool
    """Whether it was compiled with the newer of the two forms of `std::string`."""

    @classmethod
    def of(cls, torch: Any) -> Torch:
        """That of the imported package."""
        return cls(os.path.dirname(torch.__file__), torch.__version__, torch.compiled_with_cxx11_abi())


def load(torch: Torch, tell: Callable[[str], None]) -> ModuleType:
    """The observer; compiles it where that was not done before.

    Args:
        torch: for which torch.
        tell: takes a line about what the user is waiting for.

    Raises:
        UnbuildableError: it cannot be had here.
    """
    if os.environ.get(OFF_VARIABLE) == "profiler":
        raise UnbuildableError(f"{OFF_VARIABLE}=profiler is set")
    file = library(torch)
    was_there = os.path.exists(file)
    if not was_there:
        _build_once(file, torch, tell)
    if not (_is_safe(file) and _is_safe(os.path.dirname(file))):
        raise UnbuildableError(f"{file} can be written by others")
    try:
        return _import(file)
    except ImportError as error:
        if was_there and _is_removed(file):  # whatever has become of it: once more
            return load(torch, tell)
        raise UnbuildableError(f"{file} cannot be loaded: {error}") from error


def _is_removed(file: str) -> bool:
    try:
        os.unlink(file)
    except OSError:
        return False
    return True


def examine() -> tuple[bool, str]:
    """Whether the observer can be had for the installed torch, which is not imported; and why, or why not."""
    if os.environ.get(OFF_VARIABLE) == "profiler":
        return False, f"{_WITHOUT}: {OFF_VARIABLE}=profiler is set"
    torch = _installed()
    if torch is None:
        return False, "torch is not installed"
    for is_new_abi in (True, False):
        file = library(torch._replace(is_new_abi=is_new_abi))
        if os.path.exists(file):
            is_safe = _is_safe(file) and _is_safe(os.path.dirname(file))
            return is_safe, file if is_safe else f"{_WITHOUT}: {file} can be written by others"
    found = compiler()
    if found is None:
        return False, f"{_WITHOUT}: {_NO_COMPILER}"
    place = cache_folder()
    while not os.path.isdir(place):
        place = os.path.dirname(place)
    if not os.access(place, os.W_OK):
        return False, f"{_WITHOUT}: cannot write to {place}"
    return True, f"{found} compiles it in {cache_folder()} when it is first used (about 40 s)"


def _installed() -> Torch | None:
    """The installed torch, by its files."""
    spec = find_spec("torch")
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = os.path.abspath(spec.submodule_search_locations[0])
    with suppress(OSError), open(os.path.join(folder, "version.py"), encoding="utf-8") as file:
        version = re.search(r"^__version__ = '(.+)'$", file.read(), re.MULTILINE)
        return Torch(folder, version[1] if version else "", is_new_abi=True)
    return None


def cache_folder() -> str:
    """Where the user's cache has ours."""
    given = os.environ.get(CACHE_VARIABLE, "")
    home = given if os.path.isabs(given) else os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(home, "tracedbg", "torch_ops")


def library(torch: Torch) -> str:
    """The path of the compiled observer, whether it is there or not."""
    told = hashlib.sha256()
    for name in sorted(os.listdir(_SOURCES)):
        with open(os.path.join(_SOURCES, name), "rb") as file:
            told.update(name.encode() + b"\0" + file.read() + b"\0")
    for fact in (
        *_FLAGS,
        torch.version,
        torch.folder,
        str(torch.is_new_abi),
        sys.version,
        platform.machine(),
    ):
        told.update(fact.encode() + b"\0")
    tag = f"torch{torch.version}-{sys.implementation.cache_tag}-{told.hexdigest()[:16]}"
    return os.path.join(cache_folder(), tag, f"{NAME}.so")


def compiler() -> str | None:
    """The machine's C++ compiler; `CXX` comes first."""
    for name in (os.environ.get("CXX", ""), "g++", "c++", "clang++"):
        if name and (found := shutil.which(name)):
            return found
    return None


def _build_once(file: str, torch: Torch, tell: Callable[[str], None]) -> None:
    """Compile into `file`, unless another process is about to: then wait for it."""
    if os.name != "posix":
        raise UnbuildableError(f"it is not compiled on {sys.platform}")
    found = compiler()
    if found is None:
        raise UnbuildableError(_NO_COMPILER)
    folder = os.path.dirname(file)
    try:
        os.makedirs(os.path.dirname(folder), mode=0o700, exist_ok=True)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        if not (_is_safe(folder) and _is_safe(os.path.dirname(folder))):
            raise UnbuildableError(f"{folder} can be written by others")
        with _locked(os.path.join(folder, "lock")):
            if not os.path.exists(file):
                _compile(found, file, torch, tell)
    except OSError as error:
        raise UnbuildableError(f"cannot write to {folder}: {error.strerror or error}") from error


@contextmanager
def _locked(path: str) -> Iterator[None]:
    """Hold a lock that the system lets go when the process ends, however that is."""
    import fcntl  # noqa: PLC0415  deferred: not on Windows

    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        until = time.monotonic() + TIMEOUT_S
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise UnbuildableError(f"another process has held {path} for {TIMEOUT_S} s") from None
                time.sleep(_POLL_S)
        yield
    finally:
        os.close(descriptor)


def _compile(found: str, file: str, torch: Torch, tell: Callable[[str], None]) -> None:
    made = tempfile.mkdtemp(prefix="build-", dir=os.path.dirname(file))
    output = os.path.join(made, f"{NAME}.so")
    started = time.monotonic()
    try:
        with open(os.path.join(made, "log"), "w+b") as log:
            running = subprocess.Popen(
                command(found, output, torch), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
            try:
                _wait(running, found, tell)
            finally:
                if running.poll() is None:
                    running.kill()
                    running.wait()
            if running.returncode != 0:
                log.seek(0)
                raise UnbuildableError(f"{found} failed: {_complaint(log.read().decode(errors='replace'))}")
        os.chmod(output, 0o700)
        os.replace(output, file)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    if time.monotonic() - started > QUIET_S:
        tell(f"compiled the observer of ops in {time.monotonic() - started:.0f} s; it is in {file}")


def _wait(running: subprocess.Popen[bytes], found: str, tell: Callable[[str], None]) -> None:
    line = f"compiling the observer of ops with {found}, once for this torch (about 40 s) ..."
    is_told = False
    if sys.stderr is not None and sys.stderr.isatty():
        tell(line)
        is_told = True
    try:
        with suppress(subprocess.TimeoutExpired):
            running.wait(QUIET_S)
            return
        if not is_told:
            tell(line)
        running.wait(TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise UnbuildableError(f"{found} did not end within {TIMEOUT_S} s") from None


def command(found: str, output: str, torch: Torch) -> list[str]:
    """How the observer is compiled."""
    include = os.path.join(torch.folder, "include")
    includes = [include, os.path.join(include, "torch", "csrc", "api", "include")]
    paths = sysconfig.get_paths()
    includes += dict.fromkeys((paths["include"], paths["platinclude"]))
    libraries = [os.path.join(torch.folder, "lib")]
    undefined = ["-undefined", "dynamic_lookup"] if sys.platform == "darwin" else []
    return [
        found,
        *_FLAGS,
        f"-D_GLIBCXX_USE_CXX11_ABI={int(torch.is_new_abi)}",
        *(f"-I{folder}" for folder in includes),
        *(os.path.join(_SOURCES, unit) for unit in _UNITS),
        "-o",
        output,
        *(f"-L{folder}" for folder in libraries),
        "-lc10",
        "-ltorch_cpu",
        "-ltorch_python",
        *undefined,
    ]


def _complaint(log: str) -> str:
    """The line that says what is wrong."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return next((line for line in lines if "error" in line), lines[-1] if lines else "it said nothing")[:300]


def _is_safe(path: str) -> bool:
    """Whether nobody but the user, and root, can have put it there."""
    found = os.stat(path)
    return found.st_uid in (os.geteuid(), 0) and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _import(file: str) -> ModuleType:
    loader = ExtensionFileLoader(NAME, file)
    spec = spec_from_file_location(NAME, file, loader=loader)
    if spec is None:
        raise ImportError(file)
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module
