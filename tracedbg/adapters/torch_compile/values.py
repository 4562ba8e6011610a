"""What a value of the user's program looks like, in a few words, without running code of the user's.

It must not call a user's `__repr__`, `__getattr__`, property or `__torch_function__`, and never
read a tensor's data: only types, shapes, and values of the basic Python types are looked at.
"""

from __future__ import annotations

import enum
import types
from typing import Any

from tracedbg.source import code_name

MAX_TEXT = 80
_MAX_ITEMS = 4
_MAX_DEPTH = 2
_PLAIN = (type(None), type(...), bool, int, float, complex, str, bytes)
_BRACKETS: dict[type, str] = {list: "[]", tuple: "()", set: "{}", frozenset: "{}"}


def describe(value: Any, depth: int = 0) -> str:
    """`value` in at most `MAX_TEXT` characters: a repr, a tensor's spec, or what kind of object it is."""
    kind = type(value)
    if kind in _PLAIN:
        return shorten(repr(value))
    if kind in _BRACKETS:
        return shorten(_sequence(value, _BRACKETS[kind], depth))
    if kind is dict:
        return shorten(_mapping(value, depth))
    return shorten(_object(value, kind))


def _object(value: Any, kind: type) -> str:  # noqa: PLR0911  one line for each kind
    import torch

    if issubclass(kind, torch.Tensor):
        return tensor_text(value)
    if kind is torch.Size:
        return describe(tuple(value))
    if kind in (torch.dtype, torch.device, torch.layout, torch.memory_format):
        return str(value)
    if issubclass(kind, type):
        return type_name(value)
    if issubclass(kind, enum.Enum):
        return f"{kind.__qualname__}.{value._name_}"
    if kind is types.CodeType:
        return f"code of {_place(code_name(value), value)}"
    if kind is types.FunctionType:
        return f"function {_place(code_name(value.__code__), value.__code__)}"
    if kind is types.MethodType:
        return f"method {describe(value.__func__).removeprefix('function ')}"
    if kind is types.ModuleType:
        return f"module {vars(value).get('__name__', '?')}"
    return f"<{type_name(kind)}>"


def _place(name: str, code: types.CodeType) -> str:
    return f"{name} ({code.co_filename.rpartition('/')[2]}:{code.co_firstlineno})"


def _sequence(value: Any, brackets: str, depth: int) -> str:
    if depth == _MAX_DEPTH:
        return f"{brackets[0]}...{brackets[1]}"
    items = [describe(item, depth + 1) for _, item in zip(range(_MAX_ITEMS), value, strict=False)]
    if len(value) > _MAX_ITEMS:
        items.append(f"... {len(value)} in all")
    return f"{brackets[0]}{', '.join(items)}{brackets[1]}"


def _mapping(value: dict[Any, Any], depth: int) -> str:
    if depth == _MAX_DEPTH:
        return "{...}"
    pairs = zip(range(_MAX_ITEMS), value.items(), strict=False)
    items = [f"{describe(key, depth + 1)}: {describe(item, depth + 1)}" for _, (key, item) in pairs]
    if len(value) > _MAX_ITEMS:
        items.append(f"... {len(value)} in all")
    return "{" + ", ".join(items) + "}"


def tensor_text(tensor: Any) -> str:
    """`float32[3, 4]`; only the type's name for a subclass that runs code of its own."""
    import torch

    if not is_plain_tensor(tensor):
        return f"<{type_name(type(tensor))}>"
    with torch._C.DisableTorchFunction():  # nothing of the user's runs when we read an attribute
        return spec_text(str(tensor.dtype), tensor.shape)


def is_plain_tensor(tensor: Any) -> bool:
    """Whether its attributes are answered by torch itself, and not by code of a subclass."""
    import torch

    return type(tensor) in (torch.Tensor, torch.nn.Parameter, torch.nn.Buffer)


def spec_text(dtype: str, sizes: Any) -> str:
    """`float32[3, 4]` of `torch.float32` and `(3, 4)`; a size that may be any is `?`."""
    inner = ", ".join("?" if size is None else str(size) for size in sizes)
    return f"{dtype.removeprefix('torch.')}[{inner}]"


def type_name(kind: type) -> str:
    """The name of a type as one would import it; builtins without their module."""
    module = kind.__module__
    name = kind.__qualname__.replace("<locals>.", "")
    return name if module in ("builtins", "__main__") else f"{module}.{name}"


def shorten(text: str) -> str:
    """`text`, cut in the middle if it is longer than `MAX_TEXT`."""
    if len(text) <= MAX_TEXT:
        return text
    keep = (MAX_TEXT - 5) // 2
    return f"{text[:keep]} ... {text[-keep:]}"
