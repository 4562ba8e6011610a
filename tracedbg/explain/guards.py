"""What the guards that failed say about a call, from their recorded texts.

The forms of the texts are those of the `GuardFailure` docs of the adapters; it parses text, and
never asks a framework. Where a text is of no known form the path that it reads still tells.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from tracedbg.events import CauseKind
from tracedbg.explain.conditions import (
    argument_of,
    condition,
    first_path,
    is_tensor,
    kind_of_types,
    speak,
    spoken,
    value_difference,
)
from tracedbg.explain.difference import SMALL, SPECIALISED, Difference

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracedbg.events import GuardFailure

_ORDER = (
    CauseKind.BACKEND,
    CauseKind.SYMBOLIC_CONDITION,
    CauseKind.LAYOUT,
    CauseKind.SHAPE,
    CauseKind.RANK,
    CauseKind.REQUIRES_GRAD,
    CauseKind.DTYPE,
    CauseKind.DEVICE,
)
"""The checks of an entry, the last one first: an entry that fails late fits best."""
_VALUE_RANK = _ORDER.index(CauseKind.SHAPE)
_OTHER_RANK = len(_ORDER)
_NEVER = 1000

_TENSOR_KINDS = {
    "size": CauseKind.SHAPE,
    "stride": CauseKind.LAYOUT,
    "rank": CauseKind.RANK,
    "dtype": CauseKind.DTYPE,
    "requires_grad": CauseKind.REQUIRES_GRAD,
}
_TENSOR = re.compile(
    r"tensor '(?P<source>.+?)' (?P<what>size|stride|rank|dtype|requires_grad|dispatch key set) mismatch"
    r"(?: at index (?P<dim>\d+))?\. expected (?P<before>DispatchKeySet\(.*?\)|[\w=]+)"
    r"(?:, actual (?P<now>DispatchKeySet\(.*?\)|\w+))?"
)
_TENSOR_TYPE = re.compile(
    r"expected type of '(?P<source>.+?)' to be (?:a tensor type|<class '[^']+'>), '? ?but found (?P<now>.+)"
)
_DEVICE_INDEX = re.compile(r"device index mismatch", re.IGNORECASE)
_GLOBAL_STATE = re.compile(r"GLOBAL_STATE changed: (?P<names>.*)")
_IDENTITY = re.compile(r"___check_(?P<what>type|obj)_id\((?P<source>.+), \d+\), type=<class '(?P<type>.+)'>")
_CONTAINS = re.compile(r"(?P<no>not )?___dict_contains\((?P<key>'[^']*'|\"[^\"]*\"|[^,]+), (?P<source>.+)\)$")
_HASATTR = re.compile(r"(?P<no>not )?hasattr\((?P<source>.+), '(?P<name>\w+)'\)")
_LENGTH = re.compile(
    r"(?:len|___tuple_iterator_len)\((?P<source>.+)\) (?:==|!=) (?P<before>\d+)$"
    r"|not (?P<empty>[LG]\[.+)$"
    r"|list\((?:dict\.keys\((?P<dict>.+)\)|(?P<mapping>.+)\.keys\(\))\) == (?P<keys>\[.*\])$"
)
_NAN = re.compile(r"\(?type\((?P<source>.+?)\) is \w+ and \w*isnan")
_ALIAS = re.compile(r"Duplicate tensor|^[LG]\[.+ is [LG]\[|check_overlapping|check_no_aliasing")
_BACKEND = re.compile(r"BACKEND_MATCH|___current_backend")
_STATES = (
    ("___check_torch_function_mode_stack", "torch_function_mode_stack"),
    ("CURRENT_DEVICE", "default_device"),
    ("compare_functorch_state", "functorch_state"),
    ("_current_level", "forward_ad_level"),
    ("top_saved_tensors_hooks", "saved_tensors_hooks"),
    ("___check_global_state", "global_state"),
)
_DIM_MARK = re.compile(r"_has_dynamo_dim_marking|_dynamo_\w*dynamic\w*|_dynamo_\w+_indices")
_PROPERTY = re.compile(r"\] (?P<name>stride|device|requires_grad|keys)=(?P<value>.+)$")
_OF_PARAMETER = "Guard failed on a parameter"
_AUTOGRAD = "Autograd"
_CODE = "code of "
_TYPES = {"code": "function"}


def nearest(failures: Iterable[GuardFailure]) -> tuple[Difference, ...]:
    """Why the entry that fits best did not fit: of several such the one that was used last.

    Args:
        failures: of all entries, those of the entry that was used last first.
    """
    entries: dict[str, list[GuardFailure]] = {}
    for failure in failures:
        entries.setdefault(failure.entry, []).append(failure)
    best: tuple[Difference, ...] = ()
    least = -1
    for group in entries.values():
        found = _distinct(difference for failure in group for difference in read(failure))
        distance = _NEVER if any(f.fixed for f in group) else sum(map(_rank, found))
        if least < 0 or distance < least:
            best, least = found, distance
    return best


def _rank(difference: Difference) -> int:
    kind = CauseKind.SYMBOLIC_CONDITION if difference.detail == SPECIALISED else difference.kind
    if kind in _ORDER:
        return _ORDER.index(kind)
    is_value = kind in (CauseKind.PYTHON_VALUE, CauseKind.ATTRIBUTE_VALUE, CauseKind.GLOBAL_VALUE)
    return _VALUE_RANK if is_value else _OTHER_RANK


def _distinct(found: Iterable[Difference]) -> tuple[Difference, ...]:
    return tuple({(d.kind, d.argument): d for d in found}.values())


def read(failure: GuardFailure) -> list[Difference]:
    """What one failed guard says; never empty."""
    guard, _, note = failure.guard.partition("  # ")
    guard = guard.strip()
    for form in _FORMS:
        found = form(failure, guard)
        if found:
            return [replace(d, frame=failure.user_frame) for d in found]
    return [replace(condition(failure, guard, note), frame=failure.user_frame)]


# --- the forms, each a function that gives nothing where the text is of another one ---------------


def _dead(failure: GuardFailure, guard: str) -> list[Difference]:
    if not failure.fixed:
        return []
    argument = spoken(failure.source) or first_path(guard)
    return [Difference(CauseKind.IDENTITY, argument, "an object that is gone", failure.now, detail="gone")]


def _backend(failure: GuardFailure, guard: str) -> list[Difference]:
    if not _BACKEND.search(guard):
        return []
    before, after = failure.before, failure.now
    if before == after and before:
        after = f"another {after}"
    return [Difference(CauseKind.BACKEND, "backend", before, after)]


def _no_guard(failure: GuardFailure, guard: str) -> list[Difference]:
    if not guard.startswith(("NO_GUARD_FAILED", "Unexpected recompilation")):
        return []
    return [Difference(CauseKind.UNKNOWN, detail=f"every guard of entry {failure.entry} holds")]


def _tensor(failure: GuardFailure, guard: str) -> list[Difference]:
    match = _TENSOR.match(guard)
    if not match:
        return []
    argument = spoken(match["source"])
    before = failure.before or match["before"]
    after = failure.now or match["now"] or ""
    if match["what"] == "dispatch key set":
        kind = _key_set_kind(match["before"], match["now"] or "")
        if kind is CauseKind.REQUIRES_GRAD:
            words = "a tensor of inference mode", "a tensor that autograd can track"
            before, after = words if _AUTOGRAD in match["now"] else reversed(words)
        return [Difference(kind, argument, _property(before), _property(after))]
    kind = _TENSOR_KINDS[match["what"]]
    if kind is CauseKind.REQUIRES_GRAD and not failure.before:
        before = str(match["before"].endswith("1"))
        after = str(not match["before"].endswith("1"))
    dims = (int(match["dim"]),) if match["dim"] else ()
    return [Difference(kind, argument, _property(before), _property(after), _size_detail(match, guard), dims)]


def _size_detail(match: re.Match[str], guard: str) -> str:
    if match["what"] != "size":
        return ""
    if _OF_PARAMETER in guard:
        return "parameter"
    return SMALL if match["now"] in ("0", "1") else ""


def _property(words: str) -> str:
    """Of `float32[4] stride=[1]` only `stride [1]`; the value alone where the kind names the rest."""
    match = _PROPERTY.search(words)
    if not match:
        return words
    return (
        match["value"]
        if match["name"] in ("device", "requires_grad")
        else f"{match['name']} {match['value']}"
    )


def _key_set_kind(before: str, now: str) -> CauseKind:
    """Which of a tensor's properties the difference of two dispatch key sets stands for."""
    old, new = (set(re.findall(r"\w+", keys)[1:]) for keys in (before, now))
    changed = old ^ new
    if any(key.startswith("Sparse") or key in ("Conjugate", "Negative", "MkldnnCPU") for key in changed):
        return CauseKind.LAYOUT
    if changed and all(key.startswith("Autograd") or key == "ADInplaceOrView" for key in changed):
        return CauseKind.REQUIRES_GRAD
    if any(key.startswith(("Func", "Python")) for key in changed):
        return CauseKind.PYTHON_TYPE
    return CauseKind.DEVICE


def _device_index(failure: GuardFailure, guard: str) -> list[Difference]:
    if not _DEVICE_INDEX.search(guard):
        return []
    return [Difference(CauseKind.DEVICE, argument_of(failure, guard), failure.before, failure.now)]


def _tensor_type(failure: GuardFailure, guard: str) -> list[Difference]:
    match = _TENSOR_TYPE.match(guard)
    if not match:
        return []
    found = re.sub(r"<class '(.+)'>", r"\1", match["now"])
    after = failure.now or found
    kind = CauseKind.PYTHON_TYPE if is_tensor(after) else kind_of_types("Tensor", found)
    if kind is CauseKind.NONE_VS_VALUE:
        after = "None"
    return [Difference(kind, spoken(match["source"]), failure.before or "Tensor", after)]


def _global_state(failure: GuardFailure, guard: str) -> list[Difference]:
    names = [label for text, label in _STATES if text in guard]
    if match := _GLOBAL_STATE.match(guard):
        names = match["names"].split() or ["global_state"]
    return [Difference(CauseKind.GLOBAL_STATE, " ".join(names), failure.before, failure.now)] if names else []


def _aliasing(failure: GuardFailure, guard: str) -> list[Difference]:
    if not _ALIAS.search(guard):
        return []
    argument = argument_of(failure, failure.now or guard)
    if guard.startswith("Duplicate"):
        before, after = "tensors of their own", speak(failure.now) or "one tensor, passed twice"
    elif " is " in guard:
        before, after = speak(guard), speak(failure.now) or "tensors of their own"
    else:
        before, after = speak(failure.before), speak(failure.now) or "other tensors share memory"
    return [Difference(CauseKind.ALIASING, argument, before, after)]


def _dim_mark(failure: GuardFailure, guard: str) -> list[Difference]:
    if not _DIM_MARK.search(guard):
        return []
    before, after = "no dimension marked", "dimensions marked dynamic or static"
    return [Difference(CauseKind.SHAPE, argument_of(failure, guard), before, after, detail="marked")]


def _identity(failure: GuardFailure, guard: str) -> list[Difference]:
    match = _IDENTITY.match(guard)
    if not match:
        return []
    argument = spoken(match["source"].removesuffix(".__code__"))
    if match["what"] == "type":
        before = failure.before or match["type"]
        after = failure.now
        if before == after:
            after = f"another {after}"
        return [Difference(kind_of_types(before, after), argument, before, after)]
    before, after = failure.before.removeprefix(_CODE), failure.now.removeprefix(_CODE)
    if match["type"] in ("bool", "NoneType"):
        return [
            value_difference(
                match["source"], before or ("None" if match["type"] == "NoneType" else ""), after
            )
        ]
    before = before or f"another {_TYPES.get(match['type'], match['type'])}"
    if before == after:
        after = f"another {after}"
    return [Difference(CauseKind.IDENTITY, argument, before, after, detail=match["type"])]


def _keys(failure: GuardFailure, guard: str) -> list[Difference]:
    match = _CONTAINS.match(guard)
    if not match:
        return []
    argument = spoken(match["source"].removesuffix(".__dict__"))
    before, after = ("absent", "present") if match["no"] else ("present", "absent")
    if match["source"].endswith(".__dict__"):
        name = match["key"].strip("'\"")
        return [Difference(CauseKind.ATTRIBUTE_VALUE, f"{argument}.{name}", before, after)]
    words = f"{match['key']} is {'new' if match['no'] else 'gone'}"
    before, after = f"key {match['key']} {before}", failure.now or f"key {match['key']} {after}"
    return [Difference(CauseKind.STRUCTURE, argument, before, after, detail=words)]


def _attribute(_: GuardFailure, guard: str) -> list[Difference]:
    match = _HASATTR.match(guard)
    if not match:
        return []
    before, after = ("absent", "present") if match["no"] else ("present", "absent")
    return [
        Difference(CauseKind.ATTRIBUTE_VALUE, f"{spoken(match['source'])}.{match['name']}", before, after)
    ]


def _length(failure: GuardFailure, guard: str) -> list[Difference]:
    match = _LENGTH.match(guard)
    if not match:
        return []
    if keys := match["keys"]:
        argument = spoken(match["dict"] or match["mapping"])
        return [Difference(CauseKind.STRUCTURE, argument, f"keys {keys}", failure.now, detail="keys")]
    if match["empty"]:
        argument = spoken(match["empty"])
        return [Difference(CauseKind.STRUCTURE, argument, "empty", "not empty", detail="length")]
    argument = spoken(failure.source or match["source"])
    before = f"length {failure.before or match['before']}"
    after = f"length {failure.now}" if failure.now.isdigit() else failure.now
    return [Difference(CauseKind.STRUCTURE, argument, before, after, detail="length")]


def _nan(failure: GuardFailure, guard: str) -> list[Difference]:
    match = _NAN.match(guard)
    return [value_difference(match["source"], "nan", failure.now)] if match else []


_FORMS = (
    _dead,
    _backend,
    _no_guard,
    _tensor,
    _device_index,
    _tensor_type,
    _global_state,
    _dim_mark,
    _aliasing,
    _identity,
    _keys,
    _attribute,
    _length,
    _nan,
)
