"""Why each trace happened and what to do about it, from recorded facts alone.

It reads what the store gives back, and needs no framework.
"""

from tracedbg.explain.causes import Explainer, causes_of, is_retrace
from tracedbg.explain.ledger import Ledger, TimeLine, TimePart, TimeShare
from tracedbg.explain.native import NativeLine, NativePart, NativeSummary, native_summary
from tracedbg.explain.ops import OpLevel, OpObserver, OpPart, OpRow, OpSummary, SyncLine
from tracedbg.explain.processes import ProcessNode, process_tree
from tracedbg.explain.retrace import Retrace
from tracedbg.explain.steps_summary import GraphChange, GraphPlace, StepCost, StepSummary
from tracedbg.explain.summarise import summarise
from tracedbg.explain.summary import (
    BreakGroup,
    CallCounts,
    CauseGroup,
    ConversionSummary,
    FunctionSummary,
    KernelLine,
    KernelRest,
    KernelSummary,
    KernelWindow,
    PhaseTime,
    SilentEager,
    StaleGroup,
    Summary,
)

__all__ = [
    "BreakGroup",
    "CallCounts",
    "CauseGroup",
    "ConversionSummary",
    "Explainer",
    "FunctionSummary",
    "GraphChange",
    "GraphPlace",
    "KernelLine",
    "KernelRest",
    "KernelSummary",
    "KernelWindow",
    "Ledger",
    "NativeLine",
    "NativePart",
    "NativeSummary",
    "OpLevel",
    "OpObserver",
    "OpPart",
    "OpRow",
    "OpSummary",
    "PhaseTime",
    "ProcessNode",
    "Retrace",
    "SilentEager",
    "StaleGroup",
    "StepCost",
    "StepSummary",
    "Summary",
    "SyncLine",
    "TimeLine",
    "TimePart",
    "TimeShare",
    "causes_of",
    "is_retrace",
    "native_summary",
    "process_tree",
    "summarise",
]
