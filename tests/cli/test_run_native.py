"""`tracedbg run --native`: py-spy beside the program, or a line that says why not."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tracedbg.cli import native
from tracedbg.cli.main import main
from tracedbg.pyspy import find_py_spy

PROGRAM = """
import sys, time, types
sys.modules["torch"] = types.ModuleType("torch")
import hashlib
until = time.monotonic() + 3
data = b"x" * 10_000_000
while time.monotonic() < until:
    hashlib.sha256(data).digest()  # @hash
print("done")
"""


def run(tmp_path, *options, **variables):
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [sys.executable, "-m", "tracedbg", "run", "--no-tui", "--out", "run", "--json", "report.json"]
    ended = subprocess.run(
        [*command, *options, "program.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **variables},
    )
    return ended, json.loads((tmp_path / "report.json").read_text())


@pytest.mark.skipif(find_py_spy() is None, reason="needs py-spy")
def test_the_lines_of_a_program_have_their_native_functions(tmp_path):
    ended, report = run(tmp_path, "--native")
    assert (ended.returncode, ended.stdout) == (0, "done\n")
    found = report["native"]
    if found["note"].startswith("no native stacks: py-spy may not"):
        pytest.skip("ptrace is not allowed here")
    line = found["lines"][0]
    assert line["file"] == str(tmp_path / "program.py")
    assert line["line"] == 1 + PROGRAM.splitlines().index("    hashlib.sha256(data).digest()  # @hash")
    assert any("crypto" in part["library"] or "sha" in part["function"].lower() for part in line["functions"])
    assert sum(part["samples"] for part in line["functions"]) <= line["samples"] <= found["samples"]


def test_a_missing_py_spy_is_one_line_and_the_program_runs(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(native, "find_py_spy", lambda: None)
    (tmp_path / "program.py").write_text("print('done')")
    assert main(["run", "--no-tui", "--native", "--quiet", "program.py"]) == 0
    out, err = capfd.readouterr()
    assert out == "done\n"
    assert err == ("tracedbg: --native needs py-spy, which is not installed: python -m pip install py-spy\n")


def test_a_refusal_is_a_note_and_the_program_runs(tmp_path, monkeypatch):
    pid = subprocess.Popen([sys.executable, "-c", ""])
    pid.wait()
    assert native.main([str(pid.pid), str(tmp_path)]) == 0
    from tracedbg.store.native import read_native

    seen = read_native(str(tmp_path))
    assert seen.samples == 0
    assert seen.note.startswith("no native stacks: ") or seen.note == native.MISSING
