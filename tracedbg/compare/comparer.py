"""What compares one framework's traced code with eager code: an adapter implements it.

It must not know any framework, nor what becomes of a comparison.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Protocol

from tracedbg.compare.steps import Limits

if TYPE_CHECKING:
    from types import ModuleType

    from tracedbg.compare.records import Comparison
    from tracedbg.hooks import Hooks


@dataclass(frozen=True)
class CompareOptions:
    """What is to be compared, and how strictly."""

    functions: tuple[str, ...] = ()
    """Globs over qualified names of traced functions, or their last parts; empty: all."""
    calls: int = 3
    """How many calls of each function."""
    scale: float = 1.0
    """See `Limits.scale`."""
    output: str = ""
    """The file that comparisons are appended to, a line of JSON each."""

    @classmethod
    def from_text(cls, text: str) -> CompareOptions:
        """What `to_text` has written; names that we do not know are left out."""
        data: dict[str, Any] = json.loads(text)
        known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        return cls(**{**known, "functions": tuple(known.get("functions", ()))})

    def to_text(self) -> str:
        """For the environment."""
        return json.dumps(asdict(self))

    def wants(self, function: str) -> bool:
        """Whether a function of that qualified name is to be compared."""
        last = function.rpartition(".")[2]
        return not self.functions or any(
            fnmatchcase(function, one) or fnmatchcase(last, one) for one in self.functions
        )

    @property
    def limits(self) -> Limits:
        """How far values may be apart."""
        return Limits(self.scale)


class Report(Protocol):
    """Where comparisons go. Safe in any thread."""

    def compared(self, comparison: Comparison) -> None:
        """One call has been compared, or could not be."""

    def called(self, function: str) -> None:
        """A traced function was called that is not to be compared."""


class Comparer(Protocol):
    """Compares the calls of one framework's traced functions, as the program makes them."""

    name: str
    modules: tuple[str, ...]
    """Attach when the first of these has been imported by the program."""

    def attach(self, module: ModuleType, hooks: Hooks, options: CompareOptions, report: Report) -> None:
        """Install what it needs; `hooks` removes it again.

        The program goes on with what it would have had without us: results, variables, random streams.
        """
