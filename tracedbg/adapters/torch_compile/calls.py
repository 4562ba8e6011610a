"""How many calls of a function ran compiled, and how many eager, at next to no cost.

Nothing of ours runs in a call: torch calls two C iterators, whose lengths are read now and then. One is
consumed at the top of the bytecode that Dynamo made of the function, and so by each compiled call. The
other is an `enter_exit_hook` of the `torch.compile` wrapper, and so is consumed by each call at all. What
is left, when calls that raised while compiling are taken off, ran eager.

So eager calls are known for functions that were given to `torch.compile` (or modules: their `forward`).
For one that is compiled because another function calls it, the number is None from the moment that the
framework has given up on it. Iterators stay in compiled code after we have gone; they hold nothing.
"""

from __future__ import annotations

import inspect
import logging
import sys
import threading
import types
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_compile import _compat
from tracedbg.adapters.torch_compile.counts import REGISTRY
from tracedbg.adapters.torch_compile.functions import traceable
from tracedbg.events import Fallback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import CodeType, FrameType

    from tracedbg.adapters.torch_compile.counts import Count, Counted
    from tracedbg.events import Traceable
    from tracedbg.hooks import Hooks

_MODULE_CALLS = ("_call_impl", "_wrapped_call_impl")
_DEFAULT = ("default", "fail_on_recompile")
"""The stances under which each call is compiled, or raises."""


class CallCounts:
    """Counts calls while attached, and tells what came to be since it last told."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self._stance = "default"

    def install(self) -> None:
        """Install the hooks."""
        for counted in REGISTRY:
            counted.begin()
        for context, counted in REGISTRY.wrappers.items():
            context.enter_exit_hooks.append(counted.entered.next)
        self._hooks.patch(*_compat.WRAP.find(), self._wrap)
        self._hooks.patch(*_compat.SET_STANCE.find(), self._wrap_set_stance)
        self._hooks.on_tell(self.tell)
        self._hooks.on_remove(self._remove)

    def _wrap(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def __call__(context: Any, fn: Any) -> Any:  # noqa: N807  torch's name
            wrapper = original(context, fn)
            self._hooks.safely("calls", self._made, context, wrapper)
            return wrapper

        return __call__

    def _made(self, context: Any, wrapper: Any) -> None:
        if isinstance(wrapper, types.FunctionType):
            called = vars(wrapper).get("_torchdynamo_orig_callable")
            if (code := code_called(called)) is not None:
                self._watch(context, REGISTRY.of(code))

    def _watch(self, context: Any, counted: Counted) -> None:
        watched = REGISTRY.wrappers.get(context)
        if watched is counted:
            return
        if watched is not None:  # `torch._dynamo.optimize(...)` put around several functions
            watched.is_called_inside = counted.is_called_inside = True
            return
        REGISTRY.wrappers[context] = counted
        context.enter_exit_hooks.append(counted.entered.next)
        counted.is_wrapped = True

    def begin(
        self, compiled: CodeType, f_locals: Mapping[str, Any], entries: Iterable[Any], function: Traceable
    ) -> Counted:
        """Dynamo is asked to compile a call; the innermost wrapper is on the stack.

        Args:
            compiled: the function's own code.
            f_locals: its variables.
            entries: what it was compiled into before; those of before we came do not count their calls.
            function: who it is.
        """
        inside = forward_code(f_locals.get(_compat.WRAPPED)) if _compat.is_wrapper(compiled) else None
        counted = REGISTRY.of(inside or compiled)
        counted.function = function
        codes = [entry.code for entry in entries if entry.code is not None]  # None: it can never fit again
        if any(counted.compiled.next not in code.co_consts for code in codes):
            counted.is_counted = False
        context, called = _wrapper_around(sys._getframe(1))
        code = None if context is None else code_called(called)
        if code is None or REGISTRY.of(code) is not counted:
            counted.is_called_inside = True
        elif context not in REGISTRY.wrappers:
            self._watch(context, counted)
            counted.entered_unseen += 1
        return counted

    def given(self, code: CodeType) -> Counted | None:
        """The calls of `code` if it was given to `torch.compile`."""
        counted = REGISTRY.of(code)
        return counted if counted.is_wrapped else None

    def tell(self) -> None:
        """Emit what came to be since the last time."""
        # In the background, a call that is just looking for its graph would seem to be an eager one.
        if self._stance == "force_eager" or threading.get_ident() == threading.main_thread().ident:
            self._settle()
        for counted in REGISTRY:
            if counted.function is None:
                continue
            news, sink = counted.news(counted.function), self._hooks.sink
            if news is None:
                continue
            if news.eager and counted.fallback and not counted.has_told_fallback:
                counted.has_told_fallback = True  # it fell back before this attachment
                sink.emit(replace(counted.fallback, time_ns=sink.now_ns()))
            sink.emit(news)
        REGISTRY.forget_dead()

    def _wrap_set_stance(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def _set_stance(stance: Any) -> Any:
            prior = original(stance)
            self._hooks.safely("stance", self._change_stance, stance.stance)
            return prior

        return _set_stance

    def _change_stance(self, stance: str) -> None:
        self._settle()
        self._stance = stance
        for counted in REGISTRY:
            counted.unexplained_before = counted.unexplained

    def _settle(self) -> None:
        """Which functions has the stance that is now over made run eager?"""
        if self._stance in _DEFAULT:
            return
        for counted in REGISTRY:
            code = counted.code()
            count = counted.unexplained - counted.unexplained_before
            if code is None or counted.fallback or count <= 0:
                continue
            counted.function = counted.function or traceable(code)
            # Under `force_eager` all calls since then, under another stance nobody knows which.
            is_all = self._stance == "force_eager"
            first = (counted.all_calls or 0) - count + 1 if is_all else None
            reason = f'torch.compiler.set_stance("{self._stance}")'
            fallback = Fallback(counted.function, "forced", reason, self._hooks.sink.now_ns())
            counted.fall_back(fallback, first)
            self._hooks.sink.emit(fallback)

    def _remove(self) -> None:
        for context, counted in list(REGISTRY.wrappers.items()):
            if counted.entered.next in context.enter_exit_hooks:
                context.enter_exit_hooks.remove(counted.entered.next)


def code_called(called: Any) -> CodeType | None:
    """The code that a `torch.compile` wrapper around `called` runs: for a module, that of its `forward`."""
    if isinstance(called, types.MethodType) and called.__name__ in _MODULE_CALLS:
        return forward_code(called.__self__)
    function = getattr(called, "__func__", called)
    if not isinstance(function, types.FunctionType):
        return None
    if _compat.is_wrapper(function.__code__):
        return forward_code(inspect.getclosurevars(function).nonlocals.get(_compat.WRAPPED))
    return function.__code__


def forward_code(module: Any) -> CodeType | None:
    """The code of a module's `forward`; None for anything else."""
    own = getattr(module, "__dict__", {}).get("forward")
    found = own or inspect.getattr_static(type(module), "forward", None)
    function = getattr(found, "__func__", found)
    return function.__code__ if isinstance(function, types.FunctionType) else None


def _wrapper_around(frame: FrameType | None) -> tuple[Any, Any]:
    """The innermost `torch.compile` wrapper on the stack, and what it calls."""
    while frame is not None:
        if frame.f_code.co_name in _compat.WRAPPER_NAMES and frame.f_code.co_filename.endswith(
            "eval_frame.py"
        ):
            found = frame.f_locals
            context = found.get("self")
            if hasattr(context, "enter_exit_hooks") and "fn" in found:
                return context, found["fn"]
        frame = frame.f_back
    return None, None


def add_count(instructions: list[Any], count: Count) -> None:
    """Have the bytecode call `count.next` before all else."""
    from torch._dynamo import bytecode_transformation as bytecode

    names = [instruction.opname for instruction in instructions]
    at = names.index("RESUME") + 1 if "RESUME" in names else 0
    load = bytecode.create_instruction("LOAD_CONST", argval=count.next)
    call = bytecode.create_call_function(0, False)
    instructions[at:at] = [*bytecode.add_push_null(load), *call, bytecode.create_instruction("POP_TOP")]


def is_kept(arguments: dict[str, Any]) -> bool:
    """Whether the bytecode is saved, exported or looked at, and so has to be Dynamo's own.

    Args:
        arguments: those of `_compile`, by name.
    """
    if arguments.get("package") is not None or arguments.get("export"):
        return True
    hooks = _compat.BYTECODE_HOOKS.get().values()
    is_seen = any(not hasattr(hook, "__tracedbg__") for hook in hooks)  # by others than ourselves
    return is_seen or _compat.BYTECODE_LOG.get().isEnabledFor(logging.DEBUG)
