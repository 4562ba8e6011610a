"""Start tracedbg inside the user's process, when the program imports a framework.

This folder is at the head of PYTHONPATH, so that Python runs this file as `sitecustomize` before
the program. It takes its folder off `sys.path`, watches for the frameworks, and gives the turn to
the `sitecustomize` that would have run without it. It loads nothing that a bare interpreter has
not loaded: a program that never imports a framework is not touched any further.

Any Python from 3.8 on may run this file: keep its syntax that old. It never raises and never
prints; what it has to say goes into `p<pid>.boot` in the run's folder, where `tracedbg run` finds it.
"""
# ruff: noqa: INP001, UP031, BLE001  no package, old Pythons, and the user's program wins

import os
import sys

TYPE_CHECKING = False  # `typing` would be a module more than plain Python has loaded
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

_HERE = os.path.dirname(os.path.abspath(__file__))
_PACKAGE = os.path.dirname(os.path.dirname(_HERE))
_OLDEST = (3, 10)
_LONG = 1024  # as in `identity`, and so is
_RANK_SIGNS = (
    "RANK",
    "TF_CONFIG",
    "OMPI_COMM_WORLD_RANK",
    "SLURM_PROCID",
    "SLURM_STEP_ID",
)


def _leave_path() -> None:
    sys.path[:] = [entry for entry in sys.path if entry != _HERE]
    sys.path_importer_cache.pop(_HERE, None)


def _note(text: str) -> None:
    """Tell `tracedbg run` that this process was reached, and what went wrong in it."""
    try:
        file = os.path.join(os.environ["TRACEDBG_RUN"], "p%d.boot" % os.getpid())
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, text.encode("utf-8", "backslashreplace"))
        finally:
            os.close(descriptor)
    except OSError:
        pass


def _is_left_out() -> bool:
    """Whether this is a child, and children are not observed. The first process, and a rank, leave word."""
    values = [os.environ.get(name, "") for name in _RANK_SIGNS]
    ours = "|".join([v if len(v) <= _LONG else v[: _LONG // 2] + v[-_LONG // 2 :] for v in values])
    pid, space, sign = os.environ.get("TRACEDBG_RANK_PID", "").partition(" ")
    if not space or sign != ours:
        pid = str(os.getpid())
        os.environ["TRACEDBG_RANK_PID"] = "%s %s" % (pid, ours)
    return "TRACEDBG_NO_CHILDREN" in os.environ and pid != str(os.getpid())


def _load(name: str, file: str) -> "Any":
    """Load one module of ours from its file: the program's Python may not have us on its path."""
    loader_class: Any = type(__spec__.loader)
    loader = loader_class(name, file)
    spec = type(__spec__)(name, loader, origin=file)
    spec.has_location = True
    if os.path.basename(file) == "__init__.py":
        spec.submodule_search_locations = [os.path.dirname(file)]
    module = type(sys)(name)
    module.__spec__, module.__loader__, module.__file__ = spec, loader, file
    module.__package__ = spec.parent
    if spec.submodule_search_locations is not None:
        module.__path__ = spec.submodule_search_locations
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def _load_us() -> None:
    if "tracedbg" not in sys.modules:
        _load("tracedbg", os.path.join(_PACKAGE, "__init__.py"))


def _start() -> None:
    try:
        _load_us()
        from tracedbg.session import start_from_environment  # noqa: PLC0415  deferred: not before a framework is imported

        start_from_environment()
    except Exception as error:
        _note("%s: %s\n" % (type(error).__name__, error))


def _compare() -> None:
    try:
        _load_us()
        from tracedbg.comparing import start_from_environment  # noqa: PLC0415  deferred: only to compare

        start_from_environment()
    except Exception as error:
        _note("%s: %s\n" % (type(error).__name__, error))


def _observe() -> None:
    if sys.version_info < _OLDEST:
        _note("Python %d.%d is too old: %d.%d or newer is needed\n" % (sys.version_info[:2] + _OLDEST))
        return
    if _is_left_out():
        return
    imports = _load("tracedbg.boot.imports", os.path.join(_PACKAGE, "boot", "imports.py")).PostImport()

    def start(_module: "ModuleType") -> None:
        imports.stop()
        _start()
        if "TRACEDBG_COMPARE" in os.environ:
            _compare()

    for name in os.environ.get("TRACEDBG_WATCH", "").split(","):
        if name:
            imports.watch_start(name, start)
    _note("")
    if "TRACEDBG_DEBUG" in os.environ:
        _load_us()
        from tracedbg.debugger.start import start_from_environment  # noqa: PLC0415  deferred: only to debug

        start_from_environment()


_leave_path()
if "TRACEDBG_RUN" in os.environ:
    try:
        _observe()
    except Exception as error:
        _note("%s: %s\n" % (type(error).__name__, error))

# Python's own `site` looks for the name, and passes over an ImportError that carries it: so theirs
# is imported, fails or is missing exactly as it would without us.
sys.modules.pop("sitecustomize", None)
import sitecustomize  # type: ignore[import-not-found]  # noqa: E402, F401
