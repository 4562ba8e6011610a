"""The names of torch's that the comparison relies on are where it looks for them."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
from tracedbg.adapters.torch_compile.compare import _compat

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("name", _compat.NAMES, ids=lambda name: f"{name.module}.{name.path}")
def test_it_is_there(name):
    assert name.get() is not None


def test_the_backend_without_code_generation_is_there():
    assert callable(_compat.BACKENDS.get()(_compat.AOT))
