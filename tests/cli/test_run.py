"""`tracedbg run`: its options, what it refuses before it runs, and what it says when it cannot see."""

from __future__ import annotations

import ast
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from process.compare import clean_environment
from tracedbg.cli import observation
from tracedbg.cli.interpreter import named_python, same_python
from tracedbg.errors import UsageError

NOTHING = "nothing was traced: the program imported neither torch nor tensorflow"
UNOBSERVED = (
    "the program ran unobserved: its Python did not run tracedbg's start file"
    " (was it started with -I, -E or -S, or with a PYTHONPATH of its own?)"
)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "no program to run: tracedbg run SCRIPT [arguments], or -m MODULE"),
        (["missing.py"], "no such script: missing.py"),
        (["--listen", "at.sock", "p.py"], "no such script: at.sock; to listen there: --listen=at.sock p.py"),
        (["folder"], "folder is a folder without a __main__.py; name a script in it"),
        (["-m"], "-m needs the name of a module"),
        (["--json", "gone/x.json", "p.py"], "--json gone/x.json: there is no folder {cwd}/gone"),
        (["--json", "folder", "p.py"], "--json folder: that is a folder; name a file"),
        (
            ["--max-mb", "0", "p.py"],
            "argument --max-mb: invalid positive number value: '0'; see tracedbg run --help",
        ),
        (
            ["--max-mb", "many", "p.py"],
            "argument --max-mb: invalid positive number value: 'many'; see tracedbg run --help",
        ),
        (["--jsn", "p.py"], "unrecognized arguments: --jsn; see tracedbg run --help"),
        (["--python", "nopython", "p.py"], "no Python at 'nopython'; name an executable with --python EXE"),
        (["--python", "", "p.py"], "--python needs the name of a Python"),
        (["--python", "'", "p.py"], '--python "\'": No closing quotation'),
        (
            ["--python", f"{sys.executable} -BI", "p.py"],
            "Python with -I cannot be observed: it ignores PYTHONPATH and the user's folders; leave -I out",
        ),
        (
            ["--python", f"{sys.executable} -E", "p.py"],
            "Python with -E cannot be observed: it ignores PYTHONPATH; leave -E out",
        ),
        (
            ["--python", f"{sys.executable} -S", "p.py"],
            "Python with -S cannot be observed: it does not import site; leave -S out",
        ),
        (
            ["--out", "p.py/run", "p.py"],
            "cannot record into {cwd}/p.py/run: Not a directory; name a folder that can be written with --out DIR",
        ),
        (
            ["--torchrun", "--nproc-per-node 2 p.py", "p.py"],
            "--torchrun takes options of torchrun alone: name the program after it, as in"
            ' --torchrun "--nproc-per-node 4" p.py',
        ),
        (["--torchrun", "4", "p.py"], "--torchrun takes options, such as --nproc-per-node 4, and not '4'"),
        (["--torchrun", "'", "p.py"], '--torchrun "\'": No closing quotation'),
        (
            ["--torchrun", "--no-python", "p.py"],
            "--torchrun: leave --no-python out; the program, or -m MODULE, comes after the options",
        ),
        (
            ["--torchrun", "--standalone", "-"],
            "--torchrun needs a script or -m MODULE: its ranks cannot all read stdin",
        ),
        (
            ["--torchrun", "--standalone", "--break", "nan", "p.py"],
            "--break does not reach the ranks of torchrun: leave --torchrun or --break out",
        ),
        (["--torchrun"], "argument --torchrun: expected one argument; see tracedbg run --help"),
        (["--html", "gone/r.html", "p.py"], "--html gone/r.html: there is no folder {cwd}/gone"),
        (["--out", "full", "p.py"], "{cwd}/full is not empty: name a new folder with --out DIR"),
    ],
)
def test_what_cannot_work_is_refused_before_the_program_runs(lab, words, line):
    lab.write("p.py", "open('it ran', 'w')")
    lab.write("full/file", "")
    (lab.folder / "folder").mkdir()
    out = [] if "--out" in words else ["--out", str(lab.folder / "out")]
    ended = subprocess.run(
        [*lab.launcher, "run", *out, *words], cwd=lab.folder, capture_output=True, text=True, check=False
    )
    assert ended.stderr == f"tracedbg: {line.format(cwd=lab.folder)}\n"
    assert (ended.returncode, ended.stdout) == (2, "")
    assert not (lab.folder / "it ran").exists()


@pytest.mark.torch
def test_a_torchrun_that_starts_no_rank_is_told(lab):
    lab.write("p.py", "")
    result = lab.traced("--torchrun", "--frobnicate=2", "p.py")
    assert (result.code, result.ours) == (2, ["torchrun has started no rank: it says why above"])


def test_missing_permissions_are_named(lab):
    lab.write("p.py", "").chmod(0)
    if os.geteuid() == 0:  # root may read everything, unless it gives that up
        given_up = "-dac_override,-dac_read_search"
        lab.launcher[:0] = ["setpriv", f"--bounding-set={given_up}", f"--inh-caps={given_up}"]
    assert lab.traced("p.py").ours == ["no permission to read p.py"]


def test_a_run_is_recorded_below_the_current_folder(lab):
    lab.write("p.py", "raise SystemExit(3)")
    ended = subprocess.run(
        [*lab.launcher, "run", "p.py", "x"], cwd=lab.folder, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (3, f"tracedbg: {NOTHING}\n")
    (run,) = [path for path in (lab.folder / ".tracedbg").iterdir() if path.is_dir()]
    told = json.loads((run / "run.json").read_text())
    assert told["argv"] == ["p.py", "x"]
    assert (told["exit_code"], told["signal"]) == (3, None)
    assert told["wall_ns"] > 0


def test_a_signal_is_recorded_as_a_shell_sees_it(lab):
    lab.write("p.py", "import os; os.kill(os.getpid(), 9)")
    result = lab.traced("p.py")
    told = json.loads((result.run / "run.json").read_text())
    assert (told["exit_code"], told["signal"]) == (137, signal.SIGKILL)


def test_quiet_says_nothing(lab):
    lab.write("p.py", "print('hi')")
    result = lab.traced("p.py", options=["--quiet"])
    assert (result.stdout, result.stderr, result.ours) == (b"hi\n", b"", [])


def test_json_is_written_for_a_program_that_traced_nothing(lab):
    lab.write("p.py", "")
    lab.traced("p.py", options=["--json", "report.json"])
    report = json.loads((lab.folder / "report.json").read_text())
    assert (report["schema"], report["functions"], report["processes"]) == (1, [], [])


def test_a_page_is_written_when_the_program_has_ended(lab):
    lab.write("p.py", "raise SystemExit(3)")
    result = lab.traced("p.py", options=["--html", "report.html"])
    assert (result.code, "exit 3" in (lab.folder / "report.html").read_text()) == (3, True)


def test_a_full_disk_loses_the_report_and_not_the_exit_code(lab):
    lab.write("p.py", "raise SystemExit(5)")
    result = lab.traced("p.py", options=["--json", "/dev/full"])
    assert (result.code, result.ours) == (5, ["cannot write /dev/full: No space left on device"])


def test_a_recording_that_the_program_removed_is_said_to_be_gone(lab):
    lab.write("p.py", "import os, shutil\nshutil.rmtree(os.environ['TRACEDBG_RUN'])\nraise SystemExit(5)")
    result = lab.traced("p.py")
    assert (result.code, result.ours) == (
        5,
        [f"no report: cannot read {result.run}: No such file or directory"],
    )


@pytest.mark.parametrize("flag", ["I", "E", "S"])
def test_a_program_that_cannot_be_observed_runs_all_the_same(lab, flag):
    lab.write("p.py", "import sys; print('ran', sys.flags.isolated); sys.exit(6)")
    wrapper = lab.write("wrapper", f'#!/bin/sh\nexec "{sys.executable}" -{flag} "$@"\n')
    wrapper.chmod(0o755)
    result = lab.traced("p.py", options=["--python", str(wrapper)])
    assert (result.code, result.stderr, result.ours) == (6, b"", [UNOBSERVED])
    assert result.stdout.startswith(b"ran")


def test_a_python_that_is_too_old_is_named(lab):
    # No such Python is installed here: this one says that it is, before it imports `site`.
    lab.write("p.py", "print('ran')")
    wrapper = lab.write(
        "wrapper",
        "#!/bin/sh\n"
        f'"{sys.executable}" -S -c "import sys, os; sys.version_info = (3, 8, 0, \'final\', 0);'
        'import site; site.main(); exec(open(sys.argv[1]).read())" "$@"\n',
    )
    wrapper.chmod(0o755)
    result = lab.traced("p.py", options=["--python", str(wrapper)])
    assert (result.code, result.stdout) == (0, b"ran\n")
    assert len(result.ours) == 2
    assert result.ours[0].endswith(" was not observed: Python 3.8 is too old: 3.10 or newer is needed")


def test_the_start_file_is_python_that_an_old_one_can_read():
    file = Path(observation.__file__).parents[1] / "boot" / "path" / "sitecustomize.py"
    ast.parse(file.read_text(), feature_version=(3, 8))


def test_a_fault_of_our_own_start_is_told_and_harmless(lab):
    lab.write("p.py", "import torch\nprint('went on', torch.word)")
    lab.write("torch.py", "word = 'own'\n")
    lab.write("sqlite3.py", "raise RuntimeError('not the sqlite3 that you want')\n")
    result = lab.traced("p.py")
    assert (result.code, result.stdout, result.stderr) == (0, b"went on own\n", b"")
    assert result.ours[0].endswith(" was not observed: RuntimeError: not the sqlite3 that you want")


def test_the_interpreters_own_options_are_handed_on(lab):
    lab.write("p.py", "import sys; print(sys.flags, sys.warnoptions, sys.orig_argv)")
    lab.launcher[1:1] = ["-O", "-X", "dev", "-W", "ignore"]
    assert lab.traced("p.py").stdout == lab.plain("p.py", flags=["-O", "-X", "dev", "-W", "ignore"]).stdout


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (["-m", "tracedbg"], []),
        (["-BOm", "tracedbg"], ["-BO"]),
        (["-sE", "/bin/tracedbg"], []),
        (["-IO", "/bin/tracedbg"], ["-O"]),
        (["-X", "IES", "-WI", "/bin/tracedbg"], ["-X", "IES", "-W", "I"]),
        (["--check-hash-based-pycs", "always", "x"], ["--check-hash-based-pycs", "always"]),
        (["-u", "-", "-O"], ["-u"]),
    ],
)
def test_options_that_isolate_are_not_handed_on(typed, kept, monkeypatch):
    monkeypatch.setattr(sys, "orig_argv", ["python", *typed])
    assert same_python() == [sys.executable, *kept]


def test_a_python_that_does_not_know_itself_asks_for_one(monkeypatch):
    monkeypatch.setattr(sys, "executable", "")
    with pytest.raises(UsageError, match="name one with --python EXE"):
        same_python()


def test_a_named_python_is_looked_up_and_keeps_its_options():
    assert named_python(f"{sys.executable} -X IES -O") == [sys.executable, "-X", "IES", "-O"]
    assert os.path.isabs(named_python("sh")[0])


def test_a_pipe_whose_reader_left_does_not_change_the_exit_code(lab):
    lab.write("p.py", "raise SystemExit(4)")
    reader, writer = os.pipe()
    os.close(reader)
    command, _ = lab.traced_command(["p.py"], [], [])
    ended = subprocess.run(command, cwd=lab.folder, stderr=writer, env=clean_environment(), check=False)
    os.close(writer)
    assert ended.returncode == 4
