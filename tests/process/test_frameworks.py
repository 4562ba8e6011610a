"""Programs that do import a framework: recorded in each process, and unchanged by it."""

from __future__ import annotations

import json
import signal

import pytest

COMPILES = """
import torch
@torch.compile(backend="eager")
def f(x):
    return x + 1
"""


def report(lab, *program: str, **how) -> tuple:
    result = lab.traced(*program, options=["--json", "report.json"], **how)
    return result, json.loads((lab.folder / "report.json").read_text())


@pytest.mark.torch
def test_the_module_of_a_framework_is_as_plain_python_leaves_it(lab):
    lab.write(
        "p.py",
        "import sys, torch\nm = torch\n"
        "print(m.__spec__, m.__loader__, m.__file__, sorted(vars(m)) == sorted(dir(m)), len(vars(m)))\n"
        "print([str(f) for f in sys.path_hooks], sys.argv, torch.add, torch.Tensor.__add__)\n",
    )
    assert lab.plain("p.py").stdout.split(b"0x")[0] == lab.traced("p.py").stdout.split(b"0x")[0]


@pytest.mark.torch
def test_a_program_that_is_killed_keeps_its_trace(lab):
    lab.write("p.py", COMPILES + "f(torch.ones(2))\nimport os\nos.kill(os.getpid(), 9)\n")
    result, told = report(lab, "p.py")
    assert result.code == -signal.SIGKILL
    assert [(f["name"], f["traces"]) for f in told["functions"]] == [("f", 1)]
    assert told["run"]["exit_code"] == 137


@pytest.mark.torch
def test_forked_and_spawned_processes_are_recorded_beside_their_parent(lab):
    lab.write(
        "p.py",
        COMPILES + "import multiprocessing\n"
        "def work(n):\n    return f(torch.ones(n)).sum().item()\n"
        "if __name__ == '__main__':\n"
        "    for method in ('fork', 'spawn'):\n"
        "        with multiprocessing.get_context(method).Pool(1) as pool:\n"
        "            print(pool.map(work, [2]))\n",
    )
    result, told = report(lab, "p.py")
    assert (result.code, result.stdout) == (0, b"[4.0]\n[4.0]\n")
    assert len(told["processes"]) == 3
    assert sum(f["traces"] for f in told["functions"]) == 2


@pytest.mark.torch
def test_a_traceback_through_a_compiled_function_is_plain_pythons(lab):
    lab.write(
        "p.py",
        COMPILES
        + "@torch.compile(backend='eager', fullgraph=True)\ndef g(x):\n    return f(x) @ torch.ones(7)\ntry:\n    import torch.not_there\nexcept ImportError as e:\n    print(e)\nraise ValueError(f(torch.ones(1)))\n",
    )
    plain, traced = lab.plain("p.py"), lab.traced("p.py", options=["--quiet"])
    assert (traced.code, traced.stdout, traced.stderr) == (plain.code, plain.stdout, plain.stderr)


@pytest.mark.torch
@pytest.mark.parametrize(
    "text", ["import nothing_at_all", "raise RuntimeError('libcuda is broken')", "1 / 0"]
)
def test_a_framework_that_cannot_be_imported_fails_as_it_would_alone(lab, text):
    lab.write("torch/__init__.py", f"def load():\n    {text}\nload()\n")
    lab.write("p.py", "import torch.nn")
    plain, traced = lab.plain("p.py"), lab.traced("p.py", options=["--quiet"])
    assert (traced.code, traced.stdout, traced.stderr) == (plain.code, plain.stdout, plain.stderr)
