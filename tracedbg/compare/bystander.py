"""A `Debugger` that wants nothing and stops nowhere: what runs a program to look at it begins with this."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType

    from tracedbg.debugging import Outline, View
    from tracedbg.events import Frame
    from tracedbg.tensors import Tensors


class Bystander:
    """See `tracedbg.debugging.Debugger`."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[], None]] = []
        self._local = threading.local()
        self._generated: set[CodeType] = set()
        self._own_code: set[CodeType] = set()

    def changed(self) -> None:
        """Tell adapters to ask again."""
        for listener in tuple(self._listeners):
            listener()

    def on_change(self, listener: Callable[[], None]) -> None:
        """See `Debugger`; the same for the methods below."""
        self._listeners.append(listener)

    def on_go(self, listener: Callable[[], None]) -> None:  # noqa: D102
        pass

    def add_outline(self, outline: Outline) -> None:  # noqa: D102
        pass

    def add_tensors(self, tensors: Tensors) -> None:  # noqa: D102
        pass

    def add_tracing(self, where: Callable[[], Frame | None]) -> None:  # noqa: D102
        pass

    def may_walk(self, outline: Outline) -> bool:  # noqa: ARG002, D102
        return False

    def wants_walk(self, outline: Outline, depth: int = sys.maxsize) -> bool:  # noqa: ARG002, D102
        return False

    def may_stop_at_ops(self) -> bool:  # noqa: D102
        return False

    def lines_in(self, file: str) -> frozenset[int]:  # noqa: ARG002, D102
        return frozenset()

    def files(self) -> frozenset[str]:  # noqa: D102
        return frozenset()

    def is_stepping(self) -> bool:  # noqa: D102
        return False

    def stepping(self) -> frozenset[int]:  # noqa: D102
        return frozenset()

    def add_generated(self, code: CodeType) -> None:  # noqa: D102
        self._generated.add(code)

    def is_generated(self, code: CodeType) -> bool:  # noqa: D102
        return code in self._generated

    def add_own_code(self, code: CodeType) -> None:  # noqa: D102
        self._own_code.add(code)
        self.changed()

    def own_code(self) -> frozenset[CodeType]:  # noqa: D102
        return frozenset(self._own_code)

    def looks_at_line(self, file: str, line: int) -> bool:  # noqa: ARG002, D102
        return False

    def looks_at_ops(self) -> bool:  # noqa: D102
        return False

    def stops_in_backward(self, file: str, line: int) -> bool:  # noqa: ARG002, D102
        return False

    def enter(self, view: View) -> None:  # noqa: D102
        pass

    def line(self, view: View) -> None:  # noqa: D102
        pass

    def before_op(self, view: View) -> None:  # noqa: D102
        pass

    def after_op(self, view: View) -> None:  # noqa: D102
        pass

    def failed(self, view: View, error: BaseException) -> None:  # noqa: D102
        pass

    def wants(self, name: str) -> bool:  # noqa: ARG002, D102
        return False

    def happened(self, name: str, view: View, text: str) -> None:  # noqa: D102
        pass

    @contextmanager
    def walking(self) -> Iterator[None]:  # noqa: D102
        self._local.walks = getattr(self._local, "walks", 0) + 1
        try:
            yield
        finally:
            self._local.walks -= 1

    def is_walking(self) -> bool:  # noqa: D102
        return getattr(self._local, "walks", 0) > 0

    @contextmanager
    def suspended(self) -> Iterator[None]:  # noqa: D102
        yield
