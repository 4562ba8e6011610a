"""Why each trace happened and what to do about it, from recorded facts alone.

It reads what the store gives back, and needs no framework.
"""

from tracedbg.explain.causes import Explainer, causes_of, is_retrace
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
    "KernelLine",
    "KernelRest",
    "KernelSummary",
    "KernelWindow",
    "PhaseTime",
    "SilentEager",
    "StaleGroup",
    "Summary",
    "causes_of",
    "is_retrace",
    "summarise",
]
