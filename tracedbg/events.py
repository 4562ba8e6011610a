"""The vocabulary of tracedbg: what an adapter can say about a user's program.

Frozen data only. This module knows no framework, no storage and no screen; every other
module may import it, and it imports nothing of ours. `kernels` and `ran` are further parts of the vocabulary.

One file, although a long one: it is one vocabulary, and is read as a whole.

Lines are 1-based. Times are integer nanoseconds on the monotonic clock since the run's start.
A tuple of `Frame` is a stack with the innermost frame first.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from tracedbg.kernels import KernelsSeen
    from tracedbg.ran import OpsSeen, SamplesSeen, Stayed, StepGraph, StepsSeen


class Framework(str, Enum):
    """A tracing system, by the name that reports use for it.

    An adapter of another package makes its own: `Framework("numba")`.
    """

    TF_FUNCTION = "tf.function"
    TORCH_COMPILE = "torch.compile"
    TORCH_JIT = "torch.jit"
    AUTOGRAD = "autograd"

    @classmethod
    def _missing_(cls, value: object) -> Framework | None:
        """One of another package: it is made when it is first named, and the same from then on."""
        if not isinstance(value, str) or not value:
            return None
        made = str.__new__(cls, value)
        made._name_ = made._value_ = value
        known: dict[object, Framework] = cls._value2member_map_  # type: ignore[assignment]
        return known.setdefault(value, made)


class CauseKind(str, Enum):
    """Why a function was traced. Closed, and shared by the frameworks."""

    FIRST_CALL = "first_call"
    SHAPE = "shape"
    RANK = "rank"
    DTYPE = "dtype"
    DEVICE = "device"
    LAYOUT = "layout"
    REQUIRES_GRAD = "requires_grad"
    PYTHON_VALUE = "python_value"
    PYTHON_TYPE = "python_type"
    TENSOR_VS_PYTHON = "tensor_vs_python"
    NONE_VS_VALUE = "none_vs_value"
    IDENTITY = "identity"
    STRUCTURE = "structure"
    ARGUMENT_COUNT = "argument_count"
    ALIASING = "aliasing"
    ATTRIBUTE_VALUE = "attribute_value"
    GLOBAL_VALUE = "global_value"
    GLOBAL_STATE = "global_state"
    SYMBOLIC_CONDITION = "symbolic_condition"
    BACKEND = "backend"
    CONTEXT = "context"
    NEW_FUNCTION_OBJECT = "new_function_object"
    UNKNOWN = "unknown"


class Role(str, Enum):
    """What a trace is for. Only `FORWARD` traces after the first are retraces."""

    FORWARD = "forward"
    """The function itself, for a new kind of call."""
    VARIABLE_CREATION = "variable_creation"
    """One of the extra traces that `tf.function` needs when the first call creates variables."""
    BACKWARD = "backward"
    """The gradient of a trace."""
    RESUME = "resume"
    """The rest of a function after a graph break; it belongs to `Traceable.owner`."""
    DATASET = "dataset"
    """A function that `tf.data` traced to run inside its C++ pipeline."""
    CHECK = "check"
    """The second tracing of `torch.jit.trace`, which it compares with the first and throws away."""


class Outcome(str, Enum):
    """How a trace ended."""

    COMPILED = "compiled"
    EAGER = "eager"
    """The framework gave up on it, and the code runs eager."""
    FAILED = "failed"
    """It raised into the user's program."""


@dataclass(frozen=True)
class Frame:
    """One line of source in a stack."""

    file: str
    line: int
    function: str = ""


# --- signatures: what a call looked like to the framework, in neutral form -------------------


@dataclass(frozen=True)
class TensorSpec:
    """A tensor argument: `shape` is None for unknown rank, a dimension None for unknown size."""

    dtype: str
    shape: tuple[int | None, ...] | None
    type_name: str = "Tensor"
    """`Tensor`, `Variable`, `Parameter`, `RaggedTensor`: what the user holds."""
    details: tuple[tuple[str, str], ...] = ()
    """Further parts of the key: device, layout, requires_grad, trainable."""
    alias: int | None = None
    """Arguments with the same number are the same object."""


@dataclass(frozen=True)
class ValueSpec:
    """A Python value that is part of the key; `text` is its repr, shortened."""

    type_name: str
    text: str


@dataclass(frozen=True)
class ObjectSpec:
    """An object that is compared by identity or by its own hash."""

    type_name: str
    identity: int
    text: str = ""
    alive: bool = True
    """False where the cached object has been collected since."""


@dataclass(frozen=True)
class SequenceSpec:
    """A list, tuple, or the components of any other ordered container."""

    type_name: str
    items: tuple[Spec, ...]


@dataclass(frozen=True)
class MappingSpec:
    """A dict (`keys` are reprs), or a record such as a namedtuple (`keys` are attribute names)."""

    type_name: str
    keys: tuple[str, ...]
    items: tuple[Spec, ...]
    is_record: bool = False


@dataclass(frozen=True)
class OpaqueSpec:
    """Anything else: two are the same if their text is."""

    type_name: str
    text: str


Spec = TensorSpec | ValueSpec | ObjectSpec | SequenceSpec | MappingSpec | OpaqueSpec


@dataclass(frozen=True)
class Signature:
    """The key under which a framework looks for an earlier trace."""

    arguments: tuple[tuple[str, Spec], ...] = ()
    """By the function's own parameter names, in their order; `*args` items are `args[0]`, ..."""
    context: tuple[tuple[str, str], ...] = ()
    """What else is in the key: device scopes, strategy, surrounding graph, save context."""


# --- what happened ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Traceable:
    """A function that a framework traces. Two of the same file, line and name share one code."""

    framework: Framework
    name: str
    file: str
    line: int
    object_id: int = 0
    """Tells apart several function objects of one code (several `tf.function` of one `def`)."""
    closure_id: str = ""
    """Equal for two objects of one code exactly if they close over, and are bound to, the same."""
    created_at: Frame | None = None
    owner: str = ""
    """For a resume function: name of the function that it is the rest of."""
    is_user: bool = True
    """False for functions that a library made for itself."""


@dataclass(frozen=True)
class GuardFailure:
    """Why one cached entry of a compiled function did not fit a call."""

    entry: str
    """Name of the entry, such as `0/1`."""
    guard: str
    """The framework's own text of the condition that failed."""
    source: str = ""
    """The expression that the guard reads, such as `L['x']`; empty where there is none."""
    before: str = ""
    """The value that the entry was compiled for; empty where the text has it or nobody knows."""
    now: str = ""
    """The value that was seen instead."""
    user_frame: Frame | None = None
    """The user's line that made the guard."""
    fixed: bool = False
    """True where the entry can never fit again (its object was collected)."""


@dataclass(frozen=True)
class TraceStarted:
    """A framework decided to trace. It is on disk before the traced function runs."""

    id: int
    """Unique in the process; see `Sink.new_id`."""
    traceable: Traceable
    start_ns: int
    thread_id: int
    role: Role = Role.FORWARD
    parent_id: int | None = None
    """The trace during which this one happened."""
    label: str = ""
    """The framework's own name for it: `0/1`, `__inference_f_12`."""
    signature: Signature | None = None
    guard_failures: tuple[GuardFailure, ...] = ()
    cached_count: int = 0
    """How many earlier traces the call was compared with."""
    call_stack: tuple[Frame, ...] = ()
    """The user's frames of the call."""
    options: tuple[tuple[str, str], ...] = ()
    """What the user asked for: backend, dynamic, jit_compile, reduce_retracing, ..."""
    inputs: tuple[tuple[str, str], ...] = ()
    """In a rank of several, where there is no signature: the arguments by the guards' expressions, such as
    (`L['x']`, `float32[4, 16]`), to be laid beside those of other ranks."""


@dataclass(frozen=True)
class TraceEnded:
    """The same trace, when it was done."""

    id: int
    end_ns: int
    outcome: Outcome
    error: str = ""
    op_count: int | None = None
    label: str = ""
    """The final name, where it was not known at the start."""
    traced_signature: Signature | None = None
    """What it was traced for, where that is more general than the call."""
    symbolic: tuple[str, ...] = ()
    """The same where there is no signature: the expressions that may have another value in a later call, such
    as `L['x'].size()[0]` and `L['n']`."""
    cache_hits: tuple[tuple[str, int], ...] = ()
    """Compiler caches so far: (`fx_graph_hit`, 1), (`aot_autograd_miss`, 1), ..."""


@dataclass(frozen=True)
class PhaseSpan:
    """A stretch of time that a trace took: while it was under way, or after it.

    Spans of a trace may lie inside each other, and so may nested traces: the time of an inner one is not the
    outer one's own.
    """

    trace_id: int
    name: str
    """Closed, and shared by the frameworks; see `PHASES`."""
    start_ns: int
    duration_ns: int


PHASES = {
    "autograph": "Python source to source that makes graphs",
    "trace": "running the Python code to make the graph",
    "dynamo": "bytecode to graph, and its guards",
    "aot": "AOTAutograd: joint graph, partition",
    "backend": "the backend's own compiler",
    "backward_aot": "AOTAutograd, for the backward",
    "backward_backend": "the backend's compiler, for the backward",
    "parse": "TorchScript source to graph",
    "first_run": "optimising the graph, and one normal run",
    "other": "what no phase covers",
}
"""The names of `PhaseSpan`, and what each takes. `other` is never recorded: it is what is left."""


@dataclass(frozen=True)
class CacheHits:
    """Further hits and misses of compiler caches, after `TraceEnded`."""

    trace_id: int
    hits: tuple[tuple[str, int], ...]


class OpSite(NamedTuple):
    """One node of a graph, with the user's line that made it.

    There are thousands in a graph: a tuple is made in a third of the time of a frozen dataclass.
    """

    name: str
    op: str
    inputs: tuple[str, ...] = ()
    output: str = ""
    """Shape and dtype in words, such as `float32[2, 3]`."""
    file: str = ""
    line: int = 0
    inside: str = ""
    """Of a branch or a loop's body: the name of the op that runs it, and which part of it: `while/body`."""
    callers: tuple[Frame, ...] = ()
    """The user's frames that called the line; empty where they are not recorded."""


@dataclass(frozen=True)
class GraphMade:
    """A graph that a trace made."""

    trace_id: int
    stage: str
    """`func_graph`, `dynamo`, `aot_forward`, `aot_backward`, ..."""
    sites: tuple[OpSite, ...]


@dataclass(frozen=True)
class Conversion:
    """AutoGraph's work on one function."""

    function: str
    file: str
    line: int
    duration_ns: int
    source: str = ""
    generated: str = ""
    line_map: tuple[tuple[int, int], ...] = ()
    """(line in the user's file, line in the generated text)."""
    failure: str = ""
    """Why it was left unconverted; empty when it was converted."""
    trace_id: int | None = None


@dataclass(frozen=True)
class Construct:
    """What an `if`, `while`, `for` or conditional expression became while tracing."""

    file: str
    line: int
    kind: str
    """`if`, `while`, `for`, `if_exp`."""
    became: str
    """`cond`, `while_loop`, `python` (run once at trace time), `unrolled`."""
    function: str = ""
    trace_id: int | None = None


@dataclass(frozen=True)
class GraphBreak:
    """A place where a compiled function is cut in two."""

    code: str
    """The framework's code, such as `GB0170`; empty where it has none."""
    kind: str
    """The framework's short name of the reason."""
    reason: str
    frame: Frame
    function: Traceable
    stack: tuple[Frame, ...] = ()
    ran_eager: str = ""
    """What runs eager because of it: source text of the line."""
    trace_id: int | None = None


@dataclass(frozen=True)
class Fallback:
    """From here on (some) calls of a function run eager, without an error."""

    function: Traceable
    kind: str
    """Closed, and shared by the frameworks; see `FALLBACKS`."""
    reason: str
    time_ns: int
    guard_failures: tuple[GuardFailure, ...] = ()
    call_stack: tuple[Frame, ...] = ()


FALLBACKS = {
    "recompile_limit": "the function has been compiled as often as the framework allows",
    "accumulated_limit": "the same, counted over all function objects of that code",
    "skipped": "nothing to compile was found in its first call, and it is never looked at again",
    "dispatch_mode": "it was called under a mode that sees each operation",
    "with_block": "it cannot be cut in two inside a `with` block, and runs eager as a whole",
    "disabled": "it was excluded by `torch.compiler.disable`, and is called by a compiled function",
    "unsupported": "the framework cannot compile something in it",
    "forced": "`torch.compiler.set_stance` asked for eager calls",
    "run_functions_eagerly": "`tf.config.run_functions_eagerly(True)` asked for eager calls",
    "unconverted": "AutoGraph could not convert it: its own code runs while tracing, as it is",
}
"""The kinds of `Fallback`, and what each says."""


@dataclass(frozen=True)
class Calls:
    """How often a function was called since the last such event; None where nobody knows.

    Counted from the outside: a call that the framework inlined into another graph is none.
    """

    function: Traceable
    compiled: int | None
    """Calls that ran a compiled graph, the first one after each trace included."""
    eager: int | None
    """Calls that were to be compiled, and ran as plain Python."""
    first_eager_call: int | None = None
    """Number of the first eager call among all calls, from 1."""


@dataclass(frozen=True)
class Stale:
    """A trace was used although something that it was made from has changed: it should have been remade."""

    function: Traceable
    kind: str
    """`global`, `closure`, `attribute` (read while tracing, and changed since), `side_effect` (Python code
    that ran while tracing, and not in later calls), `random` (a number or time that was read while tracing
    and is in the graph), `baked_branch` (a branch that tracing took for good), `mismatch`
    (the framework's own check saw another result than the function's)."""
    name: str
    """As the user wrote it: `scale`, `cfg.lr`, `np.random.rand()`."""
    frame: Frame
    """The user's line that read it, or ran."""
    then: str
    """While tracing."""
    now: str
    """When the trace was used later; empty where there is no such value."""
    time_ns: int
    """When it was noticed."""
    trace_id: int | None = None


@dataclass(frozen=True)
class Stopped:
    """A thread stood still in the debugger; told when it goes on."""

    reason: str
    """In the Debug Adapter Protocol's words: `breakpoint`, `step`, `pause`, `exception`, ..."""
    frame: Frame
    """The line on which it stood; in a backward, that of the forward."""
    thread_id: int
    start_ns: int
    end_ns: int
    stack: tuple[Frame, ...] = ()
    """The user's frames, traced ones among them."""
    op: str = ""
    """The op before or after which it stood; empty at a line."""
    graph: str = ""
    """The graph in which it stood, such as `0/1 forward`; empty in eager code."""
    is_backward: bool = False
    text: str = ""
    """What was found, where that made it stop."""


@dataclass(frozen=True)
class FrameworkSeen:
    """The program imported a framework."""

    name: str
    version: str


@dataclass(frozen=True)
class Fault:
    """A fault of ours: that hook was taken out, and the program goes on."""

    where: str
    message: str
    time_ns: int


@dataclass(frozen=True)
class Cause:
    """One reason why a trace happened. Made by `explain`, offline, from the facts above."""

    kind: CauseKind
    argument: str = ""
    """The argument as the user wrote it: `batch["x"]`, `self.step_no`; empty where none is meant."""
    before: str = ""
    after: str = ""
    file: str = ""
    line: int = 0
    """The user's line where the value came in, or whose condition decided."""
    message: str = ""
    """One sentence for a person, without advice."""
    advice: str = ""
    settled: bool = False
    """Whether no other value of the same argument can cause another retrace."""


Event: TypeAlias = (
    "TraceStarted | TraceEnded | PhaseSpan | CacheHits | GraphMade | Conversion | Construct | GraphBreak"
    " | Fallback | Calls | Stale | KernelsSeen | Stopped | OpsSeen | StepGraph | StepsSeen | SamplesSeen"
    " | Stayed | FrameworkSeen | Fault"
)
