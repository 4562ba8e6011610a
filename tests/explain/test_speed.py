"""Explaining a trace takes well under a millisecond, also beside many earlier ones."""

import statistics
import time

import pytest

from recordings import signature, tensor, value
from tracedbg.explain.nearest import SignatureIndex

EARLIER, ARGUMENTS = 200, 50


@pytest.mark.serial
@pytest.mark.parametrize("changed", [1, 5, ARGUMENTS // 2])
def test_a_trace_is_compared_with_200_of_50_arguments_in_under_a_millisecond(changed):
    def call(number):
        arguments = {f"x{n}": tensor(32, 128) for n in range(ARGUMENTS - changed)}
        return signature(**arguments, **{f"n{n}": value(number) for n in range(changed)})

    index = SignatureIndex()
    for number in range(EARLIER):
        index.add(call(number), number)
    took = []
    for number in range(EARLIER, EARLIER + 21):
        new = call(number)
        start = time.perf_counter()
        found = index.nearest(new, at_ns=number)
        took.append(time.perf_counter() - start)
        assert len(found[1]) == changed
    assert statistics.median(took) < 1e-3, took
