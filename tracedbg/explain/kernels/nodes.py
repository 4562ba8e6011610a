"""Nodes of a TensorFlow graph by the names that a profiler has for them: gradients, and what was rewritten.

Source: `gradient_tape/` in tensorflow/python/eager/backprop.py; tensorflow/core/grappler/optimizers, 2.21.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tracedbg.kernels import CallFrame

GRADIENTS = "gradient_tape/"
_OPTIMIZERS = ("ArithmeticOptimizer/", "ConstantFolding/")


def stack_of(node: str, known: Mapping[str, tuple[CallFrame, ...]]) -> tuple[CallFrame, ...]:
    """The stack of a node; for a gradient that of its forward, for a rewritten node that of the original."""
    if not known or not node:
        return ()
    return next((known[name] for name in _names(node) if known.get(name)), ())


def _names(node: str) -> Iterator[str]:
    """What the original may be called, the likeliest first."""
    if node.startswith(GRADIENTS):
        parts = node.removeprefix(GRADIENTS).split("/")
        for count in range(len(parts), 0, -1):
            yield "/".join(parts[:count])
    yield node
    for optimizer in _OPTIMIZERS:
        if node.startswith(optimizer):
            rest = node.removeprefix(optimizer)
            while rest:  # `ReplaceMulWithSquare_net/mul`
                yield rest
                rest = rest.partition("_")[2]
    plain = node.partition("-")[0]  # `net/conv-0-TransposeNHWCToNCHW-LayoutOptimizer`, `net/mul-folded-1`
    if plain != node:
        yield from _names(plain)
