"""Advice is true: each program with the advice applied is traced as seldom as the advice promises.

The counts are the frameworks' own.
"""

from __future__ import annotations

import ast
import inspect
import re
from importlib import import_module

import pytest
from known_causes import CASES, CAUSES, alternatives

CODE = re.compile(r"@tf\.function\(.*\)|(?:torch|tf)\.[\w.]+\(\w*(?:, \w+)?\)|\w+\.contiguous\(\)")


def twins(framework: str):
    pytest.importorskip(framework)
    return import_module(
        {"torch": "explain.twins.torch_twins", "tensorflow": "explain.twins.tf_twins"}[framework]
    ).TWINS


def torch_count(program) -> int:
    import torch
    from torch._dynamo.utils import clear_compilation_metrics, get_compilation_metrics

    torch._dynamo.reset()
    clear_compilation_metrics()
    program()
    return sum(not record.fail_type for record in get_compilation_metrics())


def tf_count(program) -> int:
    return sum(function.experimental_get_tracing_count() for function in program())


def count_of_case(name: str) -> int:
    """What the header of a case expects."""
    text = (CASES / f"{name}.py").read_text()
    expected = ast.literal_eval(re.search(r"expected: (\{.*\})", text)[1])
    if "compiles" in expected:
        return len(expected["compiles"])
    return sum(sum(n) if isinstance(n, list) else n for n in expected.values())


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore")
def test_each_piece_of_advice_for_torch_brings_the_compiles_down():
    check(twins("torch"), torch_count)


@pytest.mark.tensorflow
@pytest.mark.filterwarnings("ignore")
def test_each_piece_of_advice_for_tensorflow_brings_the_traces_down():
    check(twins("tensorflow"), tf_count)


def check(found, count):
    before = {name: count(program) for name, program in found.programs.items()}
    wrong = []
    for twin in found.all:
        if twin.of not in before and not CASES.is_dir():
            continue
        was = before.get(twin.of) or count_of_case(twin.of)
        now = count(twin.program)
        if now != twin.count or now >= was:
            wrong.append((str(twin), "was", was, "now", now, "expected", twin.count))
    assert wrong == []


@pytest.mark.torch
@pytest.mark.tensorflow
def test_every_way_that_a_case_is_advised_has_a_twin():
    applied = {}
    for twin in (*twins("torch").all, *twins("tensorflow").all):
        applied.setdefault(twin.of, []).append(twin.applies)
    missing = [
        (name, way)
        for name, causes in CAUSES.items()
        for cause in causes
        for way in alternatives(cause.advice)
        if not any(applies in way or way in applies for applies in applied.get(name, ()))
    ]
    assert missing == []


@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
def test_a_twin_has_the_code_of_the_advice_as_it_is_written(framework):
    found = twins(framework)
    wrong = []
    for twin in found.all:
        source = re.sub(r"\s+", "", inspect.getsource(twin.program).partition("def ")[2])
        code = CODE.search(twin.applies)
        if code and re.sub(r"\s+", "", code[0]) not in source:
            wrong.append((str(twin), code[0]))
    assert wrong == []
