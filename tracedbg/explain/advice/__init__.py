"""What to change, for each cause: short, concrete and true.

A rule is one small class or one `Say`. Those of other packages come by the entry points of the group
`tracedbg.advice`, and are asked first. What the rules say was measured: `tests/explain/twins` has, for
each, a program that does it, and the framework's own count.
"""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING

from tracedbg import plugins
from tracedbg.explain.advice import for_both, for_tensorflow, for_torch
from tracedbg.explain.advice.rule import Rule, Say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.events import CauseKind
    from tracedbg.explain.situation import Situation

__all__ = ["RULES", "Rule", "Say", "advise", "docs"]

RULES: tuple[Rule, ...] = (*for_both.FIRST, *for_tensorflow.RULES, *for_torch.RULES, *for_both.LAST)
"""Ours, the special before the general."""
_PAGE = "docs/reference/causes.md"
_log = logging.getLogger(__name__)


def advise(situation: Situation, rules: Sequence[Rule] | None = None) -> str:
    """The first advice that a rule has; empty where none has any.

    Args:
        situation: the cause.
        rules: all that are installed, by default.
    """
    for rule in _installed() if rules is None else rules:
        if situation.kind in rule.kinds and (text := rule(situation)):
            return text
    return ""


def docs(kind: CauseKind) -> str:
    """Where the documentation tells more of a kind."""
    return f"{_PAGE}#{kind.value}"


@functools.cache
def _installed() -> tuple[Rule, ...]:
    return (*(_Foreign(name, plugins.load_advice(name)) for name in plugins.advice_names()), *RULES)


class _Foreign:
    """A rule of another package. One that raises must not cost the report: it is left out from then on."""

    def __init__(self, name: str, rule: Rule) -> None:
        self.name = name
        self.kinds: tuple[CauseKind, ...] = tuple(rule.kinds)
        self._rule = rule

    def __call__(self, situation: Situation) -> str:
        """See `Rule`."""
        try:
            return self._rule(situation)
        except Exception as error:  # noqa: BLE001  see the class
            self.kinds = ()
            _log.warning("advice %r is left out: %s: %s", self.name, type(error).__name__, error)
            return ""
