"""What can be told of single values and tensors: texts, numbers, comparisons.

It must not know stops, frames or frameworks.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tracedbg.debugging import CannotAssignError
from tracedbg.engine.tensor_text import difference_text
from tracedbg.engine.text import LONG, SHORT, Texts

if TYPE_CHECKING:
    from tracedbg.engine.text import Limits
    from tracedbg.engine.values import Values
    from tracedbg.tensors import Difference, Tensors, TensorSummary


class Looks:
    """Looks at values; see `Inspector` for where they come from."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self._texts = Texts(self.tensors_of)

    def tensors_of(self, value: object) -> Tensors | None:
        """Who knows this tensor; None if it is none. Never raises, whatever the value is."""
        try:
            return self._values.of(value)
        except Exception:  # noqa: BLE001  a value that lies about its class
            return None

    def text(self, value: object, limits: Limits = SHORT) -> str:
        """`value` in one printable line, of bounded length; never raises for what the value does."""
        return self._texts.line(value, limits)

    def long_text(self, value: object) -> str:
        """The same with much more of it: of a string, all of it up to some thousand characters."""
        return self._texts.line(value, LONG)

    def fitting(self, value: object, old: object) -> Any:
        """`value` as something that can take the place of `old`: for a tensor, a tensor like it.

        Raises:
            CannotAssignError: it does not fit.
        """
        owner = self.tensors_of(old)
        if owner is None or self.tensors_of(value) is not None:
            return value
        try:
            return owner.like(value, old)
        except ValueError as error:
            raise CannotAssignError(str(error)) from error

    def summary(self, value: object, first: int = 8) -> TensorSummary:
        """All about a tensor.

        Raises:
            ValueError: it is no tensor.
        """
        return self._tensors(value).summary(value, first)

    def histogram(self, value: object, bins: int = 20) -> tuple[list[float], list[int]]:
        """See `Tensors.histogram`.

        Raises:
            ValueError: it is no tensor.
        """
        return self._tensors(value).histogram(value, bins)

    def window(self, value: object, index: str) -> Any:
        """See `Tensors.window`.

        Raises:
            ValueError: it is no tensor, or has no such slice.
        """
        return self._tensors(value).window(value, index)

    def compare(self, left: object, right: object) -> Difference:
        """Two tensors compared; a number or a list on one side is compared as a tensor like the other.

        Raises:
            ValueError: they cannot be compared, with a text for a person.
        """
        first, second = self.tensors_of(left), self.tensors_of(right)
        if first is None and second is None:
            raise ValueError(f"neither is a tensor: {self.text(left)} and {self.text(right)}")
        if first is None and second is not None:
            return second.difference(second.like(left, right), right)
        if second is None and first is not None:
            return first.difference(left, first.like(right, left))
        if first is None or second is None or first.name != second.name:
            names = " and ".join(one.name for one in (first, second) if one is not None)
            raise ValueError(f"tensors of {names} cannot be compared with each other")
        return first.difference(left, right)

    def comparison(self, left: object, right: object) -> str:
        """The same in words.

        Raises:
            ValueError: they cannot be compared, with a text for a person.
        """
        found = self.compare(left, right)
        specs = [one.spec(value) for value in (left, right) if (one := self.tensors_of(value)) is not None]
        shapes = [shape for _, shape in specs if shape is not None]
        if not found.same_shape:
            return f"different shapes: {self._texts.spec(left)} and {self._texts.spec(right)}"
        return difference_text(found, math.prod(shapes[0]) if shapes else found.differing)

    def _tensors(self, value: object) -> Tensors:
        owner = self.tensors_of(value)
        if owner is None:
            raise ValueError(f"not a tensor: {self.text(value)}")
        return owner
