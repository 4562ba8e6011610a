"""Programs of all kinds: the walker changes nothing of what they make, how often they are compiled, or why."""

from __future__ import annotations

import re
import warnings

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from adapters.torch_walk import programs  # noqa: E402
from adapters.torch_walk.walking import Reader, arm_everything, walking  # noqa: E402


def run(name, dynamo, backend="aot_eager"):
    """All that a program makes, and what torch itself counts of it."""
    dynamo.reset()
    dynamo.utils.clear_compilation_metrics()
    dynamo.utils.counters.clear()
    torch.manual_seed(0)

    def compile(function, **options):
        return torch.compile(function, backend=backend, **options)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = programs.PROGRAMS[name](compile)
    return made, counted(dynamo)


def counted(dynamo):
    counters = {key: dict(found) for key, found in dynamo.utils.counters.items() if found}
    metrics = dynamo.utils.get_compilation_metrics()
    compiles = [(str(one.compile_id), one.co_name, one.fail_type, one.recompile_reason) for one in metrics]
    return eval(re.sub(r"0x[0-9a-f]+", "0x", repr(counters))), compiles


def of_forwards(counts):
    """Without the compiles of backwards: of a call that is walked, torch runs the backward eagerly."""
    counters, compiles = counts
    return counters, [one for one in compiles if one[1] is not None]


def same(left, right):
    return left.dtype == right.dtype and torch.equal(left, right)


@pytest.fixture(scope="module")
def plain():
    """What the programs do alone, each run once."""
    return {}


@pytest.fixture(params=sorted(programs.PROGRAMS))
def name(request):
    return request.param


@pytest.fixture
def expected(name, plain, fresh_dynamo):
    if name not in plain:
        plain[name] = run(name, fresh_dynamo)
    return plain[name]


def test_unarmed_nothing_is_changed(name, expected, fresh_dynamo):
    with walking(fresh_dynamo.convert_frame) as found:
        made, counts = run(name, fresh_dynamo)
    assert [same(*pair) for pair in zip(made, expected[0], strict=True)] == [True] * len(made)
    assert counts == expected[1]
    assert found.script.stops == []


def test_stopped_in_everywhere_nothing_is_changed(name, expected, fresh_dynamo):
    reader = Reader()
    with walking(fresh_dynamo.convert_frame, reader) as found:
        arm_everything(found.engine, programs.__file__)
        made, counts = run(name, fresh_dynamo)
    assert [same(*pair) for pair in zip(made, expected[0], strict=True)] == [True] * len(made)
    if name == "compiled_autograd":  # it captures the backward of what has run: here of the single ops
        del counts[0]["stats"]["calls_captured"], expected[1][0]["stats"]["calls_captured"]
    assert of_forwards(counts) == of_forwards(expected[1])
    assert reader.count > 3
