"""Programs to debug, and that no trace function is left behind."""

from __future__ import annotations

import sys
import threading
from types import ModuleType

import pytest


@pytest.fixture
def program(tmp_path):
    """Write a module, and run it as one that has been imported."""
    made = []

    def write(text, name="program"):
        file = tmp_path / f"{name}.py"
        file.write_text(text)
        module = ModuleType(f"tracedbg_test_{name}")
        module.__file__ = str(file)

        def run():
            sys.modules[module.__name__] = module
            made.append(module.__name__)
            exec(compile(text, str(file), "exec"), vars(module))
            return module

        run.file = file
        return run

    yield write
    for name in made:
        sys.modules.pop(name, None)


@pytest.fixture(autouse=True)
def _nothing_is_left():
    before = sys.gettrace(), threading.gettrace() if hasattr(threading, "gettrace") else None
    yield
    assert (sys.gettrace(), threading.gettrace() if hasattr(threading, "gettrace") else None) == before
    for frame in sys._current_frames().values():
        while frame is not None:
            assert "python_lines" not in repr(frame.f_trace)
            frame = frame.f_back
