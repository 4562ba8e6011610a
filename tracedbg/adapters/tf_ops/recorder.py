"""Puts the parts together: ops, waits, tapes, and calls of models."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from tracedbg.adapters.tf_ops._compat import CALL_BEGINS
from tracedbg.boot.imports import PostImport

if TYPE_CHECKING:
    from types import ModuleType

    from tracedbg.adapters.tf_ops.units import Units
    from tracedbg.hooks import Hooks
    from tracedbg.op_window import OpWindow


class TfOps:
    """See `tracedbg.op_window.OpRecorder`."""

    name: ClassVar[str] = "tf_ops"
    modules: tuple[str, ...] = ("tensorflow",)

    def attach(self, module: ModuleType, hooks: Hooks, window: OpWindow) -> None:  # noqa: ARG002
        """See `OpRecorder`."""
        from tracedbg.adapters.tf_ops.kinds import Kinds  # noqa: PLC0415  when TensorFlow is there
        from tracedbg.adapters.tf_ops.openness import Openness  # noqa: PLC0415  likewise
        from tracedbg.adapters.tf_ops.syncs import Syncs  # noqa: PLC0415  likewise
        from tracedbg.adapters.tf_ops.tapes import Tapes  # noqa: PLC0415  likewise
        from tracedbg.adapters.tf_ops.telling import Teller  # noqa: PLC0415  likewise
        from tracedbg.adapters.tf_ops.units import Units  # noqa: PLC0415  likewise
        from tracedbg.adapters.tf_ops.ways import Ways  # noqa: PLC0415  likewise

        ways = Ways(hooks, Kinds(window.function), Openness(window, time.monotonic_ns()))
        with hooks.guarded("ops"):
            ways.install()
            hooks.on_tell(Teller(ways, hooks.sink).tell)
        if not ways.is_on:
            return
        with hooks.guarded("syncs"):
            Syncs(hooks, ways).install()
        with hooks.guarded("tapes"):
            Tapes(hooks, ways).install()
        ways.units = units = Units(hooks, ways)
        imports = PostImport()
        hooks.on_remove(imports.stop)
        imports.watch(CALL_BEGINS.module, partial(_watch_models, hooks, units))


def _watch_models(hooks: Hooks, units: Units, _: ModuleType) -> None:
    with hooks.guarded("models"):
        units.watch_models()
