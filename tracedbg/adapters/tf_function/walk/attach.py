"""Puts the parts of the walker together and into TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.adapters.tf_function.walk.execute import Executor
from tracedbg.adapters.tf_function.walk.functions import Functions
from tracedbg.adapters.tf_function.walk.recording import Recording
from tracedbg.adapters.tf_function.walk.switch import Switch
from tracedbg.adapters.tf_function.walk.tracing import tell_what_is_traced

if TYPE_CHECKING:
    from tracedbg.debugging import Debugger
    from tracedbg.hooks import Hooks


def install(hooks: Hooks, debugger: Debugger) -> None:
    """Install every part that works with this TensorFlow."""
    hooks.safely("tensors", _add_tensors, debugger)
    recording = hooks.safely("recording", Recording, hooks, debugger)
    if recording is not None:
        hooks.safely("recording", recording.install)
    hooks.safely("tracing", lambda: debugger.add_tracing(tell_what_is_traced()))
    hooks.safely("walks", _install_walks, hooks, debugger, recording)


def _install_walks(hooks: Hooks, debugger: Debugger, recording: Recording | None) -> None:
    functions = Functions(hooks, debugger, recording)
    switch = Switch(hooks, debugger, functions, Executor(hooks))

    def update() -> None:
        hooks.safely("switch", switch.update)

    functions.install(update)
    debugger.on_change(update)
    functions.add_known()


def _add_tensors(debugger: Debugger) -> None:
    try:
        from tracedbg.adapters.tf_common.tensors import TfTensors  # noqa: PLC0415  it needs TensorFlow
    except ImportError:
        return
    debugger.add_tensors(TfTensors())
