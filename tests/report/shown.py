"""The runs whose reports are asserted in full."""

from __future__ import annotations

from dataclasses import replace

from recordings import PROCESS, RUN, Process, Run, Timeline, function, signature, tensor, value
from tracedbg import events as ev
from tracedbg.kernels import CallFrame, Kernel, KernelsSeen, Kind

TORCH = ev.Framework.TORCH_COMPILE


def example():
    """A tf.function that retraces by a value, a compiled function with a break, AutoGraph at work."""
    timeline = Timeline()
    f = function("f", 50, TORCH)
    rest = function("torch_dynamo_resume_in_f_at_52", 52, TORCH, owner="f")
    traces = [timeline.trace(signature=signature(x=tensor(3), n=value(n))) for n in range(3)]
    traces += [timeline.trace(f, took_ms=40), timeline.trace(rest, role=ev.Role.RESUME)]
    traces[3] = replace(
        traces[3],
        phases=(
            ev.PhaseSpan(4, "dynamo", 400_000_000, 40_000_000),
            ev.PhaseSpan(4, "backend", 420_000_000, 8_000_000),
        ),
        late_caches=(ev.CacheHits(4, (("fx_graph_hit", 1),)),),
    )
    failure = ev.GuardFailure("0/0", "L['k'] == 1", "L['k']", "1", "2")
    process = Process(
        traces,
        info=replace(PROCESS, versions={"torch": "2.13.0", "tensorflow": "2.21.0"}),
        all_breaks=[
            ev.GraphBreak(
                "GB0170", "Data-dependent branching", "An if on a tensor. More.", ev.Frame(f.file, 52), f
            )
        ],
        all_calls=[ev.Calls(f, 1, 2, first_eager_call=2)],
        all_fallbacks=[ev.Fallback(f, "recompile_limit", "limit", 0, (failure,))],
        all_stale=[
            ev.Stale(
                function("step", 10), "global", "scale", ev.Frame(f.file, 14, "step"), "1.0", "5.0", 0, 3
            )
        ],
        all_conversions=[ev.Conversion("step", f.file, 10, 2_000_000)],
        all_constructs=[ev.Construct(f.file, 12, "for", "unrolled", "step")],
    )
    return Run(process)


def healthy():
    """One function, traced once."""
    return Run(Process([Timeline().trace(signature=signature(x=tensor(3)))]))


def nothing(**versions):
    """A program that traced nothing."""
    return Run(Process(info=replace(PROCESS, versions=versions)))


def broken():
    """A recording with faults and losses, of a program with odd names."""
    of = function(
        "f\x1b[31m", 10, file="/opt/lib/python3.11/site-packages/keras/src/trainer.py", is_user=False
    )
    process = Process(
        [Timeline().trace(of)],
        info=replace(PROCESS, recording_error="No space left on device"),
        all_faults=[ev.Fault("tf_function.traces", "KeyError: 'x'", 0)],
        all_dropped={"GraphMade": 12, "PhaseSpan": 40},
    )
    return Run(process, info=replace(RUN, exit_code=None, wall_ns=None))


def timed():
    """A compiled function whose kernels were timed: forward, backward, fused, and of no line."""
    f = function("f", 50, TORCH)
    main = CallFrame(f.file, 90, "main", is_exact=True)
    inside, next_line = (CallFrame(f.file, line, "f", is_exact=True) for line in (51, 52))
    library = CallFrame("/opt/lib/python3.11/site-packages/torch/optim/adam.py", 5, "step")

    def op(name, duration_us, *frames, fused=(), is_backward=False):
        return Kernel(
            "cpu",
            "1",
            0,
            duration_us * 1000,
            name,
            Kind.HOST_OP,
            op=name,
            frames=frames,
            fused=fused,
            is_backward=is_backward,
        )

    kernels = (
        op("aten::mm", 3000, inside, main),
        op("aten::mm", 5000, inside, main, is_backward=True),
        op("graph_0_cpp_fused_add_0", 1001, main, fused=((inside,), (next_line,))),
        op("aten::add_", 900, library, main),
        op("aten::copy_", 99, library),
    )
    seen = KernelsSeen(
        "torch", kernels, 10_000_000, 25_000_000, steps=2, dropped=7, note="the program forked"
    )
    process = Process([Timeline().trace(f, took_ms=40)], all_kernel_windows=[seen])
    return Run(process)
