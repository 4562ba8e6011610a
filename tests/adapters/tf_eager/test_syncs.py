"""Where the program waits for a value."""

from __future__ import annotations

import pytest

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (lambda t: t.numpy(), "numpy() waits for a float32 of CPU:0"),
        (bool, "bool() waits for a float32 of CPU:0"),
        (int, "int() waits for a float32 of CPU:0"),
        (float, "float() waits for a float32 of CPU:0"),
        (repr, "a text waits for a float32 of CPU:0"),
        (lambda t: f"{t:.1f}", "a text waits for a float32 of CPU:0"),
    ],
)
def test_reading_a_value_is_told_with_what_asked_for_it(debugged, read, text):
    t = tf.constant(1.5)
    debugged.at(filter="host_sync")
    read(t)
    (seen,) = debugged.seen
    assert (seen.reason, seen.text, seen.op) == ("exception", text, "")


def test_a_branch_on_a_tensor_is_told_at_its_line(debugged):
    def branch(t):
        if t > 0:
            return 1
        return 0

    debugged.at(filter="host_sync")
    assert branch(tf.constant(1.0)) == 1
    (seen,) = debugged.seen
    assert seen.function == "branch"
    assert seen.text == "bool() waits for a bool of CPU:0"


def test_other_filters_do_not_wait_for_reads(debugged):
    debugged.at(filter="nan")
    tf.constant(1.0).numpy()
    assert debugged.seen == []


def test_what_the_debugger_reads_is_no_wait_of_the_program(debugged):
    debugged.at(filter="host_sync")
    debugged.at(filter="nan")
    tf.constant([1.0]) + 1.0
    assert debugged.seen == []
