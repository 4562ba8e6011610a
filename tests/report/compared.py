"""The two runs whose comparison is asserted in full, in words of their own."""

from __future__ import annotations

from dataclasses import replace

from recordings import FILE, PROCESS, RUN
from tracedbg.events import CauseKind, Framework
from tracedbg.explain import BreakGroup, CauseGroup, FunctionSummary, SilentEager, StaleGroup, Summary

TF, TORCH = Framework.TF_FUNCTION, Framework.TORCH_COMPILE


def cause(kind, argument, count, message, advice=""):
    return CauseGroup(kind, argument, "", "", FILE, 30, count, 0.01 * count, message, advice)


def graph_break(line, kind):
    return BreakGroup("GB0170", kind, "because", FILE, line, "f", 1)


SHAPE = cause(CauseKind.SHAPE, "x", 1, "`x` changed shape from float32[3] to float32[4]", "pad `x`")
N = cause(
    CauseKind.PYTHON_VALUE,
    "n",
    3,
    "`n` took 4 Python values: 0, 1, 2, 3",
    "pass `n` as a tensor: tf.constant(n)",
)
STALE = StaleGroup(
    "global", "scale", FILE, 12, "1.0", "2.0", "`scale` was 1.0 while tracing, and is 2.0", "pass it"
)
EAGER = SilentEager("recompile_limit", "recompile limit reached with 8 graphs cached")

BEFORE = Summary(
    RUN,
    (PROCESS,),
    (
        FunctionSummary(TF, "step", FILE, 10, traces=2, retraces=1, self_seconds=0.2, causes=(SHAPE,)),
        FunctionSummary(TORCH, "f", FILE, 50, traces=1, self_seconds=0.3, graph_breaks=1),
        FunctionSummary(TF, "old", FILE, 70, traces=1, self_seconds=0.1),
    ),
    (graph_break(52, "print"),),
)
AFTER = Summary(
    replace(RUN, id="20231114-221325-cd34", cwd="/ci/build"),
    (PROCESS,),
    (
        FunctionSummary(
            TF, "step", FILE, 10, traces=4, retraces=3, self_seconds=0.5, causes=(N,), stale=(STALE,)
        ),
        FunctionSummary(TORCH, "f", FILE, 50, traces=1, self_seconds=0.3, graph_breaks=1, silent_eager=EAGER),
        FunctionSummary(TF, "more", FILE, 90, traces=1, self_seconds=0.1),
    ),
    (graph_break(57, "Data-dependent branching"),),
)


def _elsewhere(summary: Summary) -> Summary:
    """The same with its files in another checkout."""

    def moved(thing):
        return replace(thing, file=thing.file.replace("/home/me/", "/ci/build/"))

    functions = tuple(
        replace(moved(f), causes=tuple(map(moved, f.causes)), stale=tuple(map(moved, f.stale)))
        for f in summary.functions
    )
    return replace(summary, functions=functions, graph_breaks=tuple(map(moved, summary.graph_breaks)))


AFTER = _elsewhere(AFTER)
