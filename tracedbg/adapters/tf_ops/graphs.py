"""The graphs of steps: from what was noted of a step to what is told of it."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

from tracedbg.events import Frame, OpSite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.adapters.steps import Place as StepPlace
    from tracedbg.adapters.steps import Places
    from tracedbg.adapters.tf_ops.logs import Entry, Node

MAX_KNOWN = 20_000
"""Graphs whose fingerprints are remembered by the numbers of their places."""
NOWHERE = Frame("", 0)
"""Stands for lines that are not known."""


class Graphs:
    """Tells the graphs of one kind of steps, each once for each place."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self._known: dict[int, str] = {}

    def step(self, place: StepPlace, entries: Sequence[Entry], nodes: Sequence[Node]) -> str:
        """Count a step that has built this graph.

        Returns:
            Its fingerprint; empty where there is no graph.
        """
        if not nodes:
            place.step(None)
            return ""
        numbered = hash(tuple([(entries[node.entry][0].number, node.inputs) for node in nodes]))
        fingerprint = self._known.get(numbered)
        if fingerprint is None or fingerprint not in place.kept:
            sites = sites_of(entries, nodes)
            fingerprint = fingerprint_of(sites)
            if len(self._known) < MAX_KNOWN:
                self._known[numbered] = fingerprint
            if fingerprint not in place.kept and self.places.has_room(place):
                lines = Counter(entries[node.entry][0].frame or NOWHERE for node in nodes)
                self.places.keep(place, fingerprint, sites, lines)
        place.step(fingerprint)
        return fingerprint


def sites_of(entries: Sequence[Entry], nodes: Sequence[Node]) -> tuple[OpSite, ...]:
    """The sites of a graph, named after their ops."""
    names = [f"{entries[node.entry][0].op}_{number}" for number, node in enumerate(nodes)]
    sites = []
    for name, node in zip(names, nodes, strict=True):
        place = entries[node.entry][0]
        line = place.frame or NOWHERE
        inputs = tuple(names[one] for one in node.inputs)
        sites.append(OpSite(name, place.op, inputs, "", line.file, line.line, callers=place.callers))
    return tuple(sites)


def fingerprint_of(sites: Sequence[OpSite]) -> str:
    """Equal for two graphs exactly if their ops, lines with their callers, and edges are."""
    digest = hashlib.blake2b(digest_size=8)
    for site in sites:
        digest.update(
            repr((site.name, site.inputs, site.file, site.line, site.callers)).encode(errors="surrogatepass")
        )
    return digest.hexdigest()
