"""Where the host waits for the device, or copies without being asked to: by line, with what to do instead."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracedbg.explain.ops import SyncLine
from tracedbg.ran import SYNCS

if TYPE_CHECKING:
    from tracedbg.explain.op_totals import KindTotal

_NS = 1e9
_TORCH, _TENSORFLOW = "torch", "tensorflow"
_ADVICE = {
    ("item", _TORCH): "keep it a tensor: add up loss.detach(), and read the sum once per epoch",
    ("item", _TENSORFLOW): "keep it a tensor, add it up in a tf.keras.metrics.Mean, and read that once per"
    " epoch",
    ("bool", _TORCH): "torch.where(condition, a, b) needs no look at the value; or look once in many steps",
    ("bool", _TENSORFLOW): "tf.where(condition, a, b) needs no look at the value; inside tf.function an `if`"
    " becomes a tf.cond",
    ("tolist", _TORCH): "collect tensors, and make one list of torch.stack(...) after the loop",
    ("tolist", _TENSORFLOW): "collect tensors, and make one list of tf.stack(...) after the loop",
    ("nonzero", _TORCH): "torch.where(condition, x, other) keeps the shape; sizes that are known need no"
    " nonzero",
    ("nonzero", _TENSORFLOW): "tf.where(condition, x, other), with all three, keeps the shape",
    ("mask", _TORCH): "torch.where(mask, x, other), or x * mask, keeps the shape",
    ("mask", _TENSORFLOW): "tf.where(mask, x, other), or x * mask, keeps the shape",
    ("cpu", _TORCH): "copy once, after the loop; into pinned memory, with non_blocking=True, the host need"
    " not wait",
    ("cpu", _TENSORFLOW): "copy once, after the loop",
    ("numpy", _TORCH): "collect tensors, and make one array of torch.stack(...) after the loop",
    ("numpy", _TENSORFLOW): "collect tensors, and make one array of tf.stack(...) after the loop",
    ("equal", _TORCH): "(a == b).all() stays a tensor, where the shapes are known to be the same",
    ("equal", _TENSORFLOW): "tf.reduce_all(a == b) stays a tensor",
    ("unique", _TORCH): "do it once, before the loop; torch.bincount(x, minlength=n) has a shape that is"
    " known when n is",
    ("unique", _TENSORFLOW): "do it once, before the loop; tf.math.bincount(x, minlength=n, maxlength=n) has"
    " a shape that is known",
    ("copy", _TORCH): "make it on the device, and in the dtype and layout, that it is used in",
    ("copy", _TENSORFLOW): "make it on the device, and in the dtype, that it is used in: tf.constant once,"
    " before the loop",
}
"""By what it is, and the framework."""


@dataclass
class _Line:
    """A `SyncLine` that is being collected."""

    framework: str
    function: str
    ops: dict[str, None] = field(default_factory=dict)
    count: int = 0
    duration_ns: int = 0
    longest_ns: int = 0


class Syncs:
    """Takes in ops that wait or copy."""

    def __init__(self) -> None:
        self._outer: dict[tuple[str, int, str], _Line] = {}
        self._inner: dict[tuple[str, int, str], _Line] = {}

    def add(self, one: KindTotal) -> None:
        """One total of a kind that has a `sync`."""
        kind = one.kind
        frame = kind.stack[0] if kind.stack else None
        key = (frame.file, frame.line, kind.sync) if frame else ("", 0, kind.sync)
        lines = self._outer if kind.is_outer else self._inner
        line = lines.setdefault(key, _Line(kind.framework, frame.function if frame else ""))
        line.ops[kind.name] = None
        line.count += one.count
        line.duration_ns += one.duration_ns
        line.longest_ns = max(line.longest_ns, one.longest_ns)

    def done(self) -> tuple[SyncLine, ...]:
        """All lines, the costliest first.

        What another op called is told only where no op of that line itself waits: `item` calls
        `_local_scalar_dense`, and is one wait.
        """
        told = {key[:2] for key in self._outer}
        found = self._outer | {key: line for key, line in self._inner.items() if key[:2] not in told}
        lines = [
            SyncLine(
                kind=kind,
                file=file,
                line=number,
                function=line.function,
                ops=tuple(line.ops),
                count=line.count,
                seconds=line.duration_ns / _NS,
                longest_seconds=line.longest_ns / _NS,
                message=SYNCS.get(kind, ""),
                advice=_ADVICE.get((kind, line.framework), ""),
            )
            for (file, number, kind), line in found.items()
        ]
        return tuple(sorted(lines, key=lambda one: (-one.seconds, -one.count, one.file, one.line, one.kind)))
