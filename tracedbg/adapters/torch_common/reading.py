"""Values of torch's tensors as NumPy arrays, without anybody noticing."""

from __future__ import annotations

import sys
from typing import Any

from tracedbg.adapters.torch_common import _compat

_WIDER = ("bfloat16", "float8", "complex32")
"""Starts of names of types that NumPy does not have."""


class UnreadableError(Exception):
    """A tensor without values that could be shown; the text says why."""


def dtype_name(value: Any) -> str:
    """Without the framework's name: `float32`."""
    return str(value.dtype).removeprefix("torch.")


def layout_of(value: Any) -> str:
    """Empty for a dense one."""
    import torch

    if getattr(value, "is_nested", False):
        return "nested"
    if getattr(value, "is_quantized", False):
        return "quantized"
    return "" if value.layout is torch.strided else str(value.layout).removeprefix("torch.")


def stored(value: Any) -> Any:
    """A plain dense tensor of the elements that are stored: of a sparse one, its values.

    Call it within `quietly`.

    Raises:
        UnreadableError: there are none.
    """
    import torch

    value = _unwrapped(value)
    if value.is_meta:
        raise UnreadableError("a meta tensor: it has a shape, and no values")
    if _compat.IS_FUNCTIONAL.get()(value):
        raise UnreadableError("a functional tensor: it stands for a value in a graph that is being made")
    layout = layout_of(value)
    try:
        if layout == "nested":
            return torch.cat([one.reshape(-1) for one in value.unbind()])
        if layout == "quantized":
            return value.dequantize()
        if layout == "sparse_coo":
            return value._values()
        if layout:
            return value.values() if layout != "_mkldnn" else value.to_dense()
    except Exception as error:
        raise UnreadableError(f"its values cannot be read: {error}") from error
    return value


def _unwrapped(value: Any) -> Any:
    """What stands behind a tensor inside of a transformation.

    Raises:
        UnreadableError: it has no values of its own.
    """
    fakes = sys.modules.get(_compat.IS_FAKE.module)
    if fakes is not None and isinstance(value, fakes.FakeTensor):
        raise UnreadableError("a fake tensor: it stands for a value in a graph that is being made")
    if _compat.IS_BATCHED.get()(value):
        return _unwrapped(_compat.UNWRAPPED.get()(value))
    if _compat.IS_WRAPPED.get()(value):
        return _unwrapped(_compat.UNWRAPPED.get()(value))
    return value


def is_batched(value: Any) -> bool:
    """Whether it is one of many, inside of vmap; what is shown of it is all of them."""
    return bool(_compat.IS_BATCHED.get()(value))


def array_of(value: Any) -> Any:
    """The stored elements as a NumPy array that must not outlive the stop. Call it within `quietly`.

    Raises:
        UnreadableError: there are none.
    """
    import torch

    plain = stored(value)
    try:
        name = dtype_name(plain)
        if name == "complex32":
            plain = plain.to(torch.complex64)
        elif name.startswith(_WIDER):
            plain = plain.to(torch.float32)
        host = plain.detach().cpu().resolve_conj().resolve_neg()
        return host.numpy()
    except Exception as error:  # a backend, or a subclass, that has no way to the host
        raise UnreadableError(f"its values cannot be read: {type(error).__name__}: {error}") from error
