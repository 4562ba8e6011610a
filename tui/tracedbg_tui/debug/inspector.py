"""The inspector pane: one tensor: facts, how its elements are spread, a slice as a picture or as numbers.

It must not know the debugger, but for a function that looks at a tensor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from tracedbg.dap.client import ClientError
from tracedbg_tui import keys
from tracedbg_tui.debug import picture
from tracedbg_tui.debug.glyphs import glyphs_of
from tracedbg_tui.debug.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from textual.binding import BindingType
    from textual.events import Resize

    from tracedbg_tui.answers import Tensor

_HISTOGRAM_ROWS = 4
_FEWEST_BINS, _MOST_BINS = 16, 60
_BIN_CELLS = 2
_NUMBER_CELLS = 9
_HEAT_CELLS = 2
_FEWEST_ROWS = 8
_LIKELY_CELLS = 40
"""Of a pane that has not been seen yet."""
_HINT = "Enter on a tensor in the variables shows it here"
_HELP = ("< > other slice", "+ - zoom", "arrows move", "v numbers or colours")


@dataclass
class _Sight:
    """Which part of the tensor is looked at."""

    lead: list[int] = field(default_factory=list)
    """Index in each dimension but the last two."""
    row: int = 0
    column: int = 0
    step: int = 1
    """Only each so manieth row and column is shown."""


class InspectorPane(Lines):
    """Shows one tensor; it follows the name of the tensor from stop to stop."""

    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.TENSOR)

    def __init__(
        self,
        look: Callable[[str, int, int, str | None], Awaitable[Tensor]],
    ) -> None:
        """Make it, with nothing to show.

        Args:
            look: gives a tensor by its expression, or else its number; with so many bins, and a window.
        """
        super().__init__()
        self.expression = ""
        self.tensor: Tensor | None = None
        self.is_numbers = False
        """Whether the slice is shown as numbers, and not as a heat map."""
        self._look = look
        self._reference = 0
        self._name = ""
        self._sight = _Sight()
        self._rows: list[list[Segment]] = []
        self._why = ""

    # --- what is shown ---------------------------------------------------------------------------

    async def inspect(self, name: str, expression: str, reference: int = 0) -> None:
        """Show a tensor.

        Args:
            name: for a person.
            expression: that gives it at each stop; empty if there is none.
            reference: its number at this stop.
        """
        if expression != self.expression or name != self._name:
            self._sight = _Sight()
            self.tensor = None
        self._name, self.expression, self._reference = name, expression, reference
        self.told = name
        await self._load()

    async def again(self) -> None:
        """Another stop: show the tensor of the same name there."""
        self._reference = 0
        if self.expression:
            await self._load()
        elif self._name:
            self._why = f"{self._name} was a value of the last stop"
            self._lay_out()

    async def _load(self) -> None:
        bins = max(_FEWEST_BINS, min(_MOST_BINS, (self.size.width - 2) // 2))
        try:
            if self.tensor is None:
                self.tensor = await self._look(self.expression, self._reference, 0, None)
                self.is_numbers = self._fits_as_numbers()
                self._fit()
            found = await self._look(self.expression, self._reference, bins, self._window())
            if found.shape != self.tensor.shape:
                self.tensor, self._sight = found, _Sight()
                self._fit()
                found = await self._look(self.expression, self._reference, bins, self._window())
            self.tensor, self._why = found, ""
        except ClientError as error:
            self._why = str(error)
        self._lay_out()

    # --- which part of it ------------------------------------------------------------------------

    @property
    def _shape(self) -> tuple[int, ...]:
        return self.tensor.shape if self.tensor else ()

    @property
    def _plane(self) -> tuple[int, int]:
        """(rows, columns) of what is shown at once: the last two dimensions."""
        shape = self._shape
        if not shape:
            return 1, 1
        return (1, shape[-1]) if len(shape) == 1 else (shape[-2], shape[-1])

    @property
    def _room(self) -> tuple[int, int]:
        """(rows, columns) for which there is room."""
        cells = _NUMBER_CELLS if self.is_numbers else _HEAT_CELLS
        return max(_FEWEST_ROWS, self.size.height - 11), max(4, (self.size.width - 6) // cells)

    def _fit(self) -> None:
        """Show all of it, if need be with rows and columns left out."""
        sight = self._sight
        ahead = max(0, len(self._shape) - 2)
        if len(sight.lead) != ahead:
            sight.lead = [0] * ahead
        (rows, columns), (high, wide) = self._plane, self._room
        sight.step = max(1, math.ceil(rows / high), math.ceil(columns / wide))
        sight.row = sight.column = 0

    def _fits_as_numbers(self) -> bool:
        (rows, columns), width = self._plane, max(_LIKELY_CELLS, self.size.width)
        return rows <= self._room[0] and columns <= (width - 6) // _NUMBER_CELLS

    def _window(self) -> str | None:
        """What is shown, as it stands between brackets; None of what has no elements to show."""
        shape, sight = self._shape, self._sight
        if not shape or 0 in shape or self.tensor is None or self.tensor.summary.get("note"):
            return None
        (rows, columns), (high, wide) = self._plane, self._room
        step = sight.step
        across = f"{sight.column}:{min(columns, sight.column + wide * step)}:{step}"
        if len(shape) == 1:
            return across
        down = f"{sight.row}:{min(rows, sight.row + high * step)}:{step}"
        return ", ".join([*map(str, sight.lead), down, across])

    def action_slice(self, by: int) -> None:
        """To the slice before, or the next."""
        shape, lead = self._shape[:-2], self._sight.lead
        if not lead:
            return
        at = 0
        for size, index in zip(shape, lead, strict=True):
            at = at * size + index
        at = (at + by) % max(1, math.prod(shape))
        for place in range(len(lead) - 1, -1, -1):
            at, lead[place] = divmod(at, shape[place])
        self._again_soon()

    def action_zoom(self, by: int) -> None:
        """Show less of it, and closer; or more."""
        sight = self._sight
        sight.step = max(1, sight.step // 2 if by > 0 else sight.step * 2)
        self._stay_inside()
        self._again_soon()

    def action_pan(self, rows: int, columns: int) -> None:
        """Show what is beside it, half a picture on."""
        (high, wide), sight = self._room, self._sight
        sight.row += rows * max(1, high // 2) * sight.step
        sight.column += columns * max(1, wide // 2) * sight.step
        self._stay_inside()
        self._again_soon()

    def action_numbers(self) -> None:
        """Numbers instead of a heat map, and back."""
        self.is_numbers = not self.is_numbers
        if self.tensor is not None:
            self._fit()
            self._again_soon()

    def _stay_inside(self) -> None:
        (rows, columns), (high, wide), sight = self._plane, self._room, self._sight
        sight.row = max(0, min(sight.row, rows - high * sight.step))
        sight.column = max(0, min(sight.column, columns - wide * sight.step))

    def _again_soon(self) -> None:
        if self.tensor is not None:
            self.run_worker(self._load(), group="inspector", exclusive=True)

    def on_resize(self, _: Resize) -> None:
        """There may be room for more."""
        self._lay_out()
        if self.tensor is not None:
            self._fit()
            self._again_soon()

    # --- drawing ---------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self._rows = []
        if self.tensor is None or self._why:
            text = self._why or _HINT
            self._rows.append([Segment(text, self.style_of("note" if self._why else "dim"))])
        else:
            self._facts(self.tensor.summary)
            self._spread()
            self._slice()
        self.reload()

    def _facts(self, summary: dict[str, Any]) -> None:
        shape = ", ".join(map(str, summary.get("shape") or ()))
        head = f"{summary.get('dtype', '')}[{shape}] {summary.get('device', '')}"
        kind = [str(summary.get("type_name", "")), f"{summary.get('count', 0):,} elements"]
        if summary.get("strides") is not None:
            kind.append(f"strides {tuple(summary['strides'])}")
        if summary.get("layout"):
            kind.append(str(summary["layout"]))
        if summary.get("requires_grad"):
            kind.append("requires grad")
        self._rows.append([Segment(head, self.style_of("value")), Segment(f"  {', '.join(kind)}")])
        if summary.get("note"):
            self._rows.append([Segment(str(summary["note"]), self.style_of("note"))])
        names = (("min", "minimum"), ("max", "maximum"), ("mean", "mean"), ("std", "deviation"))
        numbers = [
            f"{name} {picture.short(summary[key], 10)}" for name, key in names if summary.get(key) is not None
        ]
        line = [Segment("  ".join(numbers))]
        for name, key in (("NaN", "nans"), ("infinite", "infinities")):
            if summary.get(key):
                line.append(Segment(f"  {summary[key]:,} {name}", self.style_of("stop")))
        if summary.get("zeros"):
            line.append(Segment(f"  {summary['zeros']:,} zeros", self.style_of("dim")))
        self._rows.append(line)

    def _spread(self) -> None:
        histogram = self.tensor.histogram if self.tensor else None
        if histogram is None or not histogram.counts or not any(histogram.counts):
            return
        blocks, cells = glyphs_of(self).blocks, _BIN_CELLS
        for row in picture.columns(histogram.counts, _HISTOGRAM_ROWS, blocks):
            wide = "".join(one * cells for one in row)
            self._rows.append([Segment(wide, self.style_of("name"))])
        first, last = picture.short(histogram.edges[0]), picture.short(histogram.edges[-1])
        most = f"most {max(histogram.counts):,}"
        room = max(2, cells * len(histogram.counts) - len(first) - len(last) - len(most))
        left = room // 2
        axis = f"{first}{' ' * left}{most}{' ' * (room - left)}{last}"
        self._rows.append([Segment(axis, self.style_of("dim"))])

    def _slice(self) -> None:
        window = self.tensor.window if self.tensor else None
        if window is None:
            return
        rows = window if window and isinstance(window[0], list) else [window]
        shown = f"{self._name}[{self._window()}]".replace(":1,", ",").removesuffix(":1]")
        shown = shown if shown.endswith("]") else f"{shown}]"
        line = [Segment(shown, self.style_of("name"))]
        room = (self.size.width or _LIKELY_CELLS) - len(shown)
        for words in _HELP:  # as many as there is room for
            if (room := room - 3 - len(words)) < 0:
                break
            line.append(Segment(f"   {words}", self.style_of("dim")))
        self._rows.append(line)
        draw = self._numbers if self.is_numbers else self._heat
        for place, row in enumerate(draw(rows)):
            label = f"{self._sight.row + place * self._sight.step:>5} "
            self._rows.append([Segment(label, self.style_of("dim")), *row])

    def _numbers(self, rows: Sequence[Sequence[Any]]) -> list[list[Segment]]:
        cells = _NUMBER_CELLS
        return [[Segment(f"{picture.short(one, cells - 1):>{cells}}") for one in row] for row in rows]

    def _heat(self, rows: Sequence[Sequence[Any]]) -> list[list[Segment]]:
        values = [[picture.number(one) for one in row] for row in rows]
        least, greatest = picture.scale(values)
        shades = glyphs_of(self).shades
        return [[_cell(one, least, greatest, shades) for one in row] for row in values]

    def count(self) -> int:
        """See `Lines`; the same for the methods below."""
        return len(self._rows)

    def draw(self, index: int, width: int) -> list[Segment]:  # noqa: ARG002, D102
        return self._rows[index]

    def on_mount(self) -> None:
        """Say how to use it."""
        self._lay_out()


def _cell(value: float, least: float, greatest: float, shades: str) -> Segment:
    at = picture.level(value, least, greatest)
    if at is None:
        text = "N" if math.isnan(value) else ("+" if value > 0 else "-")
        return Segment(text * _HEAT_CELLS, Style(color="white", bgcolor="black", bold=True))
    ground = picture.colour(at)
    paint = Color.from_rgb(*ground)
    ink = Color.from_rgb(*(0 if sum(ground) > 380 else 255 for _ in range(3)))  # noqa: PLR2004  dark on light
    return Segment(picture.shade(at, shades) * _HEAT_CELLS, Style(color=ink, bgcolor=paint, dim=True))
