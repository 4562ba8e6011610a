"""Every private name of TensorFlow that the adapters reach for, and the one way to reach it.

Which versions were run: `docs/reference/versions.md`. `tests/adapters/tensorflow/test_compat.py`
takes each of them away in turn: the part that needs it reports one `Fault` and switches itself off, while
the others go on.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tracedbg.hooks import Hooks

_POLYMORPHIC = "tensorflow.python.eager.polymorphic_function"
_AUTOGRAPH = "tensorflow.python.autograph"


@dataclass(frozen=True)
class PrivateName:
    """A name that TensorFlow may move without notice."""

    module: str
    path: str
    """Where it is inside the module, dotted."""
    why: str
    versions: str = "2.15-2.21"
    """Of TensorFlow, the first and the last."""

    def owner(self) -> tuple[Any, str]:
        """The object that holds the name, and the attribute; both are known to exist."""
        *parents, attribute = self.path.split(".")
        owner: Any = importlib.import_module(self.module)
        for parent in parents:
            owner = getattr(owner, parent)
        getattr(owner, attribute)
        return owner, attribute

    def get(self) -> Any:
        """What the name stands for."""
        owner, attribute = self.owner()
        return getattr(owner, attribute)


BODIES: tuple[tuple[str, str], ...] = (
    ("then", "_true_graph"),
    ("else", "_false_graph"),
    ("cond", "_cond_graph"),
    ("body", "_body_graph"),
)
"""Attributes of ops that branch or loop: the graphs of what they run. Without them there are none to show."""
BRANCH = "_branch_graph_"
"""How those of a `Case` begin; the number follows."""
TRACE_SPAN = PrivateName(
    f"{_POLYMORPHIC}.tracing_compilation",
    "trace",
    "`_maybe_define_function` enters `trace.Trace('tf.function-graph_building')` around each trace, and "
    "only there; its frame has `tracing_options`, `lookup_func_type`, `current_func_context`, and at the "
    "end `target_func_type` and `concrete_function`",
)
FUNCTION_MADE = PrivateName(
    f"{_POLYMORPHIC}.polymorphic_function",
    "Function._get_key_for_call_stats",
    "the last call of `Function.__init__`, when the object is complete",
)
FUNCTION_CLASS = PrivateName(
    f"{_POLYMORPHIC}.polymorphic_function",
    "Function",
    "what `tf.function` makes; the graphs of each are in its `_function_cache`, which has `clear()`; "
    "`tests/adapters/tensorflow/test_isolation.py` fails when it moves",
)
EAGER_SWITCH = PrivateName(
    f"{_POLYMORPHIC}.eager_function_run",
    "run_functions_eagerly.__code__",
    "what `tf.config` and all other names stand for: it sets `RUN_FUNCTIONS_EAGERLY` of its module to "
    "`bool(...)`, and looks `bool` up in that module first",
)
EAGER_FLAG = PrivateName(f"{_POLYMORPHIC}.eager_function_run", "RUN_FUNCTIONS_EAGERLY", "what it has set")
RUNS_EAGERLY = PrivateName(
    f"{_POLYMORPHIC}.polymorphic_function",
    "Function._run_functions_eagerly",
    "a property that each call asks, once; the function has `_key_for_call_stats`",
)
TRACED_CALL = PrivateName(
    f"{_POLYMORPHIC}.polymorphic_function",
    "_FrequentTracingDetectorManager.called_with_tracing",
    "called with that key by `Function.__call__` at the end of a call that traced",
)
CALL_DETECTORS = PrivateName(
    f"{_POLYMORPHIC}.polymorphic_function",
    "_frequent_tracing_detector_manager._detectors",
    "by that key: what counts calls, in a list `_calls_per_tracings` whose last number each call adds to",
)
BACKWARD_NAME = PrivateName(
    f"{_POLYMORPHIC}.concrete_function",
    "_backward_name",
    "called just before the graph of a gradient is built, by a method whose `self` has `_func_graph`",
)
BACKWARD_MADE = PrivateName(
    f"{_POLYMORPHIC}.concrete_function",
    "_create_forward_backward_with_graph",
    "called with the finished graph of a gradient",
)
OP_MADE = PrivateName(
    "tensorflow.python.framework.ops",
    "Graph._create_op_helper",
    "called once for each new op of a graph, after the op's own traceback was taken",
)
RUNNABLE = PrivateName(
    f"{_POLYMORPHIC}.atomic_function",
    "AtomicFunction._bound_context",
    "`call_flat` looks up on it `executing_eagerly`, `call_function` and `executing_eagerly`, in this order; "
    "`ConcreteFunction._inference_function` is one",
)
TENSOR_SHAPE = PrivateName(
    "tensorflow.python.framework.ops",
    "SymbolicTensor._shape",
    "(sizes, None where unknown; whether the rank is unknown), without the `TensorShape` that `shape` makes",
)
SOURCE_MAPS = PrivateName(
    "tensorflow.python.util.tf_stack",
    "_source_mapper_stacks",
    "AutoGraph's maps from generated lines to the user's, by thread",
)
TRACE_TYPES = PrivateName(
    "tensorflow.core.function.trace_type",
    "default_types",
    "the classes of the parts of a `FunctionType`, the key under which a trace is found again",
)
TRANSPILER = PrivateName(
    f"{_AUTOGRAPH}.impl.api",
    "_TRANSPILER.transform_function",
    "AutoGraph's conversion of one function; `_cache.has` and `get_caching_key` tell new from cached",
)
CONVERTED_CALL = PrivateName(
    f"{_AUTOGRAPH}.impl.api",
    "converted_call",
    "asks for each conversion; its frame has `effective_args` and `kwargs` of the call that follows",
)
LEFT_AS_IS = PrivateName(
    f"{_AUTOGRAPH}.impl.conversion",
    "cache_allowlisted",
    "called once for each function that AutoGraph runs as it is, from `api._call_unconverted`",
)
FALL_BACK = PrivateName(
    f"{_AUTOGRAPH}.impl.api",
    "_fall_back_unconverted",
    "its frame holds `exc`, the reason why a conversion failed",
)
CALL_UNCONVERTED = PrivateName(
    f"{_AUTOGRAPH}.impl.api",
    "_call_unconverted",
    "its frame is the caller of `cache_allowlisted`",
)
DISPATCH = PrivateName(
    f"{_AUTOGRAPH}.utils.tensors",
    "is_dense_tensor",
    "what `if_stmt`, `while_stmt` and `if_exp` ask to choose between a graph and Python",
)
IF_STATEMENT = PrivateName(f"{_AUTOGRAPH}.operators.control_flow", "if_stmt", "its code tells who asks")
WHILE_STATEMENT = PrivateName(f"{_AUTOGRAPH}.operators.control_flow", "while_stmt", "its code tells who asks")
IF_EXPRESSION = PrivateName(
    f"{_AUTOGRAPH}.operators.conditional_expressions", "if_exp", "its code tells who asks"
)
LOOP_REGISTRY = PrivateName(
    f"{_AUTOGRAPH}.operators.control_flow",
    "for_loop_registry.lookup",
    "the first thing that `for_stmt` calls, with the object that is iterated over",
)
LOOP_CHECKER = PrivateName(
    f"{_AUTOGRAPH}.operators.control_flow",
    "_PythonLoopChecker",
    "one object for each loop that runs in Python; told of each iteration (not under `python -O`)",
)

DISTRIBUTED = PrivateName(
    "tensorflow.python.types.distribute",
    "Iterator",
    "what `for_stmt` turns into a graph loop though it is no tensor",
)
DISTRIBUTED_DATA = PrivateName(
    "tensorflow.python.types.distribute",
    "Iterable",
    "what `for_stmt` turns into a reduction of a distributed dataset",
)

EXECUTE = PrivateName(
    "tensorflow.python.pywrap_tfe",
    "TFE_Py_Execute",
    "runs an op in the runtime, without tapes, callbacks or conversions of its inputs",
)
ARRAY_OF = PrivateName(
    "tensorflow.python.framework.ops",
    "EagerTensor._numpy_internal",
    "a tensor's elements as an array, without the copy that `numpy` makes",
)
HANDLE_DATA = PrivateName(
    "tensorflow.python.framework.ops",
    "EagerTensor._handle_data",
    "of a variable's handle: shape and dtype of what it holds",
)
PRIMARY = PrivateName(
    "tensorflow.python.distribute.values",
    "DistributedValues._primary",
    "the replica of a variable that stands for all",
)
OP_DEFS = PrivateName(
    "tensorflow.python.framework.op_def_registry", "get", "names an op's inputs and outputs"
)

OTHER_ATTRIBUTES = {
    "Variable of Keras 3, whose `value` would be a cast of it under autocast": ("_value",),
    "autograph's transpiler": ("_cache",),
    "Variable": ("_handle",),
    "Iterator of a dataset": ("_iterator_resource",),
    "Function": ("_lock", "_name"),
    "Weakref trace type": ("_ref",),
    "TypeSpec": ("_serialize",),
    "what stands for a method or a decorated function": ("_func", "_tf_decorator"),
    "OpError": ("_message",),
}
"""What else is read of TensorFlow's objects: a part that cannot read it is off."""

TF_FUNCTION_NAMES = (
    TRACE_SPAN,
    FUNCTION_MADE,
    EAGER_SWITCH,
    EAGER_FLAG,
    RUNS_EAGERLY,
    TRACED_CALL,
    CALL_DETECTORS,
    BACKWARD_NAME,
    BACKWARD_MADE,
    OP_MADE,
    RUNNABLE,
    TENSOR_SHAPE,
    SOURCE_MAPS,
    TRACE_TYPES,
)
TENSOR_NAMES = (EXECUTE, ARRAY_OF, HANDLE_DATA, PRIMARY)
AUTOGRAPH_NAMES = (
    TRANSPILER,
    CONVERTED_CALL,
    LEFT_AS_IS,
    FALL_BACK,
    CALL_UNCONVERTED,
    DISPATCH,
    IF_STATEMENT,
    WHILE_STATEMENT,
    IF_EXPRESSION,
    LOOP_REGISTRY,
    LOOP_CHECKER,
    DISTRIBUTED,
    DISTRIBUTED_DATA,
)


def substitute(hooks: Hooks, name: PrivateName, ours: Any) -> None:
    """Put `ours` in the place of what `name` stands for, until the hooks are removed.

    For what `Hooks.patch` cannot wrap: a module or a class.
    """
    owner, attribute = name.owner()
    original = getattr(owner, attribute)
    setattr(owner, attribute, ours)

    def undo() -> None:
        if getattr(owner, attribute, None) is ours:
            setattr(owner, attribute, original)

    hooks.on_remove(undo)
