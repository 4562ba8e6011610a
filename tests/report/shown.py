"""The runs whose reports are asserted in full."""

from __future__ import annotations

from dataclasses import replace

from recordings import PROCESS, RUN, Process, Ran, Run, Timeline, function, signature, tensor, value
from tracedbg import events as ev
from tracedbg import ran
from tracedbg.explain import native_summary, summarise
from tracedbg.kernels import CallFrame, Kernel, KernelsSeen, Kind
from tracedbg.store.native import NativeFrame, NativeStacks

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


def stepped():
    """A training step whose graph changes by a branch and by a loop, and what its lines keep."""
    train = function("train", 60, ev.Framework.AUTOGRAD)
    other = function("evaluate", 70, ev.Framework.AUTOGRAD)

    def graph(fingerprint, step, *sites, of=train, kind="autograd"):
        named = [
            ev.OpSite(f"n{at}", op, (f"n{at - 1}",) if at else ("leaf0[8, 8]",), "", train.file, line)
            for at, (op, line) in enumerate(sites)
        ]
        return ran.StepGraph(of, kind, fingerprint, tuple(named), step, step * 1000)

    head, tail = (("MmBackward0", 10), ("TanhBackward0", 11)), (("SumBackward0", 20),)
    turn = (("MmBackward0", 14), ("AddBackward0", 15))
    frames = [ev.Frame(train.file, line, "forward") for line in (10, 14, 20)]
    told = Ran(
        all_step_graphs=[
            graph("a", 1, *head, ("MulBackward0", 12), *tail),
            graph("b", 2, *head, ("AddBackward0", 13), *tail),
            graph("c", 5, *head, *turn * 3, *tail),
            graph("d", 6, *head, *turn * 5, *tail),
            graph("e", 1, ("aten::mm", 40), of=other, kind="sequence"),
            graph("f", 2, ("aten::mm", 40), ("aten::relu", 41), of=other, kind="sequence"),
        ],
        all_steps=[
            ran.StepsSeen(
                train,
                "autograd",
                steps=12,
                looked_at=10,
                changes=(
                    ran.StepChange("a", "b", 3, 2),
                    ran.StepChange("b", "a", 2, 3),
                    ran.StepChange("b", "c", 1, 5),
                    ran.StepChange("c", "d", 1, 6),
                    ran.StepChange("d", "g", 1, 7),
                ),
                lines=(
                    ran.StepLine(frames[0], 10, 4_000_000, 7_330_000),
                    ran.StepLine(frames[1], 16, 0, 204_800_000),
                    ran.StepLine(frames[2], 10, 1_000_000, 0),
                    ran.StepLine(ev.Frame("", 0), 2, 0, 512),
                ),
            ),
            ran.StepsSeen(other, "sequence", 4, 4, (ran.StepChange("e", "f", 1, 2),)),
        ],
        all_ops=[
            ran.OpsSeen(
                "RecordFunction",
                (
                    ran.OpTotal(
                        ran.OpKind("torch", "aten::mm", stack=(frames[1],), is_backward=True),
                        1,
                        6,
                        9_000_000,
                        9_000_000,
                        1,
                    ),
                ),
            )
        ],
    )
    return Run(Process(ran=told))


def op(name, inputs="", line=0, *, file="/home/me/train.py", function="step", framework="torch", **more):
    """A kind of op, called by a line of the user's; by none for line 0."""
    stack = (ev.Frame(file, line, function), ev.Frame("/home/me/train.py", 90, "main")) if line else ()
    return ran.OpKind(framework, name, inputs, stack, **more)


def total(kind, count, duration_us, self_us=None, *, thread_id=1):
    """Executions of it; the longest took twice the mean."""
    self_us = duration_us if self_us is None else self_us
    longest_ns = 2 * duration_us * 1000 // count
    return ran.OpTotal(kind, thread_id, count, duration_us * 1000, self_us * 1000, longest_ns)


def with_ops():
    """A program whose ops were recorded: forward, backward, compiled, of no line, and some that wait."""
    totals = (
        total(op("aten::linear", "float32[32, 64], float32[64, 64]", 12), 1000, 40_000, 4_000),
        total(op("aten::addmm", "float32[64], float32[32, 64]", 12, is_outer=False), 1000, 36_000),
        total(
            op("aten::mm", "float32[32, 64]", 12, is_backward=True, is_outer=False), 2000, 20_000, thread_id=2
        ),
        total(op("aten::is_nonzero", "bool[]", 14, sync="bool"), 1000, 9_000, 1_000),
        total(op("aten::item", "bool[]", 14, sync="item", is_outer=False), 1000, 8_000, 8_000),
        total(op("aten::item", "float32[]", 15, sync="item"), 1, 10),
        total(op("graph_0", "", 16, is_traced=True), 12_000_000, 18_000),
        total(op("aten::add_"), 7, 4_990),
    )
    seen = ran.OpsSeen("RecordFunction", totals, None, 5, "no shapes were asked for")
    return Run(Process([Timeline().trace()], ran=Ran([seen])))


def sampled(stack, activity, wall_ms, phase="", *, is_main=True, thread_id=1, cpu_ms=0, count=None):
    """Time of a thread; a sample each 10 ms. `stack` is lines of `train.py`, innermost first."""
    frames = tuple(ev.Frame("/home/me/train.py", line, "main" if line == 30 else "step") for line in stack)
    number = wall_ms // 10 if count is None else count
    return ran.SampleTotal(
        frames, activity, phase, thread_id, is_main, number, wall_ms * 1_000_000, cpu_ms * 1_000_000
    )


def with_ledger():
    """A run of 4 s that was sampled from 0.2 s before to 3.5 s after its first import, and a worker of it."""
    start = ran.SamplesSeen(100, -200_000_000, 0, 0, (sampled((), "startup", 200, "starting", count=0),))
    totals = (
        sampled((5,), "imports", 900),
        sampled((30,), "tracing", 150, "tf.function"),
        sampled((30,), "compiled", 300, "tf.function"),
        sampled((12, 30), "python", 640),
        sampled((12, 30), "eager_ops", 800, "optimizer"),
        sampled((14, 30), "waiting", 700),
        sampled((), "unknown", 10),
        sampled((40,), "data_loading", 2000, is_main=False, thread_id=2, cpu_ms=700),
        sampled((), "overhead", 50, is_main=False, thread_id=3, cpu_ms=20),
    )
    samples = ran.SamplesSeen(100, 0, 3_500_000_000, 20_000_000, totals)
    trace = Timeline().trace(took_ms=200)
    info = replace(PROCESS, started_wall_ns=PROCESS.started_wall_ns + 250_000_000, stopped_ns=3_510_000_000)
    main = Process([trace], info, ran=Ran(all_samples=[start, samples]))
    worker = ran.SamplesSeen(100, 0, 1_000_000_000, 5_000_000, (sampled((50,), "data_loading", 1000),))
    child = Process(info=replace(info, pid=8, ppid=7, stopped_ns=None), ran=Ran(all_samples=[worker]))
    return Run(main, child)


def with_native():
    """A summary of a run that was sampled from outside as well."""
    gemm = NativeFrame("/v/lib/libtorch_cpu.so", 0, "mkl_blas_sgemm<float, 16>", is_native=True)
    nameless = NativeFrame("/v/lib/libgomp.so.1", 0, "0x7fda1f01e02a", is_native=True)
    other = NativeFrame("/v/lib/libgomp.so.1", 0, "0x7fda1f01e030", is_native=True)
    step = NativeFrame("/home/me/train.py", 12, "step", is_native=False)
    stacks = (
        (60, (gemm, step)),
        (20, (nameless, step)),
        (10, (other, step)),
        (10, (step,)),
        (50, (gemm,)),
        (1, (replace(step, line=14),)),
    )
    return replace(summarise(with_ledger()), native=native_summary(NativeStacks(50, 151, stacks)))


def one_rank(number, traces, *, world_size=8, generation=0, stopped_ms=9000, graphs=(), stays=()):
    """One rank, sampled for four seconds."""
    info = replace(
        PROCESS,
        pid=100 + number,
        rank=number,
        world_size=world_size,
        generation=generation,
        launcher="torchrun",
        stopped_ns=None if stopped_ms is None else stopped_ms * 1_000_000,
    )
    seen = ran.SamplesSeen(100, 0, 4_000_000_000, 0)
    return Process(traces, info, all_graphs=list(graphs), ran=Ran(all_samples=[seen], all_stays=list(stays)))


def with_ranks():
    """Eight ranks that were started twice: one traces alone, and is killed in it; one is slow, one has another graph."""
    waits = (
        ran.Stayed(
            (ev.Frame("/home/me/train.py", 31, "main"),), "eager_ops", "collective", 10**9, 3 * 10**9, 0
        ),
        ran.Stayed((), "waiting", "", 3 * 10**9, 3_800_000_000, 0),
    )
    short, long = signature(x=tensor(4, 16), n=value(2)), signature(x=tensor(4, 17), n=value(2))
    other = function("loss", 40, TORCH)
    inputs, others = (
        (("L['y']", "float32[4]"), ("L['mode']", "'a'")),
        (("L['y']", "float32[9]"), ("L['mode']", "'a'")),
    )
    ranks = []
    for number in range(8):
        timeline = Timeline()
        slow = number == 5
        first = timeline.trace(signature=short, took_ms=2000 if slow else 200)
        hit = (("fx_graph_miss" if slow else "fx_graph_hit", 1),)
        traces = [replace(first, ended=replace(first.ended, cache_hits=hit))]
        sites = [ev.OpSite("mul", "Mul", (), "float32[4]", "/home/me/train.py", 12)]
        sites.append(ev.OpSite("x", "Exp" if number == 6 else "Sum", ("mul",), "", "/home/me/train.py", 13))
        if number not in (2, 3):
            traces.append(timeline.trace(other, inputs=others if number == 1 else inputs, start_ms=2500))
        if number == 2:
            traces.append(timeline.trace(signature=long, ended=False, start_ms=1500))
        if number == 1:
            traces.append(timeline.trace(other, inputs=others, start_ms=2700))
        ranks.append(
            one_rank(
                number,
                traces,
                stopped_ms=None if number == 2 else 9000,
                graphs=[ev.GraphMade(1, "func_graph", tuple(sites))],
                stays=waits if number in (0, 1, 7) else (),
            )
        )
    again = [one_rank(number, [Timeline().trace(signature=short)], generation=1) for number in range(7)]
    return Run(*ranks, *again)
