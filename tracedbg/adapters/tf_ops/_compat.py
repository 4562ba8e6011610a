"""Every private name of TensorFlow that recording ops relies on, and the versions it is known to hold for.

`tests/adapters/tf_ops/test_compat.py` takes each of them away in turn.
"""

from __future__ import annotations

from tracedbg.adapters.tf_common._compat import OP_DEFS, SOURCE_MAPS, PrivateName
from tracedbg.adapters.tf_eager._compat import EXECUTE, FAST_PATH, NO_TAPE, REFUSED, SYMBOLIC, TO_HOST

_RUNTIME = "tensorflow.python.pywrap_tfe"

QUICK_EXECUTE = PrivateName(
    "tensorflow.python.eager.execute",
    "quick_execute",
    "what `execute` stands for, and what is called in its place while there are callbacks on ops",
)
CANCELLABLE = PrivateName(
    "tensorflow.python.eager.execute",
    "execute_with_cancellation",
    "what runs a function whose call can be cancelled: (op, outputs, inputs, ...)",
)
EAGER_TENSOR = PrivateName(
    "tensorflow.python.framework.ops",
    "EagerTensor._shape_tuple",
    "its sizes, without a `TensorShape`; `_datatype_enum()` is its dtype, `_id` its number, "
    "`_num_elements()` its size",
)
COPY = PrivateName(
    "tensorflow.python.framework.ops",
    "_EagerTensorBase._copy_nograd",
    "what `cpu()` and other copies between devices call: (self, context, device)",
)
TAPE_NEW = PrivateName(_RUNTIME, "TFE_Py_TapeSetNew", "makes a tape that records, and returns it")
TAPE_ADD = PrivateName(_RUNTIME, "TFE_Py_TapeSetAdd", "lets a tape record again")
TAPE_REMOVE = PrivateName(_RUNTIME, "TFE_Py_TapeSetRemove", "lets a tape record no more")
TAPE_GRADIENT = PrivateName(
    _RUNTIME, "TFE_Py_TapeGradient", "runs a backward pass: (tape, targets, sources, ...)"
)
TAPE_RECORD = PrivateName(
    _RUNTIME,
    "TFE_Py_TapeSetRecordOperation",
    "puts a call of a traced function, or one with a gradient of its own, on all tapes: "
    "(name, outputs, inputs, backward function, forward function)",
)
TAPE_RECORD_BACKWARD = PrivateName(
    _RUNTIME, "TFE_Py_TapeSetRecordOperationBackprop", "the same, for tapes alone"
)
REGISTER_GRADIENT = PrivateName(
    _RUNTIME, "TFE_Py_RegisterGradientFunction", "says what a tape calls for the gradient of an op"
)
GRADIENT = PrivateName(
    "tensorflow.python.eager.backprop",
    "_gradient_function",
    "what is registered there: (op, attributes, inputs, inputs, outputs, gradients of outputs, ...), with "
    "None for the inputs and outputs that the gradient does not need",
)
CALL_BEGINS = PrivateName(
    "keras.src.layers.layer",
    "Layer._get_call_context",
    "called as the call of a layer begins; returns the context, whose `entry_layer` is the outermost one",
    "2.16-2.21",
)
CALL_ENDS = PrivateName(
    "keras.src.layers.layer",
    "Layer._maybe_reset_call_context",
    "called as it ends, whatever has happened",
    "2.16-2.21",
)

OP_NAMES = (
    FAST_PATH,
    EXECUTE,
    QUICK_EXECUTE,
    CANCELLABLE,
    REFUSED,
    SYMBOLIC,
    EAGER_TENSOR,
    OP_DEFS,
    SOURCE_MAPS,
)
SYNC_NAMES = (TO_HOST, COPY)
TAPE_NAMES = (
    NO_TAPE,
    TAPE_NEW,
    TAPE_ADD,
    TAPE_REMOVE,
    TAPE_GRADIENT,
    TAPE_RECORD,
    TAPE_RECORD_BACKWARD,
    REGISTER_GRADIENT,
    GRADIENT,
)
KERAS_NAMES = (CALL_BEGINS, CALL_ENDS)
