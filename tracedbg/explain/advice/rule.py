"""What a rule of advice is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tracedbg.events import CauseKind, Framework
    from tracedbg.explain.situation import Situation


class Rule(Protocol):
    """Advice for one sort of cause. Other packages register a class of this form without arguments."""

    @property
    def kinds(self) -> tuple[CauseKind, ...]:
        """The kinds of cause that it is asked about."""

    def __call__(self, situation: Situation, /) -> str:
        """The advice; empty where this rule has none."""


@dataclass(frozen=True)
class Say:
    """The same words for every cause of a kind that fits."""

    kind: CauseKind
    text: str
    """With `{name}` for the argument, `{before}` and `{after}` for its values."""
    framework: Framework | None = None
    detail: tuple[str, ...] = ()
    """Only for causes with one of these details; empty for any."""

    @property
    def kinds(self) -> tuple[CauseKind, ...]:
        """See `Rule`."""
        return (self.kind,)

    def __call__(self, situation: Situation) -> str:
        """See `Rule`."""
        difference = situation.difference
        if self.framework not in (None, situation.framework):
            return ""
        if self.detail and difference.detail not in self.detail:
            return ""
        name, before, after = situation.argument, difference.before, difference.after
        return self.text.format(name=name, before=before, after=after)
