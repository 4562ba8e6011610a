"""What makes the host wait: what is known of ops by their names, and methods of tensors that are no ops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_common.syncs import COMPOSED, INDEXING, METHODS, OPS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracedbg.hooks import Hooks

IS_INDEXING, MAY_COPY, IS_CLONE, IS_COPY_TO, TAKES_NUMBER = 1, 2, 4, 8, 256
"""Bits of `NameTraits` in `native/tables.h`."""
MAY_COPY_OPS = ("reshape", "contiguous", "flatten")
"""A clone that one of these makes was not asked for: it depends on the strides."""

TAKES_NUMBER_OPS = ("masked_fill", "masked_fill_", "fill", "fill_", "index_fill", "index_fill_")
"""Python's numbers come to these as tensors of the host: to look at one is not to wait."""


def names() -> dict[str, tuple[str, int]]:
    """Name of an op as the observer has it -> what makes the host wait (a value of `ran.SYNCS`), and bits."""
    found = {f"aten::{name}": (wait.sync, 0) for name, wait in {**OPS, **COMPOSED}.items()}
    found.update((f"aten::{name}", ("", IS_INDEXING | TAKES_NUMBER)) for name in INDEXING)
    found.update((f"aten::{name}", ("", MAY_COPY)) for name in MAY_COPY_OPS)
    found.update((f"aten::{name}", ("", TAKES_NUMBER)) for name in TAKES_NUMBER_OPS)
    found.update((method_name(name), (name, 0)) for name in METHODS)
    return {**found, "aten::clone": ("", IS_CLONE), "aten::copy_": ("", IS_COPY_TO)}


def method_name(method: str) -> str:
    """The name under which calls of a tensor's method are told."""
    return f"Tensor.{method}"


def watch_methods(native: Any, hooks: Hooks) -> None:
    """Have methods that run no op, where the tensor is on the CPU, count as if they were ops."""
    import torch

    for method in METHODS:
        with hooks.guarded(method):
            hooks.patch(torch.Tensor, method, _maker(native, method_name(method)))


def _maker(native: Any, name: str) -> Callable[[Any], Any]:
    begin, end = native.begin_method, native.end_method

    def make(original: Any) -> Any:
        def method(tensor, *args, **kwargs):
            if not begin(name):
                return original(tensor, *args, **kwargs)
            try:
                return original(tensor, *args, **kwargs)
            finally:
                end()

        return method

    return make
