"""What is told of a call's arguments, to be laid beside those of other ranks."""

from __future__ import annotations

import pytest

from tracedbg.events import Framework, Outcome, Traceable, TraceEnded, TraceStarted
from tracedbg.redaction.redactor import Redactor

pytestmark = pytest.mark.torch


def inputs(function, *args, **kwargs):
    import inspect

    from tracedbg.adapters.torch_compile.inputs import inputs_of

    bound = inspect.signature(function).bind(*args, **kwargs)
    bound.apply_defaults()
    return inputs_of(function.__code__, dict(bound.arguments), None)


def test_tensors_and_values_are_told_wherever_they_are():
    import torch

    def step(batch, xs, n, *rest, mode="a", **more): ...

    nested = {"x": torch.ones(4, 16), "deep": {"y": torch.ones(2, dtype=torch.int64)}}
    assert inputs(step, nested, [torch.ones(3), 1.5], 2, None, mode="b", flag=True) == (
        ("L['batch']['x']", "float32[4, 16]"),
        ("L['batch']['deep']['y']", "int64[2]"),
        ("L['xs'][0]", "float32[3]"),
        ("L['xs'][1]", "1.5"),
        ("L['n']", "2"),
        ("L['mode']", "'b'"),
        ("L['rest'][0]", "None"),
        ("L['more']['flag']", "True"),
    )


def test_objects_are_left_alone():
    class Config:
        def __getattr__(self, name):
            raise AssertionError(name)

        def __iter__(self):
            raise AssertionError

    def step(config, kind): ...

    assert inputs(step, Config(), Config) == ()


def test_they_are_bounded():
    from tracedbg.adapters.torch_compile.inputs import MAX_INPUTS

    def step(xs, text): ...

    assert len(inputs(step, list(range(1000)), "")) == MAX_INPUTS
    ((_, text),) = inputs(step, [[[[1]]]], "a" * 1000)
    assert len(text) <= 80


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, ()),
        ({"RANK": "0", "WORLD_SIZE": "1"}, ()),
        ({"RANK": "1", "WORLD_SIZE": "2"}, (("L['x']", "float32[3]"), ("L['n']", "2"))),
    ],
)
def test_a_rank_of_several_tells_them_with_each_compile(sink, monkeypatch, environment, expected):
    import torch

    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    torch.compile(lambda x, n: x * n, backend="eager")(torch.ones(3), 2)
    (started,) = sink.of(TraceStarted)
    assert started.inputs == expected


def test_values_are_kept_out_where_that_is_asked_for():
    function = Traceable(Framework.TORCH_COMPILE, "step", "train.py", 9)
    told = (
        ("L['batch']['x']", "float32[4, 16]"),
        ("L['n']", "2"),
        ("L['secret']", "'password'"),
        ("L['none']", "None"),
    )
    kept = Redactor("key").event(TraceStarted(1, function, 0, 1, inputs=told)).inputs
    assert (kept[0][1], kept[3]) == ("float32[4, 16]", told[3])
    assert [text.partition("_")[0] for _, text in kept[1:3]] == ["int", "str"]
    assert "password" not in str(kept)
    assert Redactor("key").event(TraceEnded(1, 2, Outcome.COMPILED)).outcome is Outcome.COMPILED
