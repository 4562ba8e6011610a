"""Programs that use torch show the same at each level of recording as alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess

import pytest

from process.compare import clean_environment
from process.levels import LEVELS, TIMEOUT_S, at_both_levels, at_each_level

pytestmark = pytest.mark.torch


@at_each_level
def test_what_torch_computes_compiles_and_tells_is_the_same(levels, level):
    levels.same(level, "torch_sections.py")
    plain, traced = (
        int((levels.lab.folder / f"peak-{which}.txt").read_text()) for which in ("plain", "traced")
    )
    assert traced < plain + 150 * 1024


@at_each_level
def test_the_programs_own_tools_see_the_same_of_it(levels, level):
    levels.same(level, "torch_tools.py")


@at_each_level
def test_programs_end_as_they_would_alone(levels, level):
    levels.same(level, "torch_endings.py")


@at_each_level
@pytest.mark.parametrize("flags", [[], ["-O", "-X", "dev", "-W", "error"]])
def test_an_error_in_a_backward_ends_the_program_as_it_would_alone(levels, level, flags):
    result = levels.same(level, "torch_ends.py", flags=flags)
    assert b"the gradient is odd" in result.stderr


@pytest.mark.parametrize("level", ["default", "ops-1000"])
def test_processes_of_a_program_work_as_they_would_alone(levels, level):
    levels.same(level, "torch_processes.py")


@at_both_levels
def test_what_its_compilers_do_and_say_is_the_same(levels, level):
    levels.same(level, "torch_compiler.py")


@at_both_levels
def test_what_the_program_makes_of_its_surroundings_holds(levels, level):
    levels.same(level, "torch_surroundings.py")


LOST_S = 0.7
"""What a program that is killed loses at most: totals are told each half second, and written soon after."""


def in_the_loop(levels, command: list[str]) -> tuple[subprocess.Popen, int]:
    """A program that has trained for a second, in a group of its own as from a shell, and its steps."""
    process = subprocess.Popen(
        command,
        cwd=levels.lab.folder,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    while b"ready" not in (line := process.stdout.readline()):
        assert line, process.communicate()
    return process, int(line.split()[1])


@at_each_level
def test_a_loop_that_is_killed_keeps_what_was_seen_until_then(levels, level):
    report = levels.lab.folder / f"{level}.json"
    command, _ = levels.lab.traced_command(
        ["torch_loop.py"], [], [*LEVELS[level], "--quiet", "--json", str(report)]
    )
    process, steps = in_the_loop(levels, command)
    (program,) = children(process.pid)
    os.kill(program, signal.SIGKILL)
    process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == -signal.SIGKILL
    told = json.loads(report.read_text())
    assert told["run"]["exit_code"] == 128 + signal.SIGKILL
    (ledger,) = told["ledger"]
    known = {share["activity"]: share["seconds"] for share in ledger["shares"]}
    assert known["backward"] > 0
    assert known.get("unknown", 0) < LOST_S
    assert (told["ops"] is not None) == (level != "default")
    if level != "default":
        assert told["ops"]["calls"] > steps * (1 - LOST_S)  # several a step


@at_each_level
def test_ctrl_c_in_a_loop_ends_it_with_the_same_traceback(levels, level):
    """The program is told alone: to the whole group the signal may come twice, where the end takes long."""
    shown = []
    traced = levels.lab.traced_command(["torch_loop.py"], [], [*LEVELS[level], "--quiet"])[0]
    for command in (levels.lab.plain_command(["torch_loop.py"], []), traced):
        process, _ = in_the_loop(levels, command)
        (program,) = children(process.pid) or [process.pid]
        os.kill(program, signal.SIGINT)
        _, stderr = process.communicate(timeout=TIMEOUT_S)
        shown.append((process.returncode, stderr.splitlines()[-1]))
    assert shown == [(-signal.SIGINT, b"KeyboardInterrupt")] * 2


def children(pid: int) -> list[int]:
    path = f"/proc/{pid}/task/{pid}/children"
    with open(path) as file:
        return [int(word) for word in file.read().split()]
