"""Installs what a window of torch's needs: signs of steps, the compiler's own notes, and good manners."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from tracedbg.adapters.torch_kernels import _compat
from tracedbg.adapters.torch_kernels.generated import Generated
from tracedbg.adapters.torch_kernels.recording import TorchRecording
from tracedbg.boot.imports import PostImport
from tracedbg.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from tracedbg.hooks import Hooks
    from tracedbg.window import WindowSpec


class TorchKernels:
    """See `tracedbg.window.Profiler`."""

    name: ClassVar[str] = "torch_kernels"
    modules: tuple[str, ...] = ("torch",)

    def attach(self, module: ModuleType, hooks: Hooks, spec: WindowSpec, *, at_once: bool) -> Window:  # noqa: ARG002
        """See `Profiler`."""
        generated = Generated()
        imports = PostImport()
        hooks.on_remove(imports.stop)
        when = _when(imports, hooks)
        when("torch._inductor.config", "settings", lambda config: _have_origins_noted(config, hooks))
        when("torch._inductor.output_code", "provenance", lambda _: _watch_graphs(generated, hooks))
        return open_window(TorchRecording(hooks, generated), hooks, spec, at_once=at_once)


def open_window(recording: TorchRecording, hooks: Hooks, spec: WindowSpec, *, at_once: bool) -> Window:
    """A window that is told of torch's steps, and gives way to the program's own profiler."""
    imports = PostImport()
    hooks.on_remove(imports.stop)
    when = _when(imports, hooks)
    window = Window(spec, recording, hooks, at_once=at_once)
    when("torch._dynamo.eval_frame", "compiled_steps", lambda _: _watch_calls(window, hooks))
    for compiler in ("torch._dynamo", "torch._inductor.compile_fx"):  # to load them is not to be timed
        imports.watch_start(compiler, lambda _: hooks.safely("compiles", window.traced))
    when("torch._dynamo.utils", "compiles", lambda _: _watch_compiles(window, hooks))
    hooks.safely("steps", _watch_backward, window, recording, hooks)
    hooks.safely("give_way", _give_way, window, recording, hooks)
    return window


def _when(imports: PostImport, hooks: Hooks) -> Callable[[str, str, Callable[[ModuleType], None]], None]:
    def when(name: str, where: str, install: Callable[[ModuleType], None]) -> None:
        imports.watch(name, lambda found: hooks.safely(where, install, found))

    return when


def _have_origins_noted(config: Any, hooks: Hooks) -> None:
    """Have Inductor note the lines that each kernel is made from, and time kernels of the CPU.

    Neither changes what is computed, nor makes Dynamo compile again: no guard looks at them.
    """
    for section, setting in (_compat.PROVENANCE, _compat.KERNEL_PROFILE):
        with hooks.guarded(setting):
            owner = getattr(config, section)
            before = getattr(owner, setting)
            if not before:
                setattr(owner, setting, type(before)(1))
                hooks.on_remove(partial(setattr, owner, setting, before))


def _watch_graphs(generated: Generated, hooks: Hooks) -> None:
    generated.watch(hooks, *_compat.POST_COMPILE.find())


def _watch_calls(window: Window, hooks: Hooks) -> None:
    """Each call of a function that is compiled from now on is a step."""
    known: list[Any] = []

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def __call__(context: Any, fn: Any) -> Any:  # noqa: N807  torch's name
            wrapper = original(context, fn)
            hooks.safely("compiled_steps", watch, context)
            return wrapper

        return __call__

    def watch(context: Any) -> None:
        if any(context is one for one, _ in known):
            return

        def enter() -> type[int]:
            hooks.safely("step", window.step, id(context))
            return int  # what is called when the call ends

        known.append((context, enter))
        context.enter_exit_hooks.append(enter)

    def remove() -> None:
        for context, enter in known:
            if enter in context.enter_exit_hooks:
                context.enter_exit_hooks.remove(enter)
        known.clear()

    hooks.on_remove(remove)
    hooks.patch(*_compat.WRAP.find(), make)


def _watch_compiles(window: Window, hooks: Hooks) -> None:
    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def log_event_start(*args: Any, **kwargs: Any) -> Any:
            if window.is_open:
                hooks.safely("compiles", window.traced)
            return original(*args, **kwargs)

        return log_event_start

    hooks.patch(*_compat.EVENT_START.find(), make)


def _watch_backward(window: Window, recording: TorchRecording, hooks: Hooks) -> None:
    """Each backward pass is a step, but for those that a compiler makes to see a graph."""

    def begin() -> None:
        if window.is_open or recording.is_good_moment():
            window.step("backward")

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def _tensor_or_tensors_to_tuple(*args: Any, **kwargs: Any) -> Any:
            if not window.is_done:
                hooks.safely("step", begin)
            return original(*args, **kwargs)

        return _tensor_or_tensors_to_tuple

    hooks.patch(*_compat.BACKWARD.find(), make)


def _give_way(window: Window, recording: TorchRecording, hooks: Hooks) -> None:
    """The program's own profiler comes first: there can be only one."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def _prepare_profiler(*args: Any, **kwargs: Any) -> Any:
            if not recording.is_ours_starting:
                hooks.safely("give_way", window.give_way, "the program's own torch.profiler")
            return original(*args, **kwargs)

        return _prepare_profiler

    hooks.patch(*_compat.PREPARE.find(), make)
