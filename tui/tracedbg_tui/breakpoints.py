"""Where the user wants the program to stop, and what the debugger has made of it.

It must not know how the debugger is told.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from tracedbg_tui.answers import Body


@dataclass(frozen=True)
class Wanted:
    """A breakpoint as the user has set it: at a line, at ops by name, or at one op of a graph."""

    file: str = ""
    """Real path; empty where it is not about a line."""
    line: int = 0
    op_pattern: str = ""
    """A glob over op names, such as `*relu*`."""
    address: str = ""
    """Of one op; void when the program has ended."""
    label: str = ""
    """That op, for a person."""
    condition: str = ""
    hit_condition: str = ""
    """`5`, `>= 5`, `% 10`."""
    log_message: str = ""
    """Said instead of stopping; `{expression}` is filled in."""
    is_enabled: bool = True

    @property
    def is_plain(self) -> bool:
        """Whether it stops always."""
        return not (self.condition or self.hit_condition or self.log_message)

    @property
    def place(self) -> str:
        """Where it is, for a person."""
        if self.file:
            return f"{os.path.basename(self.file)}:{self.line}"
        return self.label or f"op:{self.op_pattern}"

    @property
    def details(self) -> str:
        """What else it asks for, for a person."""
        parts = [
            f"hits {self.hit_condition}" if self.hit_condition else "",
            f"if {self.condition}" if self.condition else "",
            f"log {self.log_message}" if self.log_message else "",
        ]
        return " ".join(filter(None, parts))

    def options(self) -> Body:
        """The part of the protocol's breakpoint that is the same for all kinds."""
        named = {
            "condition": self.condition,
            "hitCondition": self.hit_condition,
            "logMessage": self.log_message,
        }
        return {name: value for name, value in named.items() if value}


@dataclass(frozen=True)
class State:
    """What the debugger says of a breakpoint."""

    id: int = 0
    is_verified: bool = False
    """Whether code has been seen where it is."""
    line: int = 0
    """Where it is now; 0 if that is not known."""
    message: str = ""
    """Why it is not verified."""


_UNKNOWN = State()


@dataclass
class Book:
    """All breakpoints of the user's, and the filters that are on. Only for the thread of the screens."""

    entries: list[Wanted] = field(default_factory=list)
    filters: dict[str, str] = field(default_factory=dict)
    """Name of a filter that is on -> its condition, or nothing."""
    on_change: Callable[[], None] = field(default=lambda: None, repr=False)
    """Called after each change."""
    _states: dict[Wanted, State] = field(default_factory=dict, repr=False)
    _early: dict[int, Body] = field(default_factory=dict, repr=False)
    """Changes that came before the answer that says whose they are."""

    # --- what the user wants -------------------------------------------------------------------

    def add(self, wanted: Wanted) -> None:
        """One more; nothing happens if it is there."""
        if wanted not in self.entries:
            self.entries.append(wanted)
            self.on_change()

    def remove(self, wanted: Wanted) -> None:
        """One less; nothing happens if it is not there."""
        if wanted in self.entries:
            self.entries.remove(wanted)
            self._states.pop(wanted, None)
            self.on_change()

    def put(self, old: Wanted | None, new: Wanted) -> None:
        """Put one in the place of another."""
        if old in self.entries:
            place = self.entries.index(old)
            self._states.pop(old, None)
            self.entries[place : place + 1] = [] if new in self.entries and new != old else [new]
            self.on_change()
        else:
            self.add(new)

    def toggle(self, wanted: Wanted) -> None:
        """Switch one off that is on, and back."""
        self.put(wanted, replace(wanted, is_enabled=not wanted.is_enabled))

    def toggle_line(self, file: str, line: int) -> Wanted | None:
        """Take out what shows on a line, or have it stop there; what is new.

        Args:
            file: real path.
            line: as shown: where a breakpoint has moved to counts.
        """
        found = self.shown(file).get(line)
        if found is not None:
            for one in found:
                self.entries.remove(one)
                self._states.pop(one, None)
            self.on_change()
            return None
        new = Wanted(file=file, line=line)
        self.add(new)
        return new

    def toggle_filter(self, name: str, condition: str = "") -> None:
        """Switch a filter on, or off."""
        if name in self.filters:
            del self.filters[name]
        else:
            self.filters[name] = condition
        self.on_change()

    def clear(self) -> None:
        """None at all."""
        self.entries.clear()
        self.filters.clear()
        self._states.clear()
        self.on_change()

    # --- what the debugger says ----------------------------------------------------------------

    def state(self, wanted: Wanted) -> State:
        """What the debugger says of one."""
        return self._states.get(wanted, _UNKNOWN)

    def told(self, wanted: Sequence[Wanted], bodies: Iterable[Body]) -> None:
        """The debugger has answered to a request that set these."""
        for one, body in zip(wanted, bodies, strict=False):
            if one in self.entries:
                state = _state(body, _UNKNOWN)
                early = self._early.pop(state.id, None)
                self._states[one] = state if early is None else _state(early, state)

    def changed(self, body: Body) -> None:
        """The debugger has told of a change of one."""
        for one, state in self._states.items():
            if state.id and state.id == body.get("id"):
                self._states[one] = _state(body, state)
                return
        if body.get("id"):
            self._early[int(body["id"])] = body

    def forget(self) -> None:
        """The program is gone, and with it what was said, and what was about its ops only."""
        self._states.clear()
        self._early.clear()
        self.entries[:] = [one for one in self.entries if not one.address]

    # --- looking -------------------------------------------------------------------------------

    def shown(self, file: str) -> dict[int, list[Wanted]]:
        """Those of a file by the line where they are now."""
        found: dict[int, list[Wanted]] = {}
        for one in self.entries:
            if one.file == file:
                found.setdefault(self.state(one).line or one.line, []).append(one)
        return found

    def in_file(self, file: str) -> list[Wanted]:
        """Those of a file that are on."""
        return [one for one in self.entries if one.file == file and one.is_enabled]

    def files(self) -> list[str]:
        """The files that have any, on or off."""
        return list(dict.fromkeys(one.file for one in self.entries if one.file))

    def of_ops(self) -> list[Wanted]:
        """Those on ops by name that are on."""
        return [one for one in self.entries if one.op_pattern and one.is_enabled]

    def of_addresses(self) -> list[Wanted]:
        """Those on single ops that are on."""
        return [one for one in self.entries if one.address and one.is_enabled]

    def at_id(self, number: int) -> Wanted | None:
        """The one that the debugger has given a number."""
        return next((one for one, state in self._states.items() if state.id == number), None)

    # --- keeping -------------------------------------------------------------------------------

    def to_data(self) -> Body:
        """In what JSON knows; those on single ops of this process are left out."""
        kept = [asdict(one) for one in self.entries if not one.address]
        return {"breakpoints": kept, "filters": dict(self.filters)}

    @classmethod
    def from_data(cls, data: object) -> Book:
        """What `to_data` gave; what makes no sense is left out, whoever has written it."""
        book = cls()
        if not isinstance(data, dict):
            return book
        for one in _list(data.get("breakpoints")):
            wanted = _wanted(one)
            if wanted is not None and wanted not in book.entries:
                book.entries.append(wanted)
        filters = data.get("filters")
        if isinstance(filters, dict):
            book.filters = {str(name): str(value) for name, value in filters.items()}
        return book


def _state(body: Body, before: State) -> State:
    return State(
        id=int(body.get("id") or before.id),
        is_verified=bool(body.get("verified")),
        line=int(body.get("line") or before.line),
        message=str(body.get("message") or ""),
    )


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _wanted(data: object) -> Wanted | None:
    if not isinstance(data, dict):
        return None
    known = {name: data[name] for name in Wanted.__dataclass_fields__ if name in data}
    for name, value in known.items():
        if type(value) is not type(getattr(_EMPTY, name)):
            return None
    wanted = Wanted(**known)
    is_whole = bool(wanted.op_pattern) or (bool(wanted.file) and wanted.line > 0)
    return wanted if is_whole else None


_EMPTY = Wanted()


def unsent(book: Book, sent: Mapping[str, Body]) -> tuple[str, str, Body, Sequence[Wanted]] | None:
    """Something that is not as the debugger knows it; None if all is.

    Args:
        book: what the user wants.
        sent: what the debugger was told: arguments of the last request by its key.

    Returns:
        (key, request, its arguments, the breakpoints in it).
    """
    files = dict.fromkeys([*book.files(), *(key for key in sent if os.sep in key)])
    for file in files:
        wanted = book.in_file(file)
        arguments: Body = {
            "source": {"path": file},
            "breakpoints": [{"line": one.line, **one.options()} for one in wanted],
        }
        if sent.get(file, {**arguments, "breakpoints": []}) != arguments:
            return file, "setBreakpoints", arguments, wanted
    wanted = book.of_ops()
    arguments = {"breakpoints": [{"name": one.op_pattern, **one.options()} for one in wanted]}
    if sent.get("ops", _NONE) != arguments:
        return "ops", "setFunctionBreakpoints", arguments, wanted
    wanted = book.of_addresses()
    arguments = {"breakpoints": [{"instructionReference": one.address, **one.options()} for one in wanted]}
    if sent.get("addresses", _NONE) != arguments:
        return "addresses", "setInstructionBreakpoints", arguments, wanted
    options = [
        {"filterId": name, **({"condition": condition} if condition else {})}
        for name, condition in book.filters.items()
    ]
    arguments = {"filters": [], "filterOptions": options}
    if sent.get("filters", {"filters": [], "filterOptions": []}) != arguments:
        return "filters", "setExceptionBreakpoints", arguments, ()
    return None


_NONE: Body = {"breakpoints": []}
