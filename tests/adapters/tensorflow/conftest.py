"""TensorFlow with both adapters attached."""

from __future__ import annotations

import pytest

from adapters.sink import attached


@pytest.fixture
def sink():
    tf = pytest.importorskip("tensorflow")
    from tracedbg.adapters.autograph import AutographAdapter
    from tracedbg.adapters.tf_function import TfFunctionAdapter

    with attached(tf, TfFunctionAdapter(), AutographAdapter()) as found:
        yield found
