"""Every private name of TensorFlow that timing kernels relies on, and the versions it holds for.

`tests/adapters/tf_kernels/test_compat.py` fails when one of them moves.
"""

from __future__ import annotations

from tracedbg.adapters.tf_common._compat import PrivateName
from tracedbg.adapters.tf_eager._compat import EXECUTE, FAST_PATH

SESSION = PrivateName(
    "tensorflow.python.profiler.internal._pywrap_profiler",
    "ProfilerSession",
    "what `tf.profiler.experimental` runs: `start(folder, options)`, `export_to_tb()`",
)
START = PrivateName(
    "tensorflow.python.profiler.profiler_v2",
    "_pywrap_profiler",
    "the module that `tf.profiler.experimental.start` takes `ProfilerSession` from, which it calls first",
)
XSPACE = PrivateName(
    "tensorflow.tsl.profiler.protobuf.xplane_pb2", "XSpace", "what a session writes, as a protocol buffer"
)
HLO = PrivateName(
    "tensorflow.compiler.xla.service.hlo_pb2",
    "HloProto",
    "XLA's programs, with the node each op is made from",
)
CALL = PrivateName(
    "tensorflow.python.eager.context",
    "Context.call_function",
    "(self, name, inputs, outputs): called for each run of a traced function from Python",
)
CALL_OPTIONS = PrivateName(
    "tensorflow.python.eager.context",
    "Context.function_call_options",
    "a property that `call_function` asks first of all; its frame has the `name` of the function",
)
BACKWARD = PrivateName(
    "tensorflow.python.eager.imperative_grad",
    "UnconnectedGradients",
    "what `imperative_grad` calls first of all: before each backward pass of a tape",
)
CONSTANT = PrivateName(
    "tensorflow.python.framework.constant_op",
    "convert_to_eager_tensor",
    "makes a tensor of a value, which may run an op",
)
FUNCTION = PrivateName(
    "tensorflow.python.eager.polymorphic_function.atomic_function",
    "AtomicFunction",
    "a function of the runtime: its `name`, and the graph it was made from, `_cached_graph`",
)
HAS_RUNTIME = PrivateName(
    "tensorflow.python.eager.context",
    "context",
    "the `Context`, whose `_initialized` says if anything has run",
)
GRAPH = PrivateName("tensorflow.python.framework.func_graph", "FuncGraph", "the graph of a function")
REGISTRY = PrivateName(
    "tensorflow.python.framework.ops",
    "gradient_registry._registry",
    "{type of op: {'type': its gradient function}}",
)

NAMES = (
    SESSION,
    START,
    XSPACE,
    HLO,
    CALL,
    CALL_OPTIONS,
    BACKWARD,
    CONSTANT,
    HAS_RUNTIME,
    FUNCTION,
    GRAPH,
    REGISTRY,
    FAST_PATH,
    EXECUTE,
)
HOST_PLANE, METADATA_PLANE, START_PLANE = "/host:CPU", "/host:metadata", "Task Environment"
START_TIME, HLO_STAT = "profile_start_time", "Hlo Proto"
EAGER_EVENT = "EagerLocalExecute: "
GRADIENT_SCOPE = "gradient_tape/"
"""How the names of a gradient's nodes begin in a graph; the name scope of the forward node follows."""
GRADIENT_CALLER = "_gradient_function"
"""The function of `backprop.py` that calls the gradient function of one op."""
CALL_PREFIXES = ("__inference_", "__forward_", "__backward_")
"""How the names of traced functions begin."""
LIBRARY = "libtensorflow_framework.so.2"
LOG_LEVEL = (
    "_ZN4absl12lts_2025081411MinLogLevelEv",
    "_ZN4absl12lts_2025081414SetMinLogLevelENS0_18LogSeverityAtLeastE",
)
"""`absl::MinLogLevel` and `absl::SetMinLogLevel` as TensorFlow 2.21 exports them: the name has Abseil's
version. Without them the lines that the profiler logs are on stderr."""
