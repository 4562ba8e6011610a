"""The page on the causes, by its sections: it comes with the package, and the documentation includes it.

It must not know how it is shown.
"""

from __future__ import annotations

import os

from tracedbg.events import CauseKind

_FILE = os.path.join(os.path.dirname(__file__), "causes.md")


def sections() -> dict[CauseKind, str]:
    """What is said of each kind, as Markdown without the heading."""
    with open(_FILE, encoding="utf-8") as file:
        _, *found = file.read().split("\n## ")
    texts = dict(section.split("\n", 1) for section in found)
    return {kind: texts[kind.value].strip() for kind in CauseKind}
