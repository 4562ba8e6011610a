"""Every private name of TensorFlow that eager ops are seen by, and the versions it is known to hold for.

`tests/adapters/tf_eager/test_compat.py` fails when one of them moves.
"""

from __future__ import annotations

from tracedbg.adapters.tf_common._compat import OP_DEFS, PrivateName

FAST_PATH = PrivateName(
    "tensorflow.python.pywrap_tfe",
    "TFE_Py_FastPathExecute",
    "all generated op functions look it up on the module: (context, op, name, *inputs, *attributes)",
)
EXECUTE = PrivateName(
    "tensorflow.python.eager.execute",
    "execute",
    "what they call when the fast path has refused, and what calls functions: (op, outputs, inputs, ...)",
)
REFUSED = PrivateName(
    "tensorflow.python.eager.core",
    "_FallbackException",
    "raised by the fast path before it has run anything; the op function then calls its `_eager_fallback`",
)
SYMBOLIC = PrivateName(
    "tensorflow.python.eager.core",
    "_SymbolicException",
    "raised by `execute`: the op is put into a graph instead",
)
NOT_OK = PrivateName(
    "tensorflow.python.eager.core", "_NotOkStatusException", "the fast path's error, not yet in its own class"
)
TO_ERROR = PrivateName(
    "tensorflow.python.eager.core", "_status_to_exception", "makes of it the error that the program gets"
)
GRADIENT = PrivateName(
    "tensorflow.python.eager.backprop",
    "_gradient_function",
    "calls the gradient of one op; its frame has `op_name`, and `inputs` and `outputs` of the forward, with "
    "None for those that the gradient does not need",
)
BACKWARD = PrivateName(
    "tensorflow.python.eager.imperative_grad",
    "imperative_grad",
    "on the stack while a tape computes gradients",
)
NO_TAPE = PrivateName(
    "tensorflow.python.pywrap_tfe", "TFE_Py_TapeSetIsEmpty", "whether no tape of this thread records"
)
TENSOR_ID = PrivateName(
    "tensorflow.python.framework.ops", "EagerTensor._id", "a number that no other tensor has ever had"
)
TO_HOST = PrivateName(
    "tensorflow.python.framework.ops",
    "_EagerTensorBase._numpy",
    "what `numpy`, `__bool__`, `__int__`, `__float__`, `__array__`, `__format__` and `repr` all call",
)
CALLED_BACK = PrivateName(
    "tensorflow.python.ops.script_ops",
    "FuncRegistry.__call__",
    "what the runtime calls, in any thread, to have a function of Python's run: (token, device, arguments)",
)
NAMES = (
    FAST_PATH,
    EXECUTE,
    REFUSED,
    SYMBOLIC,
    NOT_OK,
    TO_ERROR,
    GRADIENT,
    BACKWARD,
    NO_TAPE,
    TENSOR_ID,
    TO_HOST,
    CALLED_BACK,
    OP_DEFS,
)
