"""Functions of `tf.data` run as Python only when the user asks for it."""

from __future__ import annotations

import runpy

import pytest

from tracedbg.adapters.tf_function.walk import dataset_debug

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow


def elements():
    seen = []

    def double(x):
        seen.append(x)
        return x * 2

    values = [int(value) for value in tf.data.Dataset.from_tensor_slices([1, 2, 3]).map(double)]
    return values, [int(value) for value in seen if hasattr(value, "numpy")]


def test_each_element_is_seen_while_it_is_on():
    assert elements() == ([2, 4, 6], [])
    dataset_debug()
    try:
        assert elements() == ([2, 4, 6], [1, 2, 3])
    finally:
        dataset_debug(on=False)
    assert elements() == ([2, 4, 6], [])


@pytest.mark.shared
def test_the_shared_case_runs_its_function_once_for_each_element(shared):
    path = str(shared / "cases" / "tf_tfdata_map_breakpoint.py")
    runpy.run_path(path, run_name="__main__")  # it asserts that it runs once, to be traced
    dataset_debug()
    try:
        with pytest.raises(AssertionError) as caught:
            runpy.run_path(path, run_name="__main__")
    finally:
        dataset_debug(on=False)
    kinds = caught.value.args[0]
    assert kinds.count("EagerTensor") == 3
