"""What is in a value: its children, counted, paged, found by name and set.

Reads containers by Python's own methods, past what a subclass has made of them. It must not know frames.
"""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from tracedbg.debugging import CannotAssignError
from tracedbg.engine import objects
from tracedbg.engine.tensor_text import facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tracedbg.tensors import Tensors

Part = Literal["all", "named", "indexed"]
Kind = Literal["item", "attribute", "member", "fact"]


@dataclass(frozen=True)
class Child:
    """Something in a value."""

    name: str | None
    """For a person; None where it is a key that has to be written first."""
    value: Any
    kind: Kind
    """An item that has an index or key, an attribute, a member of a set, a fact about a tensor."""
    key: Any = None
    """Index, key, or attribute name."""


def counts(value: object, tensors: Tensors | None) -> tuple[int, int]:
    """(numbered children, children with names); of a tensor without looking at its values."""
    try:
        if tensors is not None:
            _, shape = tensors.spec(value)
            return max(shape[0], 0) if shape else 0, 1
        kind = type(value)
        if issubclass(kind, dict):
            return 0, dict.__len__(value) + len(objects.attributes(value))  # type: ignore[arg-type]
        if objects.is_record(kind):
            return 0, len(objects.fields(value))
        base = objects.container(kind)
        return 0 if base is None else base.__len__(value), len(_attributes(value))  # type: ignore[attr-defined]
    except Exception:  # noqa: BLE001  values of the user's program
        return 0, 0


def children(
    value: object, tensors: Tensors | None, start: int, count: int | None, part: Part
) -> list[Child]:
    """A page of what is in a value; see `Inspector.children`.

    Raises:
        Exception: a container has changed meanwhile, a tensor cannot be read.
    """
    named: list[Child] | _Lazy = [] if part == "indexed" else _named(value, tensors)
    stop = None if count is None else start + count
    if isinstance(named, _Lazy):
        return named.page(start, stop)
    found = named[start:stop]
    if part == "named" or (count is not None and len(found) == count):
        return found
    left = None if count is None else count - len(found)
    return found + _indexed(value, tensors, max(start - len(named), 0), left)


def find(value: object, tensors: Tensors | None, name: str, text: Callable[[object], str]) -> Child | None:
    """The child that is shown under `name`; None if there is none."""
    if objects.container(type(value)) is not None and name[:1] == "[" and name[1:-1].isdigit():
        found = _indexed(value, tensors, int(name[1:-1]), 1)
        return found[0] if found else None
    for child in children(value, tensors, 0, None, "named"):
        if (text(child.key) if child.name is None else child.name) == name:
            return child
    return None


def put(owner: Any, child: Child, value: object) -> None:
    """Set a child of `owner`.

    Raises:
        CannotAssignError: it cannot be set; says why.
    """
    try:
        if child.kind == "attribute":
            setattr(owner, child.key, value)
        else:
            owner[child.key] = value
    except Exception as error:
        raise CannotAssignError(f"{type(error).__name__}: {error}") from error


@dataclass(frozen=True)
class _Lazy:
    """The named children of a dict, of which only a page is made."""

    items: Callable[[], Iterable[tuple[Any, Any]]]
    rest: list[Child]
    size: int

    def page(self, start: int, stop: int | None) -> list[Child]:
        found = [Child(None, one, "item", key) for key, one in itertools.islice(self.items(), start, stop)]
        after = None if stop is None else max(stop - self.size, 0)
        return found + self.rest[max(start - self.size, 0) : after]


def _named(value: Any, tensors: Tensors | None) -> list[Child] | _Lazy:
    if tensors is not None:
        return [Child(name, fact, "fact") for name, fact in facts(tensors.summary(value))]
    kind = type(value)
    if issubclass(kind, dict):
        rest = [Child(name, one, "attribute", name) for name, one in objects.attributes(value)]
        return _Lazy(lambda: dict.items(value), rest, dict.__len__(value))
    if objects.is_record(kind):
        is_tuple = issubclass(kind, tuple)
        return [
            Child(name, one, "member" if is_tuple else "attribute", name)
            for name, one in objects.fields(value)
        ]
    return [Child(name, one, "attribute", name) for name, one in _attributes(value)]


def _attributes(value: object) -> list[tuple[str, Any]]:
    return [] if issubclass(type(value), type) else objects.attributes(value)


def _indexed(value: Any, tensors: Tensors | None, start: int, count: int | None) -> list[Child]:
    if tensors is not None:
        _, shape = tensors.spec(value)
        size = shape[0] if shape else 0
        wanted = max(size - start, 0) if count is None else min(count, max(size - start, 0))
        if not wanted:
            return []
        items = tensors.items(value, start, wanted)
        return [Child(name, one, "item", index) for index, (name, one) in enumerate(items, start)]
    base = objects.container(type(value))
    if base is None or objects.is_record(type(value)):
        return []
    stop = None if count is None else start + count
    if base in (list, tuple):
        page: Iterable[Any] = base.__getitem__(value, slice(start, stop))
    else:
        page = itertools.islice(base.__iter__(value), start, stop)  # type: ignore[attr-defined]
    kind: Kind = "item" if base in (list, tuple, deque) else "member"
    return [Child(f"[{index}]", one, kind, index) for index, one in enumerate(page, start)]
