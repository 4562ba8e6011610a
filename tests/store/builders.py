"""One event of each kind, with every field filled in."""

from __future__ import annotations

from array import array

from tracedbg import events as ev
from tracedbg import ran
from tracedbg.kernels import CallFrame, Kernel, KernelsSeen, Kind
from tracedbg.store.records import ProcessInfo
from tracedbg.store.writer import Writer

INFO = ProcessInfo(
    pid=7,
    ppid=6,
    argv=("python", "train.py", "--lr", "0.1"),
    host="box",
    python="3.11.7",
    started_wall_ns=1_000,
    rank=3,
    local_rank=1,
    world_size=4,
    node=1,
    job="job 9",
    launcher="torchrun",
    task="worker 3",
    generation=2,
    rank_pid=6,
)
FRAME = ev.Frame("train.py", 12, "main")
FUNCTION = ev.Traceable(
    ev.Framework.TORCH_COMPILE,
    "Model.forward",
    "model.py",
    40,
    object_id=2,
    closure_id="9f",
    created_at=FRAME,
    owner="Model",
    is_user=False,
)
SIGNATURE = ev.Signature(
    arguments=(
        ("x", ev.TensorSpec("float32", (None, 3), "Variable", (("device", "cpu"),), alias=1)),
        ("unknown_rank", ev.TensorSpec("int64", None)),
        ("n", ev.ValueSpec("int", "3")),
        ("cfg", ev.ObjectSpec("Config", 5, "<Config>", alive=False)),
        ("xs", ev.SequenceSpec("list", (ev.ValueSpec("str", "'a'"), ev.OpaqueSpec("Odd", "odd")))),
        ("batch", ev.MappingSpec("dict", ("'x'",), (ev.ValueSpec("bool", "True"),), is_record=True)),
    ),
    context=(("replica", "no"),),
)
FAILURE = ev.GuardFailure(
    entry="0/1",
    guard="L['n'] == 3",
    source="L['n']",
    before="3",
    now="4",
    user_frame=FRAME,
    fixed=True,
)
STARTED = ev.TraceStarted(
    id=11,
    traceable=FUNCTION,
    start_ns=100,
    thread_id=8,
    role=ev.Role.RESUME,
    parent_id=10,
    label="0/2",
    signature=SIGNATURE,
    guard_failures=(FAILURE,),
    cached_count=2,
    call_stack=(FRAME, ev.Frame("train.py", 30)),
    options=(("backend", "inductor"),),
    inputs=(("L['x']", "float32[2]"),),
)
ENDED = ev.TraceEnded(
    id=11,
    end_ns=400,
    outcome=ev.Outcome.FAILED,
    error="boom",
    op_count=5,
    label="0/2 again",
    traced_signature=SIGNATURE,
    symbolic=("L['x'].size()[0]", "L['n']"),
    cache_hits=(("fx_graph_hit", 1),),
)
PHASE = ev.PhaseSpan(11, "dynamo", 110, 50)
LATE_HITS = ev.CacheHits(11, (("fx_graph_miss", 2),))
GRAPH = ev.GraphMade(
    11,
    "dynamo",
    (
        ev.OpSite("x", "placeholder", (), "float32[2]", "model.py", 41),
        ev.OpSite("add", "aten.add", ("x", "x"), "float32[2]", "layers.py", 9, callers=(FRAME,)),
        ev.OpSite("while", "while_loop", ("add",), "float32[2]", "model.py", 42),
        ev.OpSite(
            "while/body/sin", "aten.sin", ("while/body/x",), "float32[2]", "model.py", 43, "while/body"
        ),
    ),
)
CONVERSION = ev.Conversion(
    "f", "train.py", 5, 20, "def f(): ...", "def tf__f(): ...", ((5, 9), (6, 12)), "no source", 11
)
CONSTRUCT = ev.Construct("train.py", 7, "while", "while_loop", "f", 11)
BREAK = ev.GraphBreak(
    "GB0170", "Data-dependent branching", "if on a tensor", FRAME, FUNCTION, (FRAME,), "if x.sum() > 0:", 11
)
FALLBACK = ev.Fallback(FUNCTION, "recompile_limit", "8 compiles", 500, (FAILURE,), (FRAME,))
CALLS = ev.Calls(FUNCTION, 8, 4, 9)
STALE = ev.Stale(FUNCTION, "attribute", "cfg.lr", FRAME, "0.1", "0.2", 550, 11)
LINE = CallFrame("train.py", 12, "main", is_exact=True)
KERNELS = KernelsSeen(
    "torch",
    (
        Kernel("cuda:0", "7", 2_000, 30, "triton_fused", op="aten::add", frames=(LINE,), is_backward=True),
        Kernel(
            "cpu",
            "1",
            2_100,
            40,
            "aten::mul",
            Kind.HOST_OP,
            op="aten::mul",
            frames=(CallFrame("linear.py", 5, "forward"), CallFrame("", 0, "", module="Linear"), LINE),
            fused=((LINE,), (CallFrame("train.py", 13, "main"), LINE)),
        ),
    ),
    start_ns=560,
    end_ns=590,
    steps=3,
    dropped=2,
    note="the program forked",
)
OP = ran.OpKind("torch", "aten::mm", "float32[2, 3]", (FRAME,), True, True, False, "item")
OTHER_OP = ran.OpKind("torch", "aten::add", "", (ev.Frame("layers.py", 9, "add"), FRAME))
OPS = ran.OpsSeen(
    "RecordFunction",
    (ran.OpTotal(OP, 8, 3, 600, 500, 300), ran.OpTotal(OTHER_OP, 140_000_000_000_000, 1, 70, 70, 70)),
    ran.OpRows(
        (OP, OTHER_OP),
        array("I", [0, 1, 0]),
        array("q", [8, 140_000_000_000_000, 8]),
        array("q", [610, 620, 605]),
        array("q", [200, 70, 100]),
    ),
    left_out=5,
    note="there is no compiler",
)
STEP_GRAPH = ran.StepGraph(FUNCTION, "autograd", "ab12", GRAPH.sites, step=2, time_ns=620, left_out=7)
STEPS = ran.StepsSeen(
    FUNCTION,
    "autograd",
    steps=10,
    looked_at=9,
    changes=(ran.StepChange("ab12", "cd34", count=2, step=3),),
    lines=(ran.StepLine(FRAME, nodes=20, backward_ns=900, saved_bytes=4096),),
)
SAMPLES = ran.SamplesSeen(
    rate_hz=100,
    start_ns=600,
    end_ns=900,
    own_ns=3,
    totals=(
        ran.SampleTotal((FRAME,), "compiling", "dynamo", 8, True, 20, 200, 190),
        ran.SampleTotal((), "waiting", "", 9, False, 10, 100, 0),
    ),
)
STAYED = ran.Stayed((FRAME,), "eager_ops", "collective", 650, 800, 2)
STOPPED = ev.Stopped(
    "exception", FRAME, 8, 700, 900, (FRAME,), "aten.log", "0/1 forward", is_backward=True, text="NaN in out"
)
SEEN = ev.FrameworkSeen("torch", "2.13.0")
FAULT = ev.Fault("torch_compile.guards", "KeyError: 'x'", 600)

ALL = [
    STARTED,
    ENDED,
    PHASE,
    LATE_HITS,
    GRAPH,
    CONVERSION,
    CONSTRUCT,
    BREAK,
    FALLBACK,
    CALLS,
    STALE,
    KERNELS,
    OPS,
    STEP_GRAPH,
    STEPS,
    SAMPLES,
    STAYED,
    STOPPED,
    SEEN,
    FAULT,
]


def write(path, events, max_bytes=10**9, stopped_ns=1000):
    """A finished database with `events` in it, one transaction each."""
    writer = Writer(str(path), INFO, max_bytes)
    for event in events:
        writer.write([event])
    writer.close(stopped_ns)
    return path
