"""One eager op as the debugger sees it: its inputs and outputs by the names of its definition.

It must not know when it runs.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_common.op_defs import definition, tensors_of
from tracedbg.events import OpSite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.frames import PythonView

CALL = "PartitionedCall"
"""What a call of a traced function is named, as in a graph; the function's name is that of the site."""


class EagerOp:
    """See `OpView`. Holds the program's own values, and must not outlive the call of the op."""

    index = 0
    """See `OpView`."""
    view: PythonView | None = None
    """Where it runs; set when that is known."""

    def __init__(self, op: str, name: str | None, arguments: Sequence[Any]) -> None:
        """Describe an op that is about to run.

        Args:
            op: its type, or the name of a function.
            name: as the program has named it.
            arguments: one for each of its definition's inputs, then its attributes; or all tensors in a row.
        """
        self.type = op
        self._definition = definition(op)
        self._name = name or op
        self._inputs = arguments
        self._outputs: Sequence[Any] = ()
        if self._definition is not None and isinstance(arguments, tuple):
            self._inputs = arguments[: len(self._definition.inputs)]

    @property
    def site(self) -> OpSite:
        """See `OpView`; the same for the methods below."""
        file, line = (self.view.file, self.view.line) if self.view is not None else ("", 0)
        op = self.type if self._definition is not None else CALL
        inputs = tuple(name for name, _ in self.inputs())
        return OpSite(self._name, op, inputs, _outputs_text(self._outputs), file, line)

    def inputs(self) -> list[tuple[str, Any]]:  # noqa: D102
        known = self._definition.inputs if self._definition is not None else ()
        return _named(known, self._inputs, "input")

    def outputs(self) -> list[tuple[str, Any]]:  # noqa: D102
        known = self._definition.outputs if self._definition is not None else ()
        return _named(known, self._outputs, "output")

    def ran(self, outputs: Any) -> None:
        """Note what it has made: what the runtime has returned."""
        if outputs is None:
            self._outputs = ()
        elif isinstance(outputs, (list, tuple)):
            self._outputs = outputs
        else:
            self._outputs = (outputs,)


def _named(
    known: tuple[tuple[str, bool], ...], values: Sequence[Any], otherwise: str
) -> list[tuple[str, Any]]:
    """Give values the names of their definition; by number where they do not fit it.

    Args:
        known: see `Definition`.
        values: one for each of `known`, or the tensors of all of them in a row.
        otherwise: the name to number.
    """
    lists = [name for name, is_list in known if is_list]
    if not any(isinstance(value, (list, tuple)) for value in values) and len(lists) == 1:
        inside = len(values) - len(known) + 1
        if inside >= 0:
            return _spread(known, values, inside)
    if len(values) != len(known):
        return [(f"{otherwise}[{number}]", value) for number, value in enumerate(tensors_of(values))]
    found: list[tuple[str, Any]] = []
    for (name, is_list), value in zip(known, values, strict=True):
        if is_list and isinstance(value, (list, tuple)):
            found += [(f"{name}[{number}]", one) for number, one in enumerate(value)]
        else:
            found.append((name, value))
    return found


def _spread(known: tuple[tuple[str, bool], ...], values: Sequence[Any], inside: int) -> list[tuple[str, Any]]:
    """Names for tensors in a row, of which `inside` belong to the one list there is."""
    names: list[str] = []
    for name, is_list in known:
        names += [f"{name}[{number}]" for number in range(inside)] if is_list else [name]
    return list(zip(names, values, strict=True))


def _outputs_text(outputs: Sequence[Any]) -> str:
    """As `OpSite.output`: of the first output."""
    for value in tensors_of(outputs)[:1]:
        with suppress(AttributeError, ValueError):  # no tensor; a shape of unknown rank
            sizes = ", ".join("?" if size is None else str(size) for size in value.shape)
            return f"{value.dtype.name}[{sizes}]"
    return ""
