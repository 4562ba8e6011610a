"""Every private name of TensorFlow that the walker reaches for.

Which versions were run: `docs/reference/versions.md`. `tests/adapters/tf_walk/test_private_names.py` takes
each of them away in turn: what needs it is left out, with one `Fault`, and the program goes on.
"""

from __future__ import annotations

from tracedbg.adapters.tf_common._compat import OP_MADE, SOURCE_MAPS, PrivateName

__all__ = ["NAMES", "OP_MADE", "SOURCE_MAPS", "PrivateName"]

_EAGER = "tensorflow.python.eager"
_FRAMEWORK = "tensorflow.python.framework"

CALL_FUNCTION = PrivateName(
    f"{_EAGER}.context",
    "Context.call_function",
    "(name, inputs, count of outputs): every eager call of a graph, forward or backward, passes here",
)
CONTEXT = PrivateName(
    f"{_EAGER}.context",
    "context",
    "the process' `Context`: `get_function_def`, `get_graph_debug_info`, `list_function_names`, "
    "`add_function_def`, `remove_function`, `function_call_options`, `device_name`, `_handle`",
)
HANDLE = PrivateName(
    f"{_EAGER}.context", "Context._handle", "of the runtime: the first argument of what runs an op"
)
EXECUTE = PrivateName(
    "tensorflow.python.pywrap_tfe",
    "TFE_Py_Execute",
    "runs one op eagerly: (handle, device, op, inputs, attributes, count of outputs)",
)
FUNCTION_MADE = PrivateName(
    f"{_EAGER}.polymorphic_function.atomic_function",
    "from_func_graph",
    "registers a graph as a function that can be called: (name, graph, ...)",
)
GRAPH_ENTERED = PrivateName(
    f"{_FRAMEWORK}.func_graph",
    "FuncGraph.as_default",
    "its context is entered while Python code makes the graph",
)
GRAPH_TRACED = PrivateName(
    f"{_FRAMEWORK}.func_graph",
    "func_graph_from_py_func.__code__",
    "the frame above the user's code that is traced; its `func_graph` is the graph that is made",
)
GRAPH_IMPORTED = PrivateName(
    f"{_FRAMEWORK}.ops",
    "Graph._create_op_from_tf_operation.__code__",
    "makes an op that was read from a file, or copied: the stack says nothing of it",
)
INSIDE_FUNCTION = PrivateName(
    f"{_FRAMEWORK}.ops", "inside_function", "whether this thread makes the graph of a function"
)
GRADIENT_BUILT = PrivateName(
    f"{_EAGER}.polymorphic_function.concrete_function",
    "_TapeGradientFunctions._build_functions_for_outputs.__code__",
    "the frame above all that a gradient of a whole function is made of",
)
GRAPH_GRADIENT = PrivateName(
    "tensorflow.python.ops.gradients_util",
    "_GradientsHelper.__code__",
    "its `op` is the op of the forward whose gradient is being made",
)
TAPE_GRADIENT = PrivateName(
    f"{_EAGER}.backprop",
    "_gradient_function.__code__",
    "its `outputs` and `inputs` are those of the op of the forward whose gradient is being made",
)
TAPE = PrivateName(
    f"{_EAGER}.imperative_grad",
    "imperative_grad.__code__",
    "the frame above all that a tape's gradient is made of",
)
OP_DEFS = PrivateName(
    f"{_FRAMEWORK}.op_def_registry", "get", "the `OpDef` of an op by its name; None if it is none"
)
MAKE_ARRAY = PrivateName(f"{_FRAMEWORK}.tensor_util", "MakeNdarray", "the value of a `Const`")
DEBUG_INFO = PrivateName(
    "tensorflow.python.util.tf_stack",
    "LoadTracesFromDebugInfo",
    "stacks by name of op, outermost frame first, of a function however long it has been there",
)
DATASET_DEBUG = PrivateName(
    "tensorflow.python.data.ops.debug_mode",
    "toggle_debug_mode",
    "as `tf.data.experimental.enable_debug_mode`",
)
CONTROL_FLOW_FILES = ("cond_v2.py", "while_v2.py")
"""Files of TensorFlow that trace the branches and bodies inside of a function."""

NAMES = (
    CALL_FUNCTION,
    CONTEXT,
    HANDLE,
    EXECUTE,
    FUNCTION_MADE,
    GRAPH_ENTERED,
    GRAPH_TRACED,
    GRAPH_IMPORTED,
    GRADIENT_BUILT,
    GRAPH_GRADIENT,
    TAPE_GRADIENT,
    TAPE,
    OP_DEFS,
    MAKE_ARRAY,
    DEBUG_INFO,
    DATASET_DEBUG,
    INSIDE_FUNCTION,
    OP_MADE,
    SOURCE_MAPS,
)
