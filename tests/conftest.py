"""Fixtures for the whole suite: where the shared material is, and that no hook is ever left behind."""

from __future__ import annotations

import signal
import sys
import threading
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

SHARED = Path(__file__).parents[2] / "shared"


settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")  # a machine that has other work to do is no fault of a test's


def pytest_configure() -> None:
    """Whoever runs the suite in the background ignores signals, and so would all programs that tests start."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            is_interrupt = number is signal.SIGINT
            signal.signal(number, signal.default_int_handler if is_interrupt else signal.SIG_DFL)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """`-m serial` collects the few files that have such tests: the others import two frameworks for nothing."""
    is_module = collection_path.name.startswith("test_") and collection_path.suffix == ".py"
    if config.getoption("markexpr") == "serial" and is_module:
        return True if "pytest.mark.serial" not in collection_path.read_text(encoding="utf-8") else None
    return None


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared cases and traces; tests that need it skip, visibly, without it."""
    if not SHARED.is_dir():
        pytest.skip("needs ../shared, which is not here")
    return SHARED


def installed_hooks() -> list[str]:
    """Everything of ours that is installed in this process right now."""
    found = [f"sys.meta_path: {finder!r}" for finder in sys.meta_path if _is_ours(type(finder))]
    for name, module in list(sys.modules.items()):
        if not name.startswith(("torch.", "tensorflow.", "keras.")):
            continue
        for attribute, value in list(vars(module).items()):
            if "__tracedbg__" in getattr(value, "__dict__", {}):
                found.append(f"{name}.{attribute}")
            if isinstance(value, type) and value.__module__ == name:
                found += [
                    f"{name}.{attribute}.{key}"
                    for key, member in list(vars(value).items())
                    if "__tracedbg__" in getattr(member, "__dict__", {})
                ]
    found += [thread.name for thread in threading.enumerate() if thread.name.startswith("tracedbg")]
    return found


def _is_ours(cls: type) -> bool:
    return cls.__module__.split(".")[0] == "tracedbg"


@pytest.fixture(autouse=True)
def _no_hook_is_left_behind():
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated objects of torch warn when one looks at them
        found = installed_hooks()
    assert found == []
