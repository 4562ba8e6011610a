"""The private names that comparing needs are where `_compat` says."""

from __future__ import annotations

import pytest

from tracedbg.adapters.tf_function.compare import _compat

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow


@pytest.mark.parametrize("name", _compat.NAMES, ids=lambda name: name.path)
def test_the_name_is_there(name):
    assert name.get() is not None


def test_a_function_has_what_is_read_from_it():
    f = tf.function(lambda x: x + 1.0)
    assert f._run_functions_eagerly is False
    assert float(f._python_function(tf.constant(1.0))) == 2.0
    f(tf.constant(1.0))
    assert f._list_all_concrete_functions()[0].captured_inputs == []
