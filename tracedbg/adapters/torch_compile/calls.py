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
import operator
import sys
import types
import weakref
from dataclasses import dataclass, field
from itertools import repeat
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_compile import _compat
from tracedbg.adapters.torch_compile.functions import traceable
from tracedbg.events import Calls, Fallback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from types import CodeType, FrameType

    from tracedbg.events import Traceable
    from tracedbg.hooks import Hooks

_MODULE_CALLS = ("_call_impl", "_wrapped_call_impl")
_DEFAULT = ("default", "fail_on_recompile")
"""The stances under which each call is compiled, or raises."""


class Count:
    """Counts the calls of `next`, in C."""

    __slots__ = ("_left", "next")

    def __init__(self) -> None:
        self._left = repeat(int, sys.maxsize)
        self.next: Callable[[], Callable[[], int]] = self._left.__next__
        """To be called by torch; the `int` that it returns may be called, and does nothing."""

    @property
    def value(self) -> int:
        """How many calls there were."""
        return sys.maxsize - operator.length_hint(self._left)


@dataclass(eq=False)
class Counted:
    """The calls of one code object."""

    code: weakref.ref[CodeType]
    function: Traceable | None = None
    """Known from its first compile on, or from its first eager call."""
    compiled: Count = field(default_factory=Count)
    entered: Count = field(default_factory=Count)
    entered_unseen: int = 0
    """Calls of wrappers that were first seen in the middle of a call."""
    raised: int = 0
    """Calls that ended with an exception while compiling."""
    is_wrapped: bool = False
    """Whether all that calls it is a `torch.compile` wrapper that counts."""
    is_called_inside: bool = False
    """Whether another function that is compiled calls it, too."""
    is_counted: bool = True
    """Whether all of its compiled code counts."""
    has_fallen_back: bool = False
    first_eager_call: int | None = None
    unexplained_before: int = 0
    """Calls that were neither compiled nor told of when the stance was last changed."""
    told: tuple[int, int] = (0, 0)
    told_first: bool = False

    @property
    def all_calls(self) -> int | None:
        """None where nobody knows."""
        if not self.is_wrapped or self.is_called_inside or not self.is_counted:
            return None
        return self.entered.value + self.entered_unseen

    @property
    def unexplained(self) -> int:
        """Calls that neither ran compiled code nor raised."""
        return max((self.all_calls or 0) - self.compiled.value - self.raised, 0)

    @property
    def eager(self) -> int | None:
        """While the function is well, a call that is neither is just being compiled."""
        if not self.has_fallen_back:
            return 0
        return None if self.all_calls is None else self.unexplained

    def fall_back(self, first_eager_call: int | None) -> None:
        """From here on, calls run eager."""
        if not self.has_fallen_back:
            self.has_fallen_back = True
            self.first_eager_call = first_eager_call

    @property
    def current_call(self) -> int:
        """The number of the call that is under way."""
        return self.all_calls or self.compiled.value + self.raised + 1


class _Registry:
    """What was counted in this process, by code object, in all attachments."""

    def __init__(self) -> None:
        self._by_id: dict[int, Counted] = {}

    def of(self, code: CodeType, f_locals: Mapping[str, Any] | None = None) -> Counted:
        """By identity: two code objects that are equal are two. See `traceable` for `f_locals`."""
        if f_locals is not None and _compat.is_wrapper(code):
            code = forward_code(f_locals.get(_compat.WRAPPED)) or code
        found = self._by_id.get(id(code))
        if found is None or found.code() is not code:
            found = self._by_id[id(code)] = Counted(weakref.ref(code))
        return found

    def __iter__(self) -> Iterator[Counted]:
        yield from list(self._by_id.values())

    def forget_dead(self) -> None:
        """Called when all has been told."""
        for key, counted in list(self._by_id.items()):
            if counted.code() is None:
                del self._by_id[key]


_registry = _Registry()


class CallCounts:
    """Counts calls while attached, and tells what came to be since it last told."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self._wrappers: weakref.WeakKeyDictionary[Any, Counted] = weakref.WeakKeyDictionary()
        self._stance = "default"

    def install(self) -> None:
        """Install the hooks."""
        for counted in _registry:
            counted.told = (counted.compiled.value, counted.eager or 0)
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
                self._watch(context, _registry.of(code))

    def _watch(self, context: Any, counted: Counted) -> None:
        watched = self._wrappers.get(context)
        if watched is counted:
            return
        if watched is not None:  # `torch._dynamo.optimize(...)` put around several functions
            watched.is_called_inside = counted.is_called_inside = True
            return
        self._wrappers[context] = counted
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
        counted = _registry.of(compiled, f_locals)
        counted.function = function
        codes = [entry.code for entry in entries if entry.code is not None]  # None: it can never fit again
        if any(counted.compiled.next not in code.co_consts for code in codes):
            counted.is_counted = False
        context, called = _wrapper_around(sys._getframe(1))
        code = None if context is None else code_called(called)
        if code is None or _registry.of(code) is not counted:
            counted.is_called_inside = True
        elif context not in self._wrappers:
            self._watch(context, counted)
            counted.entered_unseen += 1
        return counted

    def given(self, code: CodeType) -> Counted | None:
        """The calls of `code` if it was given to `torch.compile`."""
        counted = _registry.of(code)
        return counted if counted.is_wrapped else None

    def tell(self) -> None:
        """Emit what came to be since the last time."""
        for counted in _registry:
            if counted.function is None:
                continue
            compiled, eager = counted.compiled.value, counted.eager
            before = counted.told
            news = (compiled - before[0], None if eager is None else eager - before[1])
            is_first = counted.first_eager_call is not None and not counted.told_first
            if news in ((0, 0), (0, None)) and not is_first:
                continue
            counted.told = (compiled, eager or 0)
            counted.told_first |= is_first
            first = counted.first_eager_call if is_first else None
            more = news[0] if counted.is_counted else None
            self._hooks.sink.emit(Calls(counted.function, more, news[1], first))
        _registry.forget_dead()

    def _wrap_set_stance(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def _set_stance(stance: Any) -> Any:
            prior = original(stance)
            self._hooks.safely("stance", self._change_stance, stance.stance)
            return prior

        return _set_stance

    def _change_stance(self, stance: str) -> None:
        self._settle()
        self._stance = stance
        for counted in _registry:
            counted.unexplained_before = counted.unexplained

    def _settle(self) -> None:
        """Which functions has the stance that is now over made run eager?"""
        if self._stance in _DEFAULT:
            return
        for counted in _registry:
            code = counted.code()
            count = counted.unexplained - counted.unexplained_before
            if code is None or counted.has_fallen_back or count <= 0:
                continue
            counted.function = counted.function or traceable(code)
            # Under `force_eager` all calls since then, under another stance nobody knows which.
            is_all = self._stance == "force_eager"
            counted.fall_back((counted.all_calls or 0) - count + 1 if is_all else None)
            reason = f'torch.compiler.set_stance("{self._stance}")'
            self._hooks.sink.emit(Fallback(counted.function, "forced", reason, self._hooks.sink.now_ns()))

    def _remove(self) -> None:
        for context, counted in list(self._wrappers.items()):
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
    return bool(_compat.BYTECODE_HOOKS.get()) or _compat.BYTECODE_LOG.get().isEnabledFor(logging.DEBUG)
