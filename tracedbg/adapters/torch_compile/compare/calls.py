"""Takes the calls of compiled graphs that the program makes, and has them compared.

The program gets the result of its own call; what was compiled is called as ever, and compiled but once.
"""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_common.tensors import TorchTensors
from tracedbg.adapters.torch_compile._compat import WRAPPED
from tracedbg.adapters.torch_compile.compare import _compat, randoms
from tracedbg.adapters.torch_compile.compare.runs import Call, Runs, Subject, unnoticed
from tracedbg.adapters.torch_compile.compare.variants import Graph, own
from tracedbg.adapters.torch_compile.functions import traceable
from tracedbg.adapters.torch_compile.walk.identity import ByIdentity
from tracedbg.adapters.torch_compile.walk.notes import _EXACT as EXACT
from tracedbg.adapters.torch_compile.walk.notes import backend_name
from tracedbg.compare.records import Comparison, Verdict
from tracedbg.frames import real_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracedbg.compare.comparer import CompareOptions, Report
    from tracedbg.hooks import Hooks


def install(hooks: Hooks, options: CompareOptions, report: Report) -> None:
    """Put everything into torch."""
    compiles = Compiles(hooks, options, report)
    hooks.patch(*_compat.CALL_USER_COMPILER.find(), compiles.wrap_compile)
    hooks.patch(*_compat.INSTALL_GLOBAL.find(), compiles.wrap_install)


@dataclass
class Progress:
    """How far one function has been compared."""

    calls: int = 0
    compared: int = 0
    differs: bool = False


class Compiles:
    """See the module."""

    def __init__(self, hooks: Hooks, options: CompareOptions, report: Report) -> None:
        self._hooks = hooks
        self._options = options
        self._report = report
        self._made: ByIdentity[Subject] = ByIdentity()
        self._progress: dict[tuple[str, int, str, int], Progress] = {}
        self._lock = threading.RLock()
        self._busy = threading.local()

    def wrap_compile(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """In the place of what hands a graph to the backend."""

        def call_user_compiler(output: Any, gm: Any, *args: Any, **kwargs: Any) -> Any:
            if not self._is_busy:
                self._hooks.safely("graph", self._graph, output, gm)
            return original(output, gm, *args, **kwargs)

        return call_user_compiler

    def wrap_install(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """In the place of what puts a compiled graph where generated code finds it."""

        def install_global_unsafe(output: Any, name: str, *args: Any, **kwargs: Any) -> Any:
            made = original(output, name, *args, **kwargs)
            if name.startswith(_compat.COMPILED) and (subject := self._made.pop(output)) is not None:
                self._hooks.safely("install", self._watch, subject, output.global_scope, name)
            return made

        return install_global_unsafe

    @property
    def _is_busy(self) -> bool:
        return getattr(self._busy, "is_busy", False)

    def _graph(self, output: Any, module: Any) -> None:
        variables = getattr(output.root_tx, "f_locals", None) or {}
        what = traceable(output.root_tx.f_code, variables)
        function = what.owner or what.name
        if not self._options.wants(function):
            self._report.called(function)
            return
        name = backend_name(output.compiler_fn)
        config = _inductor_config()
        same = name in EXACT or bool(getattr(config, "fallback_random", False))
        subject = Subject(
            function,
            real_path(what.file),
            what.line,
            Graph(module),
            output.compiler_fn,
            name,
            same,
            id(variables.get(WRAPPED)),
        )
        self._made.set(output, subject)

    def _watch(self, subject: Subject, scope: dict[str, Any], name: str) -> None:
        """Have the first calls compared, and then leave it alone."""
        import torch

        compiled = scope[name]
        key = subject.file, subject.line, subject.function, subject.owner
        progress = self._progress.setdefault(key, Progress())

        def call(*arguments: Any) -> Any:
            if self._is_busy:
                return compiled(*arguments)
            before = self._hooks.safely("begin", self._before, arguments)
            result = compiled(*arguments)
            if before is not None:
                with self._hooks.guarded("compare"):
                    self._compare(subject, progress, before, arguments, result)
            if progress.differs or progress.compared >= self._options.calls:
                scope[name] = compiled
            return result

        scope[name] = torch.compiler.disable(call)

        def undo() -> None:
            scope[name] = compiled

        self._hooks.on_remove(undo)

    def _before(self, arguments: tuple[Any, ...]) -> tuple[tuple[Any, ...], Any]:
        return tuple(own(one) for one in arguments), randoms.state()

    def _compare(
        self,
        subject: Subject,
        progress: Progress,
        before: tuple[tuple[Any, ...], Any],
        arguments: tuple[Any, ...],
        result: Any,
    ) -> None:
        with self._lock:
            progress.calls += 1
            if progress.differs or progress.compared >= self._options.calls:
                return
            progress.compared += 1
            made = tuple(own(one) for one in (*result, *arguments))
            call = Call(progress.calls, before[0], made, before[1])
            self._busy.is_busy = True
            try:
                with unnoticed():
                    comparison = Runs(subject, call, self._options.limits, TorchTensors()).compare()
            except Exception as error:
                text = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
                comparison = Comparison(
                    subject.function, subject.file, subject.line, call.number, Verdict.SKIPPED,
                    notes=(f"it could not be run again: {text}",),
                )  # fmt: skip
            finally:
                self._busy.is_busy = False
            progress.differs = comparison.verdict is Verdict.DIFFERS
        self._report.compared(comparison)


def _inductor_config() -> Any:
    return sys.modules.get("torch._inductor.config")
