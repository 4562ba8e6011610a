"""One way in which a call differs from what an earlier trace was made for, before it is put in words.

It must not know where the difference was found: in two signatures, or in a guard's text.
"""

from __future__ import annotations

from dataclasses import dataclass

from tracedbg.events import CauseKind, Frame


@dataclass(frozen=True)
class Difference:
    """What changed; `Cause` is this plus sentence, advice and line."""

    kind: CauseKind
    argument: str = ""
    """As the user wrote it: `batch["x"]`."""
    before: str = ""
    after: str = ""
    detail: str = ""
    """What else the sentence says: a type's name, the names of keys, `SPECIALISED`."""
    dims: tuple[int, ...] = ()
    """Of a tensor: which dimensions differ."""
    frame: Frame | None = None
    """The user's line that made the condition, where the framework knows one."""


SPECIALISED = "0/1"
"""The detail where the framework itself keeps the sizes and values 0 and 1 apart from all others."""
SMALL = "small"
"""The detail where a size is now 0 or 1, which the framework may keep apart."""

WEIGHTS = {
    CauseKind.BACKEND: 0,  # found only where every guard of the entry held
    CauseKind.SHAPE: 1,
    CauseKind.PYTHON_VALUE: 1,
    CauseKind.ATTRIBUTE_VALUE: 1,
    CauseKind.GLOBAL_VALUE: 1,
    CauseKind.SYMBOLIC_CONDITION: 1,
    CauseKind.IDENTITY: 1,
    CauseKind.ALIASING: 1,
    CauseKind.ARGUMENT_COUNT: 3,
    CauseKind.CONTEXT: 4,
    CauseKind.UNKNOWN: 9,
}
"""How far apart a difference makes two calls; 2 for any other kind."""


def weight(kind: CauseKind) -> int:
    """See `WEIGHTS`."""
    return WEIGHTS.get(kind, 2)
