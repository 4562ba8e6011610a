"""TorchScript's lists and dicts as Python's: what writes to one, or gives what is in it.

torch's own operators get a copy of a Python list, and so would write into nothing. It must not know graphs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def _append(items: list[Any], item: Any) -> list[Any]:
    items.append(item)
    return items


def _extend(items: list[Any], more: list[Any]) -> None:
    items.extend(more)


def _add_in_place(items: list[Any], more: list[Any]) -> list[Any]:
    items.extend(more)
    return items


def _index(items: list[Any], at: int) -> int:
    if not -len(items) <= at < len(items):
        raise IndexError("list index out of range")
    return at


def _get(items: list[Any], at: int) -> Any:
    return items[_index(items, at)]


def _set(items: list[Any], at: int, item: Any) -> list[Any]:
    items[_index(items, at)] = item
    return items


def _delete(items: list[Any], at: int) -> None:
    del items[_index(items, at)]


def _pop(items: list[Any], at: int = -1) -> Any:
    if not items:
        raise IndexError("pop from empty list")
    if not -len(items) <= at < len(items):
        raise IndexError("pop index out of range")
    return items.pop(at)


def _sort(items: list[Any], reverse: bool = False) -> None:
    items.sort(reverse=reverse)


def _remove(items: list[Any], item: Any) -> None:
    if item not in items:
        raise RuntimeError("list.remove(x): x not in list")
    items.remove(item)


def _slice(items: list[Any], start: int | None = None, end: int | None = None, step: int = 1) -> list[Any]:
    return items[start:end:step]


def _look_up(known: dict[Any, Any], key: Any) -> Any:
    if key not in known:
        raise RuntimeError("KeyError: " + str(key))
    return known[key]


def _put(known: dict[Any, Any], key: Any, value: Any) -> None:
    known[key] = value


def _remove_key(known: dict[Any, Any], key: Any) -> None:
    known.pop(key, None)


def _pop_key(known: dict[Any, Any], key: Any, *default: Any) -> Any:
    if key not in known and not default:
        raise RuntimeError("KeyError: " + str(key))
    return known.pop(key, *default)


OF_LISTS: dict[str, Callable[..., Any]] = {
    "aten::append": _append,
    "aten::extend": _extend,
    "aten::add_": _add_in_place,
    "aten::insert": lambda items, at, item: items.insert(at, item),
    "aten::clear": lambda items: items.clear(),
    "aten::reverse": lambda items: items.reverse(),
    "aten::__getitem__": _get,
    "aten::select": _get,
    "aten::_set_item": _set,
    "aten::Delete": _delete,
    "aten::pop": _pop,
    "aten::slice": _slice,
    "aten::len": len,
    "aten::list": list,
    "aten::copy": list,
    "aten::add": lambda left, right: left + right,
    "aten::mul": lambda items, times: items * times,
}
"""For schemas whose first argument is a list of whatever type."""
OF_PLAIN_LISTS: dict[str, Callable[..., Any]] = {
    **OF_LISTS,
    "aten::remove": _remove,
    "aten::sort": _sort,
}
"""For those whose first argument is a list of numbers, or of texts."""
OF_DICTS: dict[str, Callable[..., Any]] = {
    "aten::__getitem__": _look_up,
    "aten::_set_item": _put,
    "aten::Delete": _remove_key,
    "aten::pop": _pop_key,
    "aten::clear": lambda known: known.clear(),
    "aten::update": lambda known, more: known.update(more),
    "aten::get": lambda known, key, default=None: known.get(key, default),
    "aten::setdefault": lambda known, key, default: known.setdefault(key, default),
    "aten::keys": lambda known: list(known.keys()),
    "aten::values": lambda known: list(known.values()),
    "aten::items": lambda known: list(known.items()),
    "aten::len": len,
    "aten::copy": dict,
    "aten::__contains__": lambda known, key: key in known,
}
"""For schemas whose first argument is a dict."""
