"""No code of ours executes data: what could is named here, one by one, with what it is given."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("tracedbg", "tui/tracedbg_tui", "plugins/tracedbg_kernels", "plugins/tracedbg_pytest")
FORBIDDEN_MODULES = {
    "pickle",
    "cPickle",
    "_pickle",
    "marshal",
    "shelve",
    "dill",
    "cloudpickle",
    "joblib",
    "yaml",
    "xml",
}
EXECUTING = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_CALLS = {
    "os.system", "os.popen", "pickle.loads", "torch.load", "marshal.loads", "yaml.load", "tempfile.mktemp",
    "numpy.load", "np.load",
}  # fmt: skip
ALLOWED = {
    "tracedbg/adapters/torch_compile/guards.py": "torch's own guard, in the program that has it",
    "tracedbg/engine/evaluating.py": "what the person at the debugger has typed",
    "tracedbg/engine/specs.py": "the condition of a breakpoint, which the person has typed: compiled, not run",
    "tracedbg/engine/breakpoints.py": "likewise",
    "tracedbg/adapters/python_lines/outlines.py": "the program's own source, to find lines: compiled, not run",
    "tracedbg/adapters/torch_compile/walk/views.py": "an expression of torch's making, in the program that has it",
    "tracedbg/dap/lines.py": "the program's own source, to find lines: compiled, not run",
    "tracedbg/adapters/torch_kernels/operators.py": "the program's own source, to find lines: compiled, not run",
}
"""The files that execute something, or compile it, and what."""


def modules():
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            yield str(file.relative_to(ROOT)), ast.parse(file.read_text())


def test_nothing_of_ours_imports_what_executes_data():
    found = [
        f"{file}: {name}"
        for file, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names]
        )
        if name.partition(".")[0] in FORBIDDEN_MODULES
    ]
    assert found == []


def test_each_place_that_executes_something_is_known():
    found = {
        file
        for file, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in EXECUTING
    }
    assert found <= set(ALLOWED), found - set(ALLOWED)
    assert not {
        file for file in found if file.startswith(("tracedbg/store", "tracedbg/explain", "tracedbg/report"))
    }


def test_nothing_of_ours_calls_a_shell_or_loads_objects():
    found = [
        f"{file}:{node.lineno}: {ast.unparse(node.func)}"
        for file, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (
            ast.unparse(node.func) in FORBIDDEN_CALLS
            or any(one.arg == "shell" and ast.unparse(one.value) != "False" for one in node.keywords)
        )
    ]
    assert found == []


def test_sql_is_put_together_of_names_of_ours_alone():
    """Each statement is a constant, or is marked (S608) with why its parts are ours."""
    unmarked = []
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            lines = file.read_text().splitlines()
            for node in ast.walk(ast.parse("\n".join(lines))):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and node.func.attr in ("execute", "executemany", "executescript")
                    and node.args
                    and isinstance(node.args[0], ast.JoinedStr)
                ):
                    part = "\n".join(lines[node.lineno - 1 : node.end_lineno])
                    if "S608" not in part and "schema." not in part:
                        unmarked.append(f"{file.relative_to(ROOT)}:{node.lineno}")
    assert unmarked == []
