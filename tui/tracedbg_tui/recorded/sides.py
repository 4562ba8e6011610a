"""Two traces of one function, line by line beside each other. It must not know how they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracedbg.explain.conditions import spoken
from tracedbg.explain.signatures import leaves
from tracedbg.explain.wording import describe
from tracedbg_tui.recorded.functions import name_of
from tracedbg_tui.recorded.words import milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tracedbg.events import Frame, Signature
    from tracedbg.store.records import TraceRecord
    from tracedbg_tui.snapshot import Explained


@dataclass(frozen=True)
class Side:
    """One line."""

    name: str = ""
    left: str = ""
    right: str = ""
    is_title: bool = False
    is_different: bool = False
    file: str = ""
    line: int = 0


def sides(before: Explained | None, after: Explained) -> list[Side]:
    """The two beside each other; the left side is empty where there is only one.

    Args:
        before: the one on the left.
        after: the one on the right.
    """
    left, right = before.record if before else None, after.record
    made = [Side("trace", name_of(before) if before else "none before it", name_of(after), is_title=True)]
    made += [Side("why", "", cause.message, file=cause.file, line=cause.line) for cause in after.causes]
    made += _section("arguments", _arguments(left), _arguments(right))
    made += _guards(right)
    made += _section("traced for", _traced_for(left), _traced_for(right))
    made += _only_different(_section("context", _context(left), _context(right)))
    made += _section("options", _options(left), _options(right))
    made += _section("outcome", _outcome(left), _outcome(right), marks=False)
    made += _stacks(left.started.call_stack if left else (), right.started.call_stack)
    return made


def _section(
    title: str, left: Mapping[str, str], right: Mapping[str, str], *, marks: bool = True
) -> Iterator[Side]:
    names = list(dict.fromkeys([*right, *left]))
    if not names:
        return
    yield Side(title, is_title=True)
    for name in names:
        one, other = left.get(name, ""), right.get(name, "")
        yield Side(name, one, other, is_different=marks and bool(left) and one != other)


def _only_different(section: Iterator[Side]) -> list[Side]:
    """Without what is the same on both sides: it is long, and hardly ever differs."""
    kept = [side for side in section if side.is_title or side.is_different]
    return kept if len(kept) > 1 else []


def _arguments(record: TraceRecord | None) -> dict[str, str]:
    return _described(record.started.signature) if record else {}


def _described(signature: Signature | None) -> dict[str, str]:
    return {path: describe(spec) for path, spec in leaves(signature)} if signature else {}


def _traced_for(record: TraceRecord | None) -> dict[str, str]:
    """What is more general than the call that it was traced for."""
    if record is None or record.ended is None:
        return {}
    asked, made = _arguments(record), _described(record.ended.traced_signature)
    found = {path: words for path, words in made.items() if asked.get(path) != words}
    for expression in record.ended.symbolic:
        found[spoken(expression)] = "any"
    return found


def _context(record: TraceRecord | None) -> dict[str, str]:
    return dict(record.started.signature.context) if record and record.started.signature else {}


def _options(record: TraceRecord | None) -> dict[str, str]:
    return dict(record.started.options) if record else {}


def _outcome(record: TraceRecord | None) -> dict[str, str]:
    if record is None:
        return {}
    ended = record.ended
    found = {"took": milliseconds(record.duration_ns) if ended else "under way"}
    if ended:
        found["ended"] = ended.outcome.value
        if ended.error:
            found["error"] = ended.error.strip().partition("\n")[0]
        if ended.op_count is not None:
            found["ops"] = f"{ended.op_count:,}"
    for span in record.phases:
        found[f"· {span.name}"] = milliseconds(span.duration_ns)
    return found


def _guards(record: TraceRecord) -> Iterator[Side]:
    failures = record.started.guard_failures
    if not failures:
        return
    yield Side("guards that failed", is_title=True)
    for one in failures:
        frame = one.user_frame
        yield Side(
            f"{one.entry} {spoken(one.source)}".strip(),
            one.before or one.guard,
            one.now or "another value",
            is_different=True,
            file=frame.file if frame else "",
            line=frame.line if frame else 0,
        )


def _stacks(left: tuple[Frame, ...], right: tuple[Frame, ...]) -> Iterator[Side]:
    if not right and not left:
        return
    yield Side("called from", is_title=True)
    for number in range(max(len(left), len(right))):
        one = left[number] if number < len(left) else None
        other = right[number] if number < len(right) else None
        shown = other or one
        yield Side(
            f"#{number}",
            _words(one),
            _words(other),
            is_different=bool(left) and (one is None or other is None or _at(one) != _at(other)),
            file=shown.file if shown else "",
            line=shown.line if shown else 0,
        )


def _at(frame: Frame) -> tuple[str, int]:
    return frame.file, frame.line


def _words(frame: Frame | None) -> str:
    if frame is None:
        return ""
    name = f" in {frame.function}" if frame.function else ""
    return f"{frame.file.rpartition('/')[2]}:{frame.line}{name}"
