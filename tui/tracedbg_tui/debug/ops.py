"""The ops pane: the ops of the graph that a thread stands in, however many, fetched as they come into sight.

It must not know the debugger, but for a function that gives a page.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.message import Message

from tracedbg.dap.client import ClientError
from tracedbg_tui.debug.glyphs import glyphs_of
from tracedbg_tui.debug.lines import Lines, fitted
from tracedbg_tui.debug.source import glyph_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rich.style import Style

    from tracedbg_tui.answers import Op, OpsPage
    from tracedbg_tui.breakpoints import Book, Wanted

PAGE = 256
"""Ops that are fetched at once."""
_MOST_PAGES = 64
"""That are kept, of all graphs."""
_SEARCH_PAGE = 4096
_PLACE_CELLS = 24


class OpsPane(Lines):
    """Shows the ops of one graph at a time."""

    DEFAULT_CSS = """
    OpsPane > .ops--here-line { background: $warning 30%; text-style: bold; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"ops--here-line"}

    class Toggled(Message):
        """A breakpoint is to be set or taken out on an op."""

        def __init__(self, op: Op) -> None:
            self.op = op
            super().__init__()

    class Failed(Message):
        """A page could not be had; the text says why."""

        def __init__(self, why: str) -> None:
            self.why = why
            super().__init__()

    def __init__(
        self,
        book: Book,
        fetch: Callable[[str, int, int], Awaitable[OpsPage]],
    ) -> None:
        """Make it, with nothing to show.

        Args:
            book: the breakpoints that are shown.
            fetch: gives a page: of a graph, from an op on, so many.
        """
        super().__init__()
        self.book = book
        self.graph = ""
        """Name of the graph that is shown; empty if none is."""
        self.function = ""
        self.at: int | None = None
        """Which op is next."""
        self.total = 0
        self._fetch = fetch
        self._pages: OrderedDict[tuple[str, int], tuple[Op, ...]] = OrderedDict()
        self._wanted: list[int] = []
        self._is_fetching = False
        self._notes = ""
        self._by_address: dict[str, Wanted] = {}

    # --- what is shown ---------------------------------------------------------------------------

    def show_graph(self, page: OpsPage, at: int | None) -> None:
        """Show a graph, with the cursor on the op that is next.

        Args:
            page: a part of it.
            at: which op is next.
        """
        is_other = page.graph == self.graph and page.total != self.total
        for key in [key for key in self._pages if key[0] == page.graph]:
            if is_other or not self._pages[key]:
                del self._pages[key]
        self.graph, self.function, self.total, self.at = page.graph, page.function, page.total, at
        self.told = f"{page.function} [{page.graph}]: {page.total:,} ops"
        self._notes = "; ".join(page.notes)
        self.note = self._notes
        first = page.ops[0].index if page.ops else 0
        if page.ops and first % PAGE == 0 and (len(page.ops) == PAGE or first + len(page.ops) == page.total):
            self._keep(page.graph, first // PAGE, page.ops)
        self.changed()
        self.reload()
        if at is not None:
            self.go_to(at)

    def show_none(self) -> None:
        """The thread stands in eager code, or nowhere."""
        self.graph, self.function, self.total, self.at = "", "", 0, None
        self.told, self.note = "", ""
        self.reload()

    def clear_here(self) -> None:
        """The program runs: no op is the next one."""
        self.at = None
        self.refresh()

    def changed(self) -> None:
        """The breakpoints are others."""
        self._by_address = {one.address: one for one in self.book.entries if one.address}
        self.refresh()

    def op(self, index: int) -> Op | None:
        """An op; None if it has not been fetched yet: it comes, and is drawn then."""
        page = self._pages.get((self.graph, index // PAGE))
        if page is not None and index % PAGE < len(page):
            return page[index % PAGE]
        self._want(index // PAGE)
        return None

    async def fetched(self, index: int) -> Op | None:
        """The same, and wait for it; None if it cannot be had."""
        if not 0 <= index < self.total:
            return None
        if (known := self.op(index)) is None:
            await self._load(index // PAGE)
            known = self.op(index)
        return known

    async def index_of(self, name: str, before: int | None = None) -> int | None:
        """Where the value of a name is made, looking backwards; None if nowhere.

        Args:
            name: as `Op.name`.
            before: begin at the op before this one.
        """
        start = self.total if before is None else min(before, self.total)
        while start > 0:
            first = (start - 1) // PAGE * PAGE
            await self.fetched(first)
            for op in reversed(self._pages.get((self.graph, first // PAGE), ())):
                if op.index < start and op.name == name:
                    return op.index
            start = first
        return None

    async def find(self, text: str, start: int, step: int) -> int | None:
        """The first op that has a text in its name, op or place, from one on, round the end.

        Args:
            text: to look for; capitals do not count.
            start: where to begin, from 0.
            step: 1 forward, -1 backward.
        """
        wanted, graph, total = text.lower(), self.graph, self.total
        done, at = 0, start % max(1, total)
        while done < total and graph == self.graph:
            first = at if step > 0 else max(0, at - _SEARCH_PAGE + 1)
            count = min(_SEARCH_PAGE, total - first) if step > 0 else at - first + 1
            page = await self._fetch(graph, first, count)
            for op in page.ops[::step]:
                if wanted in text_of(op).lower() or wanted in place_of(op).lower():
                    self.note = self._notes
                    return op.index
            done += max(1, len(page.ops))
            at = (first + count) % total if step > 0 else (first - 1) % total
            if total > _SEARCH_PAGE:
                self.note = f"searching: {min(done, total):,} of {total:,}"
        self.note = self._notes
        return None

    # --- fetching --------------------------------------------------------------------------------

    def _want(self, page: int) -> None:
        if page in self._wanted:
            return
        self._wanted.append(page)
        if not self._is_fetching:
            self._is_fetching = True
            self.run_worker(self._fetch_wanted(), group="ops", exit_on_error=False)

    async def _fetch_wanted(self) -> None:
        """Fetch what is in sight; what was, and is not any more, is left out."""
        try:
            while self._wanted:
                page = self._wanted.pop()
                if page in self._in_sight():
                    await self._load(page)
        finally:
            self._wanted.clear()
            self._is_fetching = False

    def _in_sight(self) -> range:
        top = round(self.scroll_y)
        return range(top // PAGE, (top + self.size.height) // PAGE + 1)

    async def _load(self, page: int) -> None:
        graph = self.graph
        if not graph or (graph, page) in self._pages:
            return
        try:
            found = await self._fetch(graph, page * PAGE, PAGE)
        except ClientError as error:
            self.post_message(self.Failed(str(error)))
            self._keep(graph, page, ())
            return
        self._keep(graph, page, found.ops)
        if graph == self.graph:
            self.refresh()

    def _keep(self, graph: str, page: int, ops: tuple[Op, ...]) -> None:
        self._pages[graph, page] = ops
        self._pages.move_to_end((graph, page))
        while len(self._pages) > _MOST_PAGES:
            self._pages.popitem(last=False)

    # --- drawing ---------------------------------------------------------------------------------

    def count(self) -> int:
        """See `Lines`; the same for the methods below."""
        return self.total

    def draw(self, index: int, width: int) -> list[Segment]:  # noqa: D102
        glyphs, op = glyphs_of(self), self.op(index)
        number = f"{index:>{len(str(max(0, self.total - 1)))}} "
        arrow = Segment(glyphs.here if index == self.at else " ", self.style_of("here"))
        if op is None:
            return [Segment(" "), arrow, Segment(number + glyphs.more, self.style_of("dim"))]
        stop = self._by_address.get(op.address)
        sign = glyph_of(stop, self.book.state(stop), glyphs) if stop else " "
        segments = [Segment(sign, self.style_of("stop")), arrow, Segment(number, self.style_of("dim"))]
        text = [
            Segment(op.name, self.style_of("name")),
            Segment(" = ", self.style_of("dim")),
            Segment(op.op),
            Segment(f"({', '.join(op.inputs)})", self.style_of("dim")),
        ]
        if op.output:
            text.append(Segment(f" {glyphs.arrow} {op.output}", self.style_of("value")))
        place = place_of(op)
        room = width - sum(one.cell_length for one in segments)
        if width >= 2 * _PLACE_CELLS and place:
            place = place[-_PLACE_CELLS:]
            room -= len(place) + 1
            segments += fitted(text, room, glyphs.more)
            segments.append(Segment(f" {place}", self.style_of("dim")))
            return segments
        return segments + fitted(text, room, glyphs.more)

    def row_style(self, index: int) -> Style | None:  # noqa: D102
        if index != self.at:
            return None
        return self.ground_of("ops--here-line")


def text_of(op: Op) -> str:
    """`add_1 = aten.add.Tensor(x, mul)`."""
    return f"{op.name} = {op.op}({', '.join(op.inputs)})"


def place_of(op: Op) -> str:
    """`model.py:12`; empty if nobody knows."""
    return f"{os.path.basename(op.file)}:{op.line}" if op.file else ""
