"""Windows of single ops, as a user writes them."""

from __future__ import annotations

import pytest

from tracedbg.errors import UsageError
from tracedbg.op_window import OpWindow


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("", OpWindow()),
        ("10:20", OpWindow(10, 20)),
        ("train_step@3:4", OpWindow(3, 4, function="train_step")),
        ("Model.forward@0:1", OpWindow(0, 1, function="Model.forward")),
        ("2s:5.5s", OpWindow(2, 5.5, is_seconds=True)),
        ("0:1.5s", OpWindow(0, 1.5, is_seconds=True)),
    ],
)
def test_a_window_is_steps_calls_or_seconds(text, window):
    assert OpWindow.parse(text) == window


def test_a_window_of_nothing_is_empty():
    assert OpWindow.parse("").is_empty
    assert not OpWindow.parse("1:2").is_empty


@pytest.mark.parametrize("text", ["10", "10:", "a:b", "1.5:2", "2s:5", "f@1s:2s", "-1:2", "@1:2"])
def test_what_is_no_window_is_refused_with_the_ways_to_write_one(text):
    with pytest.raises(UsageError) as caught:
        OpWindow.parse(text)
    assert str(caught.value) == (
        f"--ops-steps={text}: name steps, such as --ops-steps=10:20, calls of a function, such as"
        " --ops-steps=train_step@10:20, or seconds, such as --ops-steps=2s:5s"
    )


def test_a_window_that_ends_before_it_begins_is_refused():
    with pytest.raises(UsageError) as caught:
        OpWindow.parse("20:10", "ops")
    assert str(caught.value) == "ops=20:10: it ends where it begins, or before; put the lower number first"
