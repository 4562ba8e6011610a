"""Panes with two texts beside each other: two traces, or a source and what AutoGraph has made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.segment import Segment

from tracedbg.source import lines
from tracedbg_tui.debug.glyphs import ASCII, glyphs_of
from tracedbg_tui.debug.highlighting import COLOURS, highlighted
from tracedbg_tui.debug.lines import fitted, printable
from tracedbg_tui.recorded.listing import Searchable
from tracedbg_tui.recorded.words import cells

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import ClassVar

    from rich.style import Style

    from tracedbg.events import Conversion
    from tracedbg_tui.debug.highlighting import Piece
    from tracedbg_tui.recorded.sides import Side

_NAME_CELLS = 18
_NUMBER_CELLS = 5


class SidesPane(Searchable):
    """Two traces; what differs is marked."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"sides--different"}
    DEFAULT_CSS = """
    SidesPane > .sides--different { background: $warning 20%; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._sides: Sequence[Side] = ()

    def show_sides(self, sides: Sequence[Side]) -> None:
        """Show two traces."""
        if sides != self._sides:
            self._sides = sides
            self.cursor = 0
            self.reload()

    def count(self) -> int:
        """See `Lines`; the same for the methods below."""
        return len(self._sides)

    def text_at(self, index: int) -> str:  # noqa: D102
        if index >= len(self._sides):
            return ""
        side = self._sides[index]
        return "  ".join(filter(None, (side.name, side.left, side.right)))

    def place_at(self, index: int) -> tuple[str, int] | None:  # noqa: D102
        side = self._sides[index] if index < len(self._sides) else None
        return (side.file, side.line) if side and side.file else None

    def draw(self, index: int, width: int) -> list[Segment]:  # noqa: D102
        side, glyphs = self._sides[index], glyphs_of(self)
        sign = ("!" if glyphs is ASCII else "≠") if side.is_different else " "
        name = min(_NAME_CELLS, width // 4)
        half = (width - name - 3) // 2
        style = "title" if side.is_title else ""
        if not side.left and side.name == "why":  # a sentence takes both sides
            words = cells(printable(side.right), width - name - 2, glyphs.more)
            return [self.ink(f"  {cells(side.name, name)}", "dim"), self.ink(words, "note")]
        return [
            self.ink(f"{sign} ", "note"),
            self.ink(cells(printable(side.name), name, glyphs.more), style or "name"),
            self.ink(cells(printable(side.left), half, glyphs.more), style or "dim"),
            self.ink(" "),
            self.ink(cells(printable(side.right), half, glyphs.more), style or "value"),
        ]

    def row_style(self, index: int) -> Style | None:  # noqa: D102
        if index < len(self._sides) and self._sides[index].is_different:
            return self.ground_of("sides--different")
        return None


@dataclass(frozen=True)
class Pair:
    """A line of the source, and one of what was made of it."""

    line: int = 0
    source: tuple[Piece, ...] = ()
    number: int = 0
    generated: tuple[Piece, ...] = ()
    file: str = ""
    title: str = ""
    became: str = ""


class GeneratedPane(Searchable):
    """The user's functions beside what AutoGraph has made of them."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"generated--{name}" for name in COLOURS}
    DEFAULT_CSS = """
    GeneratedPane > .generated--keyword { color: $text-accent; }
    GeneratedPane > .generated--string { color: $text-success; }
    GeneratedPane > .generated--comment { color: $foreground 60%; text-style: italic; }
    GeneratedPane > .generated--number { color: $text-warning; }
    GeneratedPane > .generated--function { color: $text-primary; text-style: bold; }
    GeneratedPane > .generated--builtin { color: $text-secondary; }
    GeneratedPane > .generated--operator { color: $foreground 80%; }
    """
    NOTHING = "AutoGraph has converted nothing for it"

    def __init__(self) -> None:
        super().__init__()
        self._pairs: Sequence[Pair] = ()

    def show_pairs(self, pairs: Sequence[Pair]) -> None:
        """Show the conversions of a function."""
        if pairs != self._pairs:
            self._pairs = pairs
            self.cursor = 0
            self.reload()

    def count(self) -> int:
        """See `Lines`; the same for the methods below."""
        return max(1, len(self._pairs))

    def text_at(self, index: int) -> str:  # noqa: D102
        if index >= len(self._pairs):
            return ""
        pair = self._pairs[index]
        left, right = ("".join(text for text, _ in side) for side in (pair.source, pair.generated))
        return "  ".join(filter(None, (pair.title, left.strip(), right.strip(), pair.became)))

    def place_at(self, index: int) -> tuple[str, int] | None:
        """The user's line, or the nearest one above."""
        for pair in reversed(self._pairs[: index + 1]):
            if pair.line:
                return pair.file, pair.line
        return None

    def draw(self, index: int, width: int) -> list[Segment]:  # noqa: D102
        if not self._pairs:
            return [self.ink(f"  {self.NOTHING}", "dim")]
        pair, glyphs = self._pairs[index], glyphs_of(self)
        if pair.title:
            return [self.ink(cells(pair.title, width, glyphs.more), "title")]
        half = (width - 1) // 2
        left = [self.ink(f"{pair.line or '':>{_NUMBER_CELLS}} ", "dim"), *self._pieces(pair.source)]
        if pair.became:
            left.append(self.ink(f"  {glyphs.arrow} {pair.became}", "note"))
        right = [self.ink(f" {pair.number:>{_NUMBER_CELLS}} ", "dim"), *self._pieces(pair.generated)]
        return [*fitted(left, half, glyphs.more), *fitted(right, width - half, glyphs.more)]

    def _pieces(self, pieces: Sequence[Piece]) -> list[Segment]:
        return [
            Segment(text, None if colour == "text" else self.style_of(f"generated--{colour}"))
            for text, colour in pieces
        ]


def pairs_of(conversion: Conversion, became: dict[int, str]) -> list[Pair]:
    """A conversion, line by line: each line of the source beside the first one that was made of it.

    Args:
        conversion: of one function.
        became: line of its file -> what its `if`, `while` or `for` became.
    """
    where = f"{conversion.file.rpartition('/')[2]}:{conversion.line}"
    made = [Pair(title=f"{conversion.function}  {where}", line=conversion.line, file=conversion.file)]
    if conversion.failure:
        words = conversion.failure.strip().partition("\n")[0]
        return [*made, Pair(title=f"  not converted: {printable(words)}")]
    source_of = {generated: line for line, generated in reversed(conversion.line_map)}
    seen: set[int] = set()
    texts = _source_lines(conversion)
    first = min(source_of, default=1)  # what stands before it is AutoGraph's own
    lines = highlighted(conversion.generated)
    margin = _margin(lines[first - 1]) if first <= len(lines) else 0
    for number, generated in enumerate(lines[first - 1 :], start=first):
        line = source_of.get(number, 0)
        is_first = line > 0 and line not in seen
        seen.add(line)
        source = texts.get(line, ()) if is_first else ()
        note = became.get(line, "") if is_first else ""
        shown, text = (line if is_first else 0), _dedented(generated, margin)
        made.append(Pair(shown, source, number, text, conversion.file, "", note))
    return made


def _margin(pieces: Sequence[Piece]) -> int:
    text = "".join(text for text, _ in pieces)
    return len(text) - len(text.lstrip())


def _dedented(pieces: Sequence[Piece], margin: int) -> tuple[Piece, ...]:
    """Pieces without the margin, as far as they have it."""
    made = []
    left = min(margin, _margin(pieces))
    for text, colour in pieces:
        kept = text[left:]
        left -= len(text) - len(kept)
        if kept:
            made.append((kept, colour))
    return tuple(made)


def _source_lines(conversion: Conversion) -> dict[int, tuple[Piece, ...]]:
    """The user's lines as they were when they were converted; from the file where they were not kept."""
    if conversion.source:
        return {
            conversion.line + offset: tuple(pieces)
            for offset, pieces in enumerate(highlighted(conversion.source))
        }
    wanted = {line for line, _ in conversion.line_map}
    found = lines(conversion.file)
    texts = {line: found[line - 1].rstrip("\n") if 0 < line <= len(found) else "" for line in wanted}
    return {line: tuple(highlighted(text)[0]) for line, text in texts.items()}
