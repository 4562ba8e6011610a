"""The names of torch's that the walk relies on are where it looks for them."""

from __future__ import annotations

import pytest

from tracedbg.adapters.torch_script.walk import _compat
from tracedbg.adapters.versions import covers

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.torch


IN_USE = [name for name in _compat.NAMES if covers(name.versions, torch.__version__)]


@pytest.mark.parametrize("name", IN_USE, ids=lambda name: f"{name.module}.{name.path}")
def test_it_is_there(name):
    assert name.get() is not None
