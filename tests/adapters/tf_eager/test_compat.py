"""The private names that eager ops are seen by are where `_compat` says, and all ops pass there."""

from __future__ import annotations

import ast
import glob
import os

import pytest

from tracedbg.adapters.tf_eager import _compat

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow
PYTHON = os.path.join(os.path.dirname(tf.__file__), "python")


@pytest.mark.parametrize("name", _compat.NAMES, ids=lambda name: name.path)
def test_the_name_is_there(name):
    assert name.get() is not None


def test_the_frame_of_a_gradient_has_what_is_read_from_it():
    code = _compat.GRADIENT.get().__code__
    assert {"op_name", "inputs", "outputs"} <= set(code.co_varnames)


def ways_into_the_runtime(tree):
    """Names under which a module calls the two functions: `module.function`, or bare."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Attribute) and called.attr in {"TFE_Py_FastPathExecute", "execute"}:
                owner = called.value
                found.add(f"{owner.id if isinstance(owner, ast.Name) else '?'}.{called.attr}")
            elif isinstance(called, ast.Name) and called.id == "TFE_Py_FastPathExecute":
                found.add(called.id)
    return found


def test_all_generated_modules_look_both_names_up_when_they_call():
    modules = glob.glob(os.path.join(PYTHON, "ops", "gen_*.py"))
    assert len(modules) > 30
    for file in modules:
        with open(file, encoding="utf-8") as opened:
            tree = ast.parse(opened.read())
        assert ways_into_the_runtime(tree) <= {
            "pywrap_tfe.TFE_Py_FastPathExecute",
            "_execute.execute",
        }, file


def test_a_name_that_moved_is_one_fault_and_the_program_goes_on(monkeypatch):
    from adapters.sink import ListSink
    from tracedbg.adapters.tf_eager import TfEagerWalker
    from tracedbg.engine import Breakpoint, Engine
    from tracedbg.events import Fault
    from tracedbg.hooks import Hooks

    owner = _compat.PrivateName.owner

    def gone(self):
        if self is _compat.EXECUTE:
            raise AttributeError(f"no attribute {self.path}")
        return owner(self)

    monkeypatch.setattr(_compat.PrivateName, "owner", gone)
    sink = ListSink()
    engine, hooks = Engine(None), Hooks(sink, "walk.tf_eager")
    TfEagerWalker().attach(tf, hooks, engine)
    engine.breakpoints.add(Breakpoint(op_pattern="Nothing"))
    assert float(tf.constant(1.0) + 1.0) == 2.0
    hooks.remove()
    (fault,) = sink.of(Fault)
    assert (fault.where, fault.message) == ("walk.tf_eager.arm", "AttributeError: no attribute execute")
