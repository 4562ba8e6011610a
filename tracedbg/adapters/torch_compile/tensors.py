"""What torch says of a tensor or of the global state that did not fit, and what it is now.

It must not read a tensor's data.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_compile.values import is_plain_tensor, spec_text, tensor_text, type_name

if TYPE_CHECKING:
    from collections.abc import Iterable

_MISMATCH = re.compile(r"tensor '(?P<source>.+)' (?P<what>[a-zA-Z_ ]+?) mismatch")
_NOT_A_TENSOR = re.compile(
    r"expected type of '(?P<source>.+)' to be (?:a tensor type, '|<class '[^']+'>,)"
    r" but found <class '(?P<type>.+)'>"
)
_EXPECTED = re.compile(
    r"check_tensor\((?P<source>.+), (?P<type>\w+), DispatchKeySet\((?P<keys>.*?)\), (?P<dtype>torch\.\w+), "
    r"device=(?P<device>.*?), requires_grad=(?P<requires_grad>\w+), "
    r"size=\[(?P<size>.*?)\], stride=\[(?P<stride>.*?)\]\)"
)
_KEYS = re.compile(r"DispatchKeySet\((.*?)\)")
TYPE = "type"
KEYS = "dispatch key set"


@dataclass(frozen=True)
class Mismatch:
    """A tensor that is not as an entry wants it."""

    source: str
    what: str
    """torch's word: `size`, `stride`, `rank`, `dtype`, `requires_grad`, `dispatch key set`; or `type`."""
    keys_before: str = ""
    """For dispatch keys, what tells the two tensors apart: ` device=cpu` or ` keys=AutogradCPU`."""
    keys_now: str = ""


def mismatch(guard: str) -> Mismatch | None:
    """What a guard's text says of a tensor; None where it is about something else."""
    if found := _MISMATCH.match(guard):
        return Mismatch(found["source"], found["what"], *_key_difference(guard))
    if found := _NOT_A_TENSOR.match(guard):
        return Mismatch(found["source"], TYPE)
    return None


def _key_difference(guard: str) -> tuple[str, str]:
    sets = [keys.split(", ") for keys in _KEYS.findall(guard)]
    if len(sets) != 2:  # noqa: PLR2004  expected and actual
        return "", ""
    before, now = sets
    if before[0] != now[0]:
        return f" device={before[0].lower()}", f" device={now[0].lower()}"
    return tuple(  # type: ignore[return-value]
        f" keys={'+'.join(key for key in mine if key not in other) or 'none'}"
        for mine, other in ((before, now), (now, before))
    )


def expected(found: Mismatch, code_parts: Iterable[str]) -> str:
    """The tensor that an entry was compiled for, by its own guards; empty where they do not say."""
    for part in code_parts:
        if part.startswith(f"check_tensor({found.source},") and (spec := _EXPECTED.match(part)):
            text = spec_text(spec["dtype"], _sizes(spec["size"]))
            details = {
                "stride": f" stride=[{spec['stride'].replace('None', '?')}]",
                "requires_grad": f" requires_grad={spec['requires_grad']}",
                KEYS: found.keys_before,
            }
            return f"{spec['type']} {text}" if found.what == TYPE else text + details.get(found.what, "")
    return ""


def _sizes(text: str) -> list[int | None]:
    return [None if item == "None" else int(item) for item in text.split(", ") if item]


def seen(found: Mismatch, value: Any) -> str:
    """The value that is there instead, in the words of `expected`."""
    import torch

    if not isinstance(value, torch.Tensor):
        return type_name(type(value))
    text = tensor_text(value)
    if not is_plain_tensor(value):
        return text
    with torch._C.DisableTorchFunction():
        if found.what == TYPE:
            return f"{type(value).__name__} {text}"
        if found.what == "stride":
            return f"{text} stride={list(value.stride())}"
        if found.what == "requires_grad":
            return f"{text} requires_grad={value.requires_grad}"
    return text + found.keys_now


def global_state(name: str) -> Any:
    """What a part of torch's global state is now, by the name that its guard has for it."""
    import torch

    if found := re.match(r"autocast\((\w+)\)_(enabled|dtype)", name):
        read = torch.is_autocast_enabled if found[2] == "enabled" else torch.get_autocast_dtype
        return read(found[1])
    readers = {
        "grad_mode": torch.is_grad_enabled,
        "default_dtype": torch.get_default_dtype,
        "num_threads": torch.get_num_threads,
        "deterministic_algorithms": torch.are_deterministic_algorithms_enabled,
    }
    return readers[name]() if name in readers else None
