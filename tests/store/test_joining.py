"""A run that several ranks write into: one makes it, all find it, the last one ends it."""

from __future__ import annotations

import contextlib
import os
import socket

import pytest
from builders import INFO

from tracedbg import session
from tracedbg.errors import RecordingError
from tracedbg.store import joining, run
from tracedbg.store.joining import Member, join_run
from tracedbg.store.run import create_run, read_run_file

AGENT = "box 6 1000"


def rank(number, generation=0, **more):
    return Member(f"rank {number}", "torchrun", more.pop("job", "9"), generation, more.pop("agent", AGENT))


def join(folder, member):
    return join_run(str(folder), ["train.py"], member)


def end(joined, code=0, signal=None, wall_ms=5):
    return joined.finish(exit_code=code, signal=signal, wall_ns=wall_ms * 10**6)


def test_the_last_one_to_end_ends_the_run(tmp_path):
    first, second = join(tmp_path / "run", rank(0)), join(tmp_path / "run", rank(1))
    assert not end(first)
    assert read_run_file(first.path).exit_code is None
    assert end(second)
    found = read_run_file(first.path)
    assert (found.exit_code, found.signal, found.launcher, found.job) == (0, None, "torchrun", "9")
    assert found.wall_ns > 0


def test_the_run_ends_as_the_first_one_that_failed(tmp_path):
    first, second, third = (join(tmp_path / "run", rank(number)) for number in range(3))
    end(first, 143, 15, wall_ms=50)
    end(second, 3, wall_ms=10)
    end(third, 0, wall_ms=1)
    found = read_run_file(first.path)
    assert (found.exit_code, found.signal) == (3, None)


def test_one_that_was_killed_does_not_hold_the_run_up(tmp_path):
    pid = os.fork()
    if not pid:
        join(tmp_path / "run", rank(1))
        os._exit(0)
    os.waitpid(pid, 0)
    assert end(join(tmp_path / "run", rank(0)))
    assert (read_run_file(str(tmp_path / "run")).exit_code, read_run_file(str(tmp_path / "run")).signal) == (
        137,
        9,
    )


def test_a_restart_is_a_generation_of_the_same_run(tmp_path):
    failed = join(tmp_path / "run", rank(0))
    assert end(failed, 1)
    again = join(tmp_path / "run", rank(0, 1))
    assert read_run_file(again.path).exit_code is None
    assert end(again)
    assert read_run_file(again.path).exit_code == 0


def test_who_comes_after_all_others_have_ended_ends_the_run_once_more(tmp_path):
    assert end(join(tmp_path / "run", rank(0)))
    assert end(join(tmp_path / "run", rank(1)))


@pytest.mark.parametrize("has_links", [True, False])
def test_of_many_that_come_at_once_one_makes_the_run(tmp_path, monkeypatch, has_links):
    if not has_links:

        def link(*_):
            raise PermissionError

        monkeypatch.setattr(os, "link", link)
    made = []
    link_run_file = run.link_run_file
    monkeypatch.setattr(joining, "link_run_file", lambda *args: made.append(link_run_file(*args)) or made[-1])
    go, start = os.pipe()
    children = []
    for number in range(8):
        pid = os.fork()
        if not pid:
            code = 99
            with contextlib.suppress(BaseException):
                os.close(start)
                os.read(go, 1)
                join(tmp_path / "run", rank(number))
                code = int(made[0])
            os._exit(code)
        children.append(pid)
    os.close(start)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
    os.close(go)
    assert sorted(codes) == [0, 0, 0, 0, 0, 0, 0, 1]
    assert len([name for name in os.listdir(tmp_path / "run") if name.endswith(".part")]) == 8


def refused(folder, member):
    with pytest.raises(RecordingError) as caught:
        join(folder, member)
    return str(caught.value)


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "notes").write_text("")
    assert refused(tmp_path, rank(0)) == f"{tmp_path} is not empty: name a new folder with --out DIR"


def test_a_run_of_one_command_is_refused(tmp_path):
    create_run(str(tmp_path / "run"), ["train.py"])
    assert (
        refused(tmp_path / "run", rank(0)) == f"{tmp_path}/run is not empty: name a new folder with --out DIR"
    )


def test_a_run_of_another_job_is_refused(tmp_path):
    join(tmp_path / "run", rank(0))
    assert refused(tmp_path / "run", rank(1, job="10")) == (
        f"{tmp_path}/run has a run of torchrun job 9, and this is torchrun job 10:"
        " name a new folder with --out DIR"
    )


def test_the_same_rank_a_second_time_is_refused(tmp_path):
    join(tmp_path / "run", rank(0, job=""))
    assert refused(tmp_path / "run", rank(0, job="", agent="box 7 2000")) == (
        f"{tmp_path}/run has a rank 0 already: it holds an earlier run; name a new folder with --out DIR"
    )


def test_a_run_of_the_same_job_that_has_ended_is_refused(tmp_path):
    end(join(tmp_path / "run", rank(0)))
    assert "has a rank 0 already" in refused(tmp_path / "run", rank(0, agent="box 7 2000"))


def test_a_launcher_may_start_a_rank_again_without_counting_that(tmp_path):
    join(tmp_path / "run", rank(0, job=""))
    again = join(tmp_path / "run", rank(0, job=""))
    assert os.path.basename(again.file) == "rank-0.0-1.part"


def test_a_rank_may_move_to_another_machine(tmp_path):
    join(tmp_path / "run", rank(0))
    assert os.path.basename(join(tmp_path / "run", rank(0, agent="other 7 2000")).file) == "rank-0.0-1.part"


def test_files_belong_to_their_owner_alone(tmp_path):
    joined = join(tmp_path / "run", rank(0))
    end(joined)
    assert os.stat(joined.path).st_mode & 0o777 == 0o700
    assert {os.stat(os.path.join(joined.path, name)).st_mode & 0o777 for name in os.listdir(joined.path)} == {
        0o600
    }


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    assert refused(tmp_path / "file" / "run", rank(0)) == (
        f"cannot record into {tmp_path}/file/run: Not a directory; name a folder that can be written with --out DIR"
    )


def test_a_part_of_another_machine_is_not_taken_for_dead(tmp_path, monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "other")
    pid = os.fork()
    if not pid:
        join(tmp_path / "run", rank(1))
        os._exit(0)
    os.waitpid(pid, 0)
    monkeypatch.undo()
    assert not end(join(tmp_path / "run", rank(0)))


def test_processes_of_one_number_on_two_machines_have_a_database_each(tmp_path, monkeypatch):
    names = []
    for _ in range(3):
        writer = session._new_writer(str(tmp_path), INFO, 10**6)
        names.append(os.path.basename(writer.path))
        writer.close(1)
        # As on a shared disk: what another machine has just made is not seen yet.
        monkeypatch.setattr(os.path, "exists", lambda _: False)
    assert names == ["p7.db", "p7-1.db", "p7-2.db"]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"member": 1}', "\\xff", '{"member": {"name": "x", "launcher": ""}}']
)
def test_a_part_that_makes_no_sense_is_passed_over(tmp_path, text):
    joined = join(tmp_path / "run", rank(0))
    (tmp_path / "run" / "rank-9.0.part").write_bytes(text.encode())
    assert end(joined)


def test_a_part_with_words_for_numbers_is_passed_over(tmp_path):
    joined = join(tmp_path / "run", rank(0))
    with open(joined.file) as file:
        content = file.read()
    (tmp_path / "run" / "rank-9.0.part").write_text(content.replace(f'"pid": {os.getpid()}', '"pid": "x"'))
    assert end(joined)
