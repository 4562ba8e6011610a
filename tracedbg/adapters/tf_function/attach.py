"""Puts the parts of the adapter together and into TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.adapters.tf_common import _compat
from tracedbg.adapters.tf_common.stack import UserStack
from tracedbg.adapters.tf_function.calls import CallCounts
from tracedbg.adapters.tf_function.first_run import FirstRuns
from tracedbg.adapters.tf_function.gradients import Gradients
from tracedbg.adapters.tf_function.graphs import OpLines
from tracedbg.adapters.tf_function.making import Making
from tracedbg.adapters.tf_function.signature import SignatureReader
from tracedbg.adapters.tf_function.subjects import Subjects
from tracedbg.adapters.tf_function.tracing import Tracer

if TYPE_CHECKING:
    from tracedbg.hooks import Hooks


def install(hooks: Hooks) -> None:
    """Install every part that works with this TensorFlow."""
    stack = UserStack(hooks.safely("source_maps", _compat.SOURCE_MAPS.get, default={}))
    reader = hooks.safely("signature", SignatureReader)
    hooks.safely("graphs", _compat.TENSOR_SHAPE.get)
    subjects = Subjects(hooks)
    first_runs = FirstRuns(hooks)
    for where, part in (
        ("first_run", first_runs),
        ("traces", Tracer(hooks, subjects, stack, reader, first_runs)),
        ("calls", CallCounts(hooks, subjects, stack)),
        ("made", Making(hooks, subjects, stack)),
        ("gradients", Gradients(hooks, subjects, stack, first_runs)),
        ("op_lines", OpLines(hooks, stack)),
    ):
        hooks.safely(where, part.install)
