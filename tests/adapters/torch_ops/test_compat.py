"""The private names of torch that recording ops relies on are there, and files are called as it expects."""

from __future__ import annotations

import sys

import pytest

torch = pytest.importorskip("torch")

from adapters.torch_ops.seen import ops  # noqa: E402
from tracedbg.adapters.torch_ops import _compat, syncs  # noqa: E402
from tracedbg.adapters.torch_ops.compiled import is_generated  # noqa: E402
from tracedbg.adapters.torch_ops.observer import loaded  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("private", _compat.NAMES, ids=lambda private: private.path)
def test_the_name_is_there(private):
    private.find()


def test_each_op_that_waits_exists():
    for name in syncs.names():
        space, _, op = name.partition("::")
        if space == "aten" and op not in ("_unique",):
            assert hasattr(torch.ops.aten, op), name
        elif space.startswith("Tensor."):
            assert callable(getattr(torch.Tensor, space.partition(".")[2]))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch's own making
def test_what_compilers_have_written_is_known_for_it():
    files = []

    def profile(frame, event, argument):
        files.append(frame.f_code.co_filename)

    torch._dynamo.reset()
    compiled = [torch.compile(lambda x: x.sin() + 1, backend=backend) for backend in ("eager", "inductor")]
    for one in compiled:
        one(torch.ones(8))
        sys.setprofile(profile)
        one(torch.ones(8))
        sys.setprofile(None)
    torch._dynamo.reset()
    generated = {file for file in files if is_generated(file)}
    assert any(file.startswith("<eval_with_key>") for file in generated)
    assert any(file.endswith(".py") for file in generated)
    with ops():
        pass
    assert {loaded().native.owner(file, "call") for file in generated} == {2}


def test_frames_are_read_as_they_stand():
    with ops():
        pass
    known = (3, 11) <= sys.version_info < (3, 14)
    assert loaded().native.check(True) == known


def test_frames_are_read_by_public_functions_as_well():
    def program():
        return torch.ones(3).sin().cos()

    with ops() as seen:
        program()
    native = loaded().native
    native.check(False)
    try:
        with ops() as public:
            program()
    finally:
        native.check(True)
    assert public.lines() == seen.lines()


def test_what_follows_a_backward_is_no_part_of_it_where_frames_are_read_by_public_functions():
    def after():
        torch.ones(3).tan()

    weight = torch.ones(3, requires_grad=True)
    with ops():
        pass
    native = loaded().native
    native.check(False)
    try:
        with ops() as seen:
            for _ in range(2):
                weight.sin().sum().backward()
                after()
    finally:
        native.check(True)
    lines = {("aten::tan", after.__code__.co_firstlineno + 1): 2}
    assert {at: count for at, count in seen.lines(backward=False).items() if at[0] == "aten::tan"} == lines
