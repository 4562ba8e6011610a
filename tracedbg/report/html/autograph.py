"""AutoGraph side by side: each line of the user's beside the lines that were made of it.

It must not know what AutoGraph is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracedbg import source
from tracedbg.report.html.markup import Element, element
from tracedbg.report.html.parts import Section, advice, entries, entry, numbers, paragraph, place, shortened
from tracedbg.report.style import count, seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.events import Construct
    from tracedbg.explain import ConversionSummary
    from tracedbg.explain.conversions import ConvertedCode
    from tracedbg.explain.detail import Detail
    from tracedbg.report.html.markup import Node
    from tracedbg.report.html.parts import Look

MAX_FUNCTIONS = 20
MAX_LINES = 300
_KINDS = {
    "unrolled": "unrolled: as many operations as it has turns",
    "cond": "tf.cond",
    "while_loop": "tf.while_loop",
    "python": "left as Python: run once, while tracing",
}


@dataclass
class Pair:
    """A line of the user's, and what was made of it."""

    line: int
    """0 for what AutoGraph has added."""
    text: str
    generated: list[tuple[int, str]] = field(default_factory=list)


def autograph(detail: Detail, look: Look) -> Section | None:
    """The user's own functions, and those that were not converted."""
    summary = detail.summary
    code = {(one.file, one.line, one.function): one for one in detail.code}
    shown = [one for one in summary.conversions if one.failure or source.is_user_file(one.file)]
    if not shown:
        return None
    cards = [_card(one, code.get((one.file, one.line, one.function)), look) for one in shown[:MAX_FUNCTIONS]]
    others = len(summary.conversions) - len(shown)
    words = (
        f"{count(others, 'function')} of libraries were converted as well: see --format json."
        if others
        else ""
    )
    return Section(
        "autograph", "AutoGraph", (entries(cards, len(shown)), paragraph(words, "muted")), str(len(shown))
    )


def _card(one: ConversionSummary, code: ConvertedCode | None, look: Look) -> Element:
    return entry(
        place(look, one.file, one.line, one.function),
        numbers((f"{seconds(one.seconds)} s", "")),
        paragraph(f"Not converted: {one.failure}", "message") if one.failure else None,
        _constructs(one.constructs),
        _side_by_side(code, one.constructs) if code is not None else None,
    )


def _constructs(constructs: Sequence[Construct]) -> Node:
    if not constructs:
        return None
    items = [
        element(
            "li",
            element("code", f"{one.kind}"),
            f" in line {one.line} became ",
            element("strong", _KINDS.get(one.became, one.became)),
        )
        for one in constructs[:MAX_LINES]
    ]
    words = "if its turns are many, loop over a tensor, such as `tf.range(n)`"
    is_unrolled = any(one.became == "unrolled" for one in constructs)
    return [element("ul", items, class_="constructs"), advice(words) if is_unrolled else None]


def _side_by_side(code: ConvertedCode, constructs: Sequence[Construct]) -> Node:
    became = {one.line: one.became for one in constructs}
    pairs = paired(code)
    rows = [_row(pair, became.get(pair.line, "")) for pair in pairs[:MAX_LINES]]
    head = element(
        "tr", element("th", "Your code", scope="col"), element("th", "What AutoGraph made of it", scope="col")
    )
    whole = element(
        "table",
        element("caption", f"{shortened(code.function, 120)}, line by line"),
        element("thead", head),
        element("tbody", rows),
        class_="beside",
    )
    rest = len(pairs) - MAX_LINES
    more = element("p", f"{count(rest, 'more line')} left out.", class_="muted small") if rest > 0 else None
    label = f"{shortened(code.function, 120)} and its conversion"
    return [element("div", whole, class_="scroll", role="region", aria_label=label, tabindex="0"), more]


def _row(pair: Pair, became: str) -> Element:
    mine = element("span", pair.text, "\n", data_n=pair.line) if pair.line else ""
    made = [element("span", text, "\n", data_n=number) for number, text in pair.generated]
    note = (
        element("span", became.replace("_", " "), class_="tag warn" if became == "unrolled" else "tag")
        if became
        else None
    )
    return element(
        "tr",
        element("td", element("code", mine, class_="code"), note),
        element("td", element("code", made, class_="code")),
        class_=None if pair.line else "added",
    )


def paired(code: ConvertedCode) -> list[Pair]:
    """The lines in the order of the generated text; what AutoGraph has put around them is left out."""
    source_of = {generated: line for line, generated in reversed(code.line_map)}
    texts = dict(enumerate(code.source.splitlines(), code.line))
    lines = code.generated.splitlines()
    first, last = min(source_of, default=1), max(source_of, default=len(lines))
    pairs: list[Pair] = []
    told: set[int] = set()
    current = 0
    for number, text in enumerate(_dedented(lines[first - 1 : last]), first):
        line = source_of.get(number, current)
        if not pairs or line != current:
            current = line
            is_again = line in told
            pairs.append(Pair(0, "") if is_again else Pair(line, texts.get(line, "")))
            told.add(line)
        if text.strip():
            pairs[-1].generated.append((number, text))
    return pairs


def _dedented(lines: Sequence[str]) -> list[str]:
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return [line[margin:] for line in lines]
