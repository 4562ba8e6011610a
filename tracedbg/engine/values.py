"""What an op has made: whether it is bad, or of another shape than in the last call.

It must not know breakpoints, nor any framework: each one's `Tensors` looks at its values.
"""

from __future__ import annotations

import math
import re
import reprlib
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from tracedbg.debugging import OpView, View
    from tracedbg.tensors import Tensors

_KINDS = {"nan": (False, True), "inf": (True,)}
"""Filter -> what it counts as bad, as `infinite` of `Tensors.is_bad`: most NaNs begin as an infinity."""
_WORDS = {False: "a NaN", True: "an infinity"}
_IN_PLACE = re.compile(
    r"[a-z0-9]_(\.|$)|__i[a-z]+__|operator\.i|^(Resource|Assign|Inplace|Tensor(Scatter|List))"
)


class Values:
    """Looks at the values of ops, for the filters that the user has set."""

    def __init__(self) -> None:
        self._tensors: tuple[Tensors, ...] = ()
        self._specs: dict[tuple[str, int], list[tuple[str, Any]]] = {}
        self._local = threading.local()

    def add(self, tensors: Tensors) -> None:
        """Look at this framework's tensors, too."""
        if all(known.name != tensors.name for known in self._tensors):
            self._tensors = (*self._tensors, tensors)

    def of(self, value: object) -> Tensors | None:
        """Whoever knows this value; None if it is no tensor."""
        return next((one for one in self._tensors if one.owns(value)), None)

    def where(self, view: View) -> str:
        """The op, its line, the turn of its loop, and what it was given: for an op that has raised."""
        parts = [f"{view.file}:{view.line}"]
        if view.iteration is not None:
            parts.append(f"turn {view.iteration} of the loop")
        if view.op is not None:
            given = [f"{name} {self._text(value)}" for name, value in view.op.inputs()]
            parts.append(f"{view.op.site.op}({', '.join(given)})")
        return ", ".join(parts)

    def _text(self, value: object) -> str:
        owner = self.of(value)
        if owner is not None:
            return _specs_text([("", owner.spec(value))])
        return reprlib.repr(value)

    def before(self, view: View) -> None:
        """An op is about to run: one that writes into its inputs hides what they were."""
        self._local.before = None
        if view.op is not None and _IN_PLACE.search(view.op.site.op):
            inputs = view.op.inputs()
            self._local.before = {kind: bool(self._first_bad(inputs, infinite=kind)) for kind in _WORDS}

    def after(self, view: View, filters: Collection[str]) -> list[tuple[str, str]]:
        """An op has run: (filter, what a person is told) for each of `filters` that it has set off."""
        op = view.op
        if op is None:
            return []
        found = []
        for name in _KINDS:
            if name in filters and (bad := self._made_bad(op, name)):
                output, what = bad
                found.append((name, f"{op.site.op} has made {what} in {output}; its inputs had none"))
        if "shape" in filters and (change := self._changed(view)):
            found.append(("shape", change))
        return found

    def _made_bad(self, op: OpView, filter_name: str) -> tuple[str, str] | None:
        """(name, what it has) of the first output with something bad that no input had."""
        before: dict[bool, bool] | None = getattr(self._local, "before", None)
        inputs = op.inputs()
        for infinite in _KINDS[filter_name]:
            output = self._first_bad(op.outputs(), infinite=infinite)
            if output is None:
                continue
            had = self._first_bad(inputs, infinite=infinite) if before is None else before[infinite]
            if not had and not (infinite and filter_name == "nan" and self._is_meant(inputs)):
                return output, _WORDS[infinite]
        return None

    def _first_bad(self, named: Sequence[tuple[str, Any]], *, infinite: bool) -> str | None:
        for name, value in named:
            owner = self.of(value)
            if owner is not None and owner.is_bad(value, infinite=infinite):
                return name
        return None

    def _is_meant(self, inputs: Sequence[tuple[str, Any]]) -> bool:
        """Whether the program has asked for it: filled in, not worked out, as in masks for a softmax."""
        numbers = [value for _, value in inputs if isinstance(value, float)]
        return not all(map(math.isfinite, numbers)) or not any(self.of(value) for _, value in inputs)

    def _changed(self, view: View) -> str:
        if view.op is None or view.walk is None:
            return ""
        now = [
            (name, owner.spec(value))
            for name, value in view.op.outputs()
            if (owner := self.of(value)) is not None
        ]
        key = view.walk.graph, view.op.index
        before = self._specs.get(key)
        self._specs[key] = now
        if before is None or before == now:
            return ""
        return f"{view.op.site.op} makes {_specs_text(now)}; in the last call it made {_specs_text(before)}"


def _specs_text(specs: list[tuple[str, Any]]) -> str:
    parts = []
    for _, (dtype, shape) in specs:
        dims = "?" if shape is None else ", ".join(str(size) for size in shape)
        parts.append(f"{dtype}[{dims}]")
    return ", ".join(parts) or "nothing"
