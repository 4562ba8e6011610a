"""What TensorFlow's and Keras' modules say of a thread: data for `tracedbg.activities`.

They name TensorFlow's own files and functions: for TensorFlow 2.15 to 2.21, Keras 2 and 3;
`tests/adapters/tensorflow/test_activities.py` fails when one of them moves.
"""

from __future__ import annotations

from tracedbg.activities import Activity, Reach, Rule

_FUNCTION = "tensorflow/python/eager/polymorphic_function/"
_CALLS = ("__call__", "_call_flat", "call_flat", "call_preflattened", "_call_impl", "_filtered_call")
_GRADIENTS = ("gradient", "jacobian", "batch_jacobian", "_gradient_function", "imperative_grad")
RULES: tuple[Rule, ...] = (
    Rule("tensorflow/python/autograph/impl/api.py", None),
    Rule("tensorflow/python/autograph/operators/", None),
    Rule("tensorflow/python/autograph/core/", None),
    Rule("tensorflow/python/autograph/", Activity.TRACING, "AutoGraph", Reach.ALL),
    Rule(
        "tensorflow/python/framework/func_graph.py",
        Activity.TRACING,
        "tf.function",
        Reach.ALL,
        ("func_graph_from_py_func",),
    ),
    Rule(
        f"{_FUNCTION}tracing_compilation.py",
        Activity.TRACING,
        "tf.function",
        Reach.ALL,
        ("_create_concrete_function",),  # its callers look for a trace that is there, at each call
    ),
    Rule(f"{_FUNCTION}polymorphic_function.py", Activity.TRACING, "tf.function", Reach.ALL, ("_initialize",)),
    Rule(f"{_FUNCTION}atomic_function.py", Activity.COMPILED, "tf.function", Reach.LIBRARIES, _CALLS),
    Rule(f"{_FUNCTION}concrete_function.py", Activity.COMPILED, "tf.function", Reach.LIBRARIES, _CALLS),
    Rule(_FUNCTION, Activity.COMPILED, "call"),
    Rule("tensorflow/core/function/", Activity.COMPILED, "call"),
    Rule("tensorflow/python/eager/backprop.py", Activity.BACKWARD, "tape", Reach.LIBRARIES, _GRADIENTS),
    Rule("tensorflow/python/eager/imperative_grad.py", Activity.BACKWARD, "tape", Reach.LIBRARIES),
    Rule("tensorflow/python/data/", Activity.DATA_LOADING, "tf.data", Reach.LIBRARIES),
    Rule("tensorflow/python/saved_model/", Activity.PYTHON, "loading or saving", Reach.LIBRARIES),
    Rule("tensorflow/python/checkpoint/", Activity.PYTHON, "loading or saving", Reach.LIBRARIES),
    Rule("tensorflow/python/util/traceback_utils.py", None),
    Rule("tensorflow/", Activity.EAGER_OPS),
    Rule("keras/src/trainers/data_adapters/", Activity.DATA_LOADING, "Keras", Reach.ALL),
    Rule("keras/src/trainers/epoch_iterator.py", Activity.DATA_LOADING, "Keras", Reach.LIBRARIES),
    Rule("keras/src/engine/data_adapter.py", Activity.DATA_LOADING, "Keras", Reach.ALL),
)
