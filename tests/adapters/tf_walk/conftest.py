"""TensorFlow with the walker attached."""

from __future__ import annotations

import inspect
import linecache

import pytest

from adapters.tf_walk.support import Script, attached

pytest.importorskip("tensorflow")


@pytest.fixture
def script():
    return Script()


@pytest.fixture
def engine(script):
    with attached(script) as made:
        yield made


@pytest.fixture
def line(request):
    """The line of the test's own function that ends with a marker comment, `# here` by default."""

    def find(mark="here"):
        lines, first = inspect.getsourcelines(request.function)
        return next(first + at for at, text in enumerate(lines) if text.rstrip().endswith(f"# {mark}"))

    linecache.checkcache()
    return find
