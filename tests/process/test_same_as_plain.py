"""Programs that end, print and look around: the same under observation as alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import zipapp

import pytest

from process.compare import without_addresses
from process.small_programs import COVERED, PROGRAMS

STATE = r"""
import os, resource, signal, sys, threading
import __main__
ours = {"__future__", "tracedbg.boot.imports"}
print(sys.argv, sys.orig_argv, sys.path, sys.flags, sys.warnoptions, sys._xoptions)
print(sorted(set(sys.modules) - ours))
print([str(f) for f in sys.meta_path if type(f).__module__ != "tracedbg.boot.imports"], sys.path_hooks)
print(sorted(p for p in sys.path_importer_cache))
print(sorted(__main__.__dict__), __file__, __name__, __package__, __spec__, type(__loader__), __main__.__doc__)
print({k: v for k, v in os.environ.items() if k != "PYTHONPATH" and not k.startswith("TRACEDBG_")})
print([(s, signal.getsignal(s)) for s in sorted(signal.valid_signals())])
print(signal.pthread_sigmask(signal.SIG_BLOCK, []), os.umask(0o22), os.getcwd(), threading.active_count())
print(sorted(os.listdir("/proc/self/fd")) if sys.platform == "linux" else "")
print(resource.getrlimit(resource.RLIMIT_CORE), os.nice(0), os.getpgrp() == os.getpgid(os.getppid()))
print(sys.getprofile(), sys.gettrace(), sys.excepthook is sys.__excepthook__, sys.exec_prefix, sys.executable)
print(sys.stdin.encoding, sys.stdout.encoding, sys.stdout.errors, sys.stdout.line_buffering, sys.dont_write_bytecode)
"""


@pytest.mark.parametrize("does", PROGRAMS)
def test_a_program_does_what_it_would_alone(lab, does):
    lab.write("p.py", PROGRAMS[does])
    lab.write("covered.py", COVERED)
    lab.same("p.py")


def test_the_comparison_sees_a_difference(lab):
    lab.write("p.py", "import os; print('TRACEDBG_RUN' in os.environ)")
    with pytest.raises(AssertionError):
        lab.same("p.py")


@pytest.mark.parametrize(
    "flags", [[], ["-O"], ["-X", "dev"], ["-u"], ["-B", "-W", "error"], ["-X", "utf8=0"]]
)
def test_a_program_finds_the_interpreter_as_it_would_be(lab, flags):
    lab.write("p.py", STATE)
    lab.same("p.py", "--json", "x", flags=flags)


@pytest.mark.parametrize("path", ["", ":", "elsewhere", "elsewhere:other", ":elsewhere::", "/nonexistent"])
def test_the_users_own_pythonpath_is_kept(lab, path):
    lab.write("p.py", STATE)
    lab.same("p.py", env={"PYTHONPATH": path})


def test_a_module_finds_the_interpreter_as_it_would_be(lab):
    lab.write("package/__init__.py", "")
    lab.write("package/helper.py", "word = 'helped'")
    lab.write("package/__main__.py", "from .helper import word\nprint(word)\n" + STATE)
    lab.same("-m", "package", "-m", "more")
    lab.same("-mpackage")
    lab.same("-m", "package.missing")
    lab.same("package")


@pytest.mark.parametrize(
    "words",
    [
        ["--json", "x"],
        ["--", "-m"],
        ["a b", "ü", "$HOME", "", "*"],
        ["--python=3"],
        ["-"],
        ["--help"],
        ["\udce9"],
    ],
)
def test_the_programs_arguments_are_its_own(lab, words):
    lab.write("p.py", "import sys; print(list(map(ascii, sys.argv)))")
    lab.same("p.py", *words)


def test_a_double_dash_ends_our_options(lab):
    lab.write("p.py", "import sys; print(sys.argv)")
    assert lab.traced("--", "p.py", "--", "x").stdout == lab.plain("p.py", "--", "x").stdout


def test_a_program_on_stdin_runs(lab):
    lab.same("-", "word", input=b"import sys; print(sys.argv)")


def test_standard_input_is_the_programs(lab):
    lab.write("p.py", "import sys\nprint(input())\nprint(sys.stdin.buffer.read())")
    lab.same("p.py", input=b"one\ntwo \xff")


@pytest.mark.parametrize("redirection", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_stay_closed(lab, redirection):
    lab.write(
        "p.py",
        "import os, sys\nopen('seen', 'w').write(str([sys.stdin, sys.stdout and 1, sys.stderr and 1, os.listdir('/proc/self/fd')]))",
    )
    seen = []
    for command in (lab.plain_command(["p.py"], []), lab.traced_command(["p.py"], [], [])[0]):
        code = subprocess.run(
            ["sh", "-c", f'"$@" {redirection}', "sh", *command], cwd=lab.folder, check=False
        ).returncode
        seen.append((code, (lab.folder / "seen").read_text()))
    assert seen[0] == seen[1]


def test_an_inherited_descriptor_is_passed_on(lab):
    lab.write("p.py", "import sys; open(int(sys.argv[1]), 'w').write('through')")
    reader, writer = os.pipe()
    command, _ = lab.traced_command(["p.py", str(writer)], [], [])
    subprocess.run(command, cwd=lab.folder, pass_fds=[writer], check=True, stderr=subprocess.PIPE)
    os.close(writer)
    assert os.read(reader, 100) == b"through"
    os.close(reader)


@pytest.mark.parametrize("method", ["spawn", "fork", "forkserver"])
def test_a_pool_of_workers_pickles_functions_of_main(lab, method):
    lab.write(
        "p.py",
        "import multiprocessing, sys\nclass C:\n    pass\ndef square(x):\n    return x * x, C()\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:\n"
        "        print([(n, type(c).__module__) for n, c in pool.map(square, [1, 2, 3])])\n",
    )
    lab.same("p.py", method)


OWN_SITECUSTOMIZE = "import sys, builtins\nbuiltins.customized = (__name__, __file__, sys.path)\n"


@pytest.mark.parametrize(
    "text",
    [
        OWN_SITECUSTOMIZE,
        "1 / 0",
        "import not_there",
        "raise ImportError('x', name='sitecustomize')",
    ],
)
def test_the_users_own_sitecustomize_runs(lab, text):
    lab.launcher.insert(1, "-E")  # or it would run in our own process as well
    lab.write("own/sitecustomize.py", text)
    lab.write(
        "p.py",
        "import builtins, sys\nm = sys.modules.get('sitecustomize')\n"
        "print(getattr(builtins, 'customized', None), m and (m.__file__, m.__spec__))",
    )
    result = lab.same("p.py", env={"PYTHONPATH": "own"})
    assert (b"customized" in result.stdout or b"sitecustomize" in result.stdout) == (
        text == OWN_SITECUSTOMIZE
    )


def test_the_users_own_sitecustomize_may_end_the_program(lab):
    lab.launcher.insert(1, "-E")
    lab.write("own/sitecustomize.py", "import sys; sys.exit(4)")
    lab.write("p.py", "print('never')")
    plain, traced = (run("p.py", env={"PYTHONPATH": "own"}) for run in (lab.plain, lab.traced))
    assert (traced.code, traced.stdout) == (plain.code, plain.stdout)


def test_a_missing_sitecustomize_stays_missing(lab):
    lab.write("p.py", "import sys\nprint('sitecustomize' in sys.modules)\nimport sitecustomize")
    result = lab.same("p.py")
    assert b"No module named 'sitecustomize'" in result.stderr


def test_a_script_may_be_named_like_a_standard_module(lab):
    names = [
        "queue",
        "json",
        "inspect",
        "typing",
        "dataclasses",
        "sqlite3",
        "contextlib",
        "signal",
        "threading",
    ]
    for name in names:
        lab.write(f"{name}.py", f"print('my own {name}')")
    lab.write("p.py", "\n".join(f"import {name}" for name in names))
    result = lab.same("p.py")
    assert result.stdout.count(b"my own") == len(names)


def test_the_users_import_hooks_see_what_they_would_see(lab):
    lab.write(
        "p.py",
        "import sys\nclass Hook:\n    def find_spec(self, *a):\n        print(a)\nsys.meta_path.insert(0, Hook())\nimport colorsys, xml.dom\nsys.meta_path.append(Hook())\nimport nothing",
    )
    lab.same("p.py")


def test_a_zip_application_runs(lab):
    lab.write("app/__main__.py", "import sys, helper\nprint(helper.word, sys.argv, __file__, __spec__.name)")
    lab.write("app/helper.py", "word = 'zipped'")
    zipapp.create_archive(lab.folder / "app", lab.folder / "app.pyz")
    lab.same("app.pyz", "x")


def test_compiled_scripts_links_and_other_folders_run(lab):
    script = lab.write("deep/p.py", "import sys; print(__file__, sys.path[0], sys.argv)")
    (lab.folder / "link.py").symlink_to(script)
    lab.same("deep/p.py")
    lab.same("link.py")
    lab.same(str(script))
    lab.same("../program/deep/../deep/p.py")
    subprocess.run(
        [sys.executable, "-c", "import py_compile; py_compile.compile('deep/p.py', 'p.pyc')"],
        cwd=lab.folder,
        check=True,
    )
    lab.same("p.pyc")


def test_odd_names_and_encodings_run(lab):
    lab.write("mon été 'x'.py", "# -*- coding: latin-1 -*-\nprint(ascii('é'), __file__)".encode("latin-1"))
    lab.same("mon été 'x'.py")


def test_a_current_folder_that_is_gone_is_no_obstacle(lab):
    lab.write(
        "p.py",
        "import os, sys\nprint(sys.path[1:], sys.argv)\ntry: os.getcwd()\nexcept OSError as e: print(e)",
    )
    script = str(lab.folder / "p.py")
    seen = []
    for command in (lab.plain_command([script], []), lab.traced_command([script], [], [])[0]):
        shell = 'mkdir gone && cd gone && rmdir ../gone && "$@"'
        ended = subprocess.run(
            ["sh", "-c", shell, "sh", *command], cwd=lab.folder, capture_output=True, check=False
        )
        seen.append((ended.returncode, ended.stdout))
    assert seen[0] == seen[1]
    assert seen[0][0] == 0


def test_ignored_signals_stay_ignored(lab):
    lab.write("p.py", STATE)
    command = 'trap "" HUP INT USR1; exec "$@"'
    plain = subprocess.run(
        ["sh", "-c", command, "sh", *lab.plain_command(["p.py"], [])],
        cwd=lab.folder,
        capture_output=True,
        check=True,
    )
    traced = subprocess.run(
        ["sh", "-c", command, "sh", *lab.traced_command(["p.py"], [], [])[0]],
        cwd=lab.folder,
        capture_output=True,
        check=True,
    )
    assert without_addresses(traced.stdout) == without_addresses(plain.stdout)
    assert b"SIGHUP: 1>, <Handlers.SIG_IGN" in plain.stdout


def test_a_run_inside_a_run_is_recorded_apart(lab):
    lab.write("p.py", "import os; print(os.environ['PYTHONPATH'].count('boot'), os.environ['TRACEDBG_RUN'])")
    inner, out = lab.traced_command(["p.py"], [], [])
    lab.write("outer.py", f"import subprocess; subprocess.run({inner!r})")
    result = lab.traced("outer.py")
    assert result.stdout.decode() == f"1 {out}\n"


def test_a_shell_sees_the_signal_that_the_program_died_of(lab):
    lab.write("p.py", "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)")
    assert lab.traced("p.py").code == -signal.SIGSEGV
