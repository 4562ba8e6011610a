"""The private names of TensorFlow that comparing needs beyond those of the walkers.

`tests/adapters/tf_compare/test_compat.py` fails when one of them moves.
"""

from __future__ import annotations

from tracedbg.adapters.tf_common._compat import EAGER_FLAG, EXECUTE, PrivateName

CALL = PrivateName(
    "tensorflow.python.eager.polymorphic_function.polymorphic_function",
    "Function.__call__",
    "each call of a `tf.function` from Python; the object has `_run_functions_eagerly`, `_python_function` "
    "and `_list_all_concrete_functions`",
)
VARIABLES = PrivateName(
    "tensorflow.python.ops.resource_variable_ops",
    "BaseResourceVariable",
    "all variables of TensorFlow 2; each has `_handle`",
)
CONTEXT = PrivateName("tensorflow.python.eager.context", "context", "its `_rng` makes the seeds of eager ops")
NO_TAPE = PrivateName(
    "tensorflow.python.pywrap_tfe", "TFE_Py_TapeSetIsEmpty", "whether no tape of this thread records"
)
FAST_PATH = PrivateName("tensorflow.python.pywrap_tfe", "TFE_Py_FastPathExecute", "see `tf_eager._compat`")
OP_DEFS = PrivateName(
    "tensorflow.python.framework.op_def_registry", "get", "what an op is: whether it draws random numbers"
)

NAMES = (CALL, VARIABLES, CONTEXT, NO_TAPE, FAST_PATH, OP_DEFS, EAGER_FLAG, EXECUTE)
