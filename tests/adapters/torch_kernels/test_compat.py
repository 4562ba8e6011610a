"""The private names of torch that timing kernels relies on are there."""

from __future__ import annotations

import importlib

import pytest

torch = pytest.importorskip("torch")

from tracedbg.adapters.torch_kernels import _compat  # noqa: E402

pytestmark = pytest.mark.torch
PRIVATE = {name: value for name, value in vars(_compat).items() if isinstance(value, _compat.Private)}


@pytest.mark.parametrize("name", sorted(PRIVATE))
def test_the_name_is_there(name):
    PRIVATE[name].find()


def test_inductor_has_the_settings():
    config = importlib.import_module("torch._inductor.config")
    for section, setting in (_compat.PROVENANCE, _compat.KERNEL_PROFILE):
        assert not getattr(getattr(config, section), setting)
    assert isinstance(getattr(importlib.import_module(_compat.TAG_MODULE), _compat.TAG), str)


def test_a_compiled_graph_has_the_stacks_and_its_function():
    graph = importlib.import_module("torch._inductor.output_code").CompiledFxGraph
    names = graph.__annotations__
    assert {"inductor_provenance_stack_traces_str", "current_callable"} <= set(names)


def test_files_named_as_compilers_exist():
    folder = torch.__path__[0]
    for file in _compat.COMPILERS:
        with open(f"{folder}/{file.removeprefix('torch/')}") as opened:
            assert opened.readable()
