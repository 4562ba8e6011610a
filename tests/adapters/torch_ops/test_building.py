"""How the observer is compiled and kept: once, in a folder of the user's own; else, why not."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

torch = pytest.importorskip("torch")

from tracedbg.adapters.torch_ops import building  # noqa: E402
from tracedbg.adapters.torch_ops.building import Torch, UnbuildableError  # noqa: E402

pytestmark = pytest.mark.torch
HERE = Torch.of(torch)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv(building.CACHE_VARIABLE, str(tmp_path))
    monkeypatch.delenv(building.OFF_VARIABLE, raising=False)
    return tmp_path


def compiler(folder, text: str) -> str:
    path = folder / "c++compiler"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    return str(path)


def copying(folder) -> str:
    """A compiler that takes a moment, counts its calls, and makes what a real one made before."""
    building.load(HERE, lambda _: None)
    made = building.library(HERE)
    return f'echo call >> {folder}/calls\nwhile [ "$1" != "-o" ]; do shift; done\nsleep 0.2; cp {made} "$2"'


def test_two_that_want_it_compile_it_once(tmp_path, monkeypatch):
    text = copying(tmp_path)
    monkeypatch.setenv(building.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setenv("CXX", compiler(tmp_path, text))
    command = [
        sys.executable,
        "-c",
        "import torch; from tracedbg.adapters.torch_ops import building as b;"
        " print(b.load(b.Torch.of(torch), print).__name__)",
    ]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [one.communicate()[0] for one in running] == ["_tracedbg_torch_ops\n"] * 2
    assert (tmp_path / "calls").read_text() == "call\n"
    file = building.library(HERE)
    assert file.startswith(str(tmp_path / "cache" / "tracedbg" / "torch_ops"))
    assert os.stat(os.path.dirname(file)).st_mode & 0o777 == 0o700
    assert sorted(os.listdir(os.path.dirname(file))) == ["_tracedbg_torch_ops.so", "lock"]


def test_one_line_says_that_it_is_being_compiled_where_that_takes_long(cache, monkeypatch):
    monkeypatch.setattr(building, "QUIET_S", 0.01)
    found = compiler(cache, "sleep 0.3; exit 1")
    monkeypatch.setenv("CXX", found)
    told = []
    with pytest.raises(UnbuildableError):
        building.load(HERE, told.append)
    assert told == [f"compiling the observer of ops with {found}, once for this torch (about 40 s) ..."]


def test_a_compiler_that_fails_is_quoted(cache, monkeypatch):
    found = compiler(cache, "echo 'in file x:' >&2; echo 'x.h:3: error: no such thing' >&2; exit 1")
    monkeypatch.setenv("CXX", found)
    with pytest.raises(UnbuildableError) as raised:
        building.load(HERE, print)
    assert str(raised.value) == f"{found} failed: x.h:3: error: no such thing"
    folder = os.path.dirname(building.library(HERE))
    assert os.listdir(folder) == ["lock"]


def test_a_library_that_cannot_be_loaded_is_named(cache, monkeypatch):
    found = compiler(cache, 'while [ "$1" != "-o" ]; do shift; done; echo nonsense > "$2"')
    monkeypatch.setenv("CXX", found)
    with pytest.raises(UnbuildableError) as raised:
        building.load(HERE, print)
    file = building.library(HERE)
    assert str(raised.value) == f"{file} cannot be loaded: {file}: file too short"


def test_a_library_that_is_damaged_is_made_again(tmp_path, monkeypatch):
    text = copying(tmp_path)
    monkeypatch.setenv(building.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setenv("CXX", compiler(tmp_path, text))
    file = building.library(HERE)
    os.makedirs(os.path.dirname(file), mode=0o700)
    with open(file, "w") as opened:
        opened.write("nonsense")
    assert building.load(HERE, lambda _: None).__name__ == "_tracedbg_torch_ops"
    assert (tmp_path / "calls").read_text() == "call\n"


def test_without_a_compiler_it_says_so(cache, monkeypatch):
    monkeypatch.setenv("PATH", str(cache))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(UnbuildableError) as raised:
        building.load(HERE, print)
    why = "there is no C++ compiler (g++, c++, clang++, or what CXX names)"
    assert str(raised.value) == why
    assert building.examine() == (False, f"torch.profiler shows a window instead: {why}")


def test_a_folder_that_others_can_write_to_is_not_trusted(cache, monkeypatch):
    folder = os.path.dirname(building.library(HERE))
    os.makedirs(folder)
    os.chmod(folder, 0o777)
    monkeypatch.setenv("CXX", compiler(cache, "exit 1"))
    with pytest.raises(UnbuildableError) as raised:
        building.load(HERE, print)
    assert str(raised.value) == f"{folder} can be written by others"
    file = building.library(HERE)
    with open(file, "w"):
        pass
    with pytest.raises(UnbuildableError) as raised:
        building.load(HERE, print)
    assert str(raised.value) == f"{file} can be written by others"
    assert building.examine() == (
        False,
        f"torch.profiler shows a window instead: {file} can be written by others",
    )


def test_a_cache_that_cannot_be_made_is_named(cache, monkeypatch):
    (cache / "tracedbg").write_text("a file")
    with pytest.raises(UnbuildableError) as raised:
        building.load(HERE, print)
    assert str(raised.value) == f"cannot write to {os.path.dirname(building.library(HERE))}: Not a directory"


def test_a_program_in_threads_gets_one(cache, monkeypatch):
    monkeypatch.undo()
    made = []
    threads = [threading.Thread(target=lambda: made.append(building.load(HERE, print))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [module.__name__ for module in made] == ["_tracedbg_torch_ops"] * 3


def test_another_torch_python_or_source_is_another_library(cache):
    names = {
        building.library(torch_)
        for torch_ in (
            HERE,
            HERE._replace(version="2.12.0"),
            HERE._replace(is_new_abi=not HERE.is_new_abi),
            HERE._replace(folder="/elsewhere/torch"),
        )
    }
    assert len(names) == 4


def test_the_doctor_knows_whether_it_is_there(cache, monkeypatch):
    monkeypatch.setenv("CXX", compiler(cache, "exit 1"))
    is_fine, text = building.examine()
    folder = cache / "tracedbg" / "torch_ops"
    assert (is_fine, text) == (
        True,
        f"{os.environ['CXX']} compiles it in {folder} when it is first used (about 40 s)",
    )
    monkeypatch.setenv(building.OFF_VARIABLE, "profiler")
    assert building.examine() == (
        False,
        "torch.profiler shows a window instead: TRACEDBG_TORCH_OPS=profiler is set",
    )
