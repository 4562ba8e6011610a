"""Why each case in `../shared/cases` is traced again, and what it is advised: written by hand.

Kinds, arguments and values are what the cases' headers and sources say. A case that is not here has no
retrace.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

CASES = Path(__file__).parents[3] / "shared" / "cases"
MARKED = "torch._dynamo.mark_dynamic(x, 0) before the first call spares this one"
ANY_SIZE = "none needed: the last trace holds for any size of `{}` in dimension {}"
RELAXED = f"{ANY_SIZE}, as reduce_retracing asks for"
ANY_VALUE = "none needed: the last trace holds for any value of `{}`; dynamic=True spares this one"
UNBACKED = (
    "pad to {}, or drop a batch that is smaller, or call"
    " torch._dynamo.decorators.mark_unbacked(x, 0) before each call"
)
SAME_WAY = "; passing it always the same way spares this one"
GRADIENT = f"none needed: `x` with and without a gradient have their trace now{SAME_WAY}"
STATE = "none needed: `{}` on and off have their trace now; calling under one of both spares this one"
MADE_ONE = ", or have it made one: @tf.function(input_signature=[{}])"


@dataclass(frozen=True)
class Cause:
    """One group of retraces."""

    kind: str
    argument: str
    before: str
    after: str
    line: str
    """The text of the user's line."""
    count: int
    advice: str
    settled: bool = False
    nth: int = 1
    """Which of several lines with that text."""

    def told(self, case: Path) -> tuple:
        lines = [n for n, text in enumerate(case.read_text().splitlines(), 1) if text.strip() == self.line]
        line = lines[self.nth - 1]
        return (
            self.kind, self.argument, self.before, self.after, str(case), line, self.count, self.settled, self.advice,
        )  # fmt: skip


def told(cause: dict) -> tuple:
    """The same of a cause in the report."""
    keys = ("kind", "argument", "before", "after", "file", "line", "count", "settled", "advice")
    return tuple(cause[key] for key in keys)


CAUSES = {
    "tf_bool_flag_ok": [
        Cause(
            "python_value", "training", "True", "False", "f(tf.ones(2), False)", 1,
            "none needed: both values of `training` have their trace now", settled=True,
        ),
    ],
    "tf_dtype_change": [
        Cause(
            "dtype", "a", "int32[]", "string[]", "double(v)", 2,
            "cast `a` to one dtype before the call: tf.cast(a, tf.float32);"
            " what is no number keeps a trace of its own",
        ),
    ],
    "tf_fresh_object_arg": [
        Cause(
            "identity", "cfg", "Config object", "another Config object", "f(Config(2.0), tf.ones(2))", 5,
            "make `cfg` once, before the first call, and pass the same object, or make its class a"
            " tf.experimental.ExtensionType, which is compared by what it holds",
        ),
    ],
    "tf_function_in_loop": [
        Cause(
            "new_function_object", "", "", "", "@tf.function", 5,
            "make a tf.function of `f` once, outside of what runs line 14 again, and call that one",
        ),
    ],
    "tf_keras_predict_varlen": [
        Cause(
            "shape", "data[0]", "float32[1, 3, 2]", "float32[1, 4, 2]",
            'model.predict(np.ones((1, n, 2), "float32"), verbose=0)', 1,
            RELAXED.format("data[0]", 1), settled=True,
        ),
    ],
    "tf_list_grow": [
        Cause(
            "structure", "xs", "length 1", "length 6", "f(xs)", 5,
            "pass one tensor, tf.stack(xs),"
            " with @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32)])",
        ),
    ],
    "tf_lr_decay_float": [
        Cause(
            "python_value", "lr", "0.1", "0.05904900000000002", "step(tf.ones(4), lr=lr)", 5,
            "pass `lr` as a tensor: tf.constant(lr)"
            + MADE_ONE.format("tf.TensorSpec([4], tf.float32), tf.TensorSpec([], tf.float32)"),
        ),
    ],
    "tf_python_int_arg": [
        Cause(
            "python_value", "n", "0", "5", "train(tf.ones(3), n)", 5,
            "pass `n` as a tensor: tf.constant(n)"
            + MADE_ONE.format("tf.TensorSpec([3], tf.float32), tf.TensorSpec([], tf.int32)"),
        ),
    ],
    "tf_shape_change": [
        Cause(
            "shape", "x", "float32[1]", "float32[6]", "f(tf.ones(n))", 5,
            "@tf.function(reduce_retracing=True), or"
            " @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])",
        ),
    ],
    "tf_shape_reduce_retracing_ok": [
        Cause(
            "shape", "x", "float32[1]", "float32[2]", "f(tf.ones(n))", 1, RELAXED.format("x", 0), settled=True
        ),
    ],
    "tf_silent_slow_retrace": [
        Cause(
            "python_value", "k", "0", "49", "f(tf.ones(2), call // 4)", 49,
            "pass `k` as a tensor: tf.constant(k)"
            + MADE_ONE.format("tf.TensorSpec([2], tf.float32), tf.TensorSpec([], tf.int32)"),
        ),
    ],
    "tf_unrolled_python_loop": [
        Cause(
            "python_value", "n", "10", "100", "f(tf.zeros([]), 10); f(tf.zeros([]), 100)", 1,
            "pass `n` as a tensor: tf.constant(n)"
            + MADE_ONE.format("tf.TensorSpec([], tf.float32), tf.TensorSpec([], tf.int32)"),
        ),
    ],
    "pt_autocast_toggle": [
        Cause(
            "global_state", "autocast(cpu)_enabled", "False", "True", "f(x)", 1,
            STATE.format("autocast(cpu)_enabled"), settled=True, nth=2,
        ),
    ],
    "pt_backend_object_changes": [
        Cause(
            "backend", "backend",
            "<lambda> (pt_backend_object_changes.py:14)", "another <lambda> (pt_backend_object_changes.py:14)",
            "torch.compile(f, backend=lambda gm, ex: gm.forward)(torch.ones(3))", 7,
            "make the backend once, outside of the call, and call torch.compile once",
        ),
    ],
    "pt_dtype_stride_grad": [
        Cause("layout", "x", "stride [4, 1]", "stride [1, 4]", "f(torch.ones(4, 4).t())", 1, "pass x.contiguous()"),
        Cause(
            "dtype", "x", "float32[4, 4]", "float64[4, 4]", "f(torch.ones(4, 4, dtype=torch.float64))", 1,
            "bring `x` to one dtype before the call: x.to(torch.float32)",
        ),
        Cause(
            "requires_grad", "x", "False", "True", "f(torch.ones(4, 4, requires_grad=True))", 1,
            GRADIENT, settled=True,
        ),
        Cause(
            "layout", "x", "stride [1, ?]", "stride [16, 2]", "f(torch.ones(8, 8)[::2, ::2])", 1,
            "pass x.contiguous()",
        ),
    ],
    "pt_dynamic_auto_ok": [
        Cause(
            "shape", "x", "float32[2]", "float32[3]", "f(torch.ones(n))", 1,
            f"{ANY_SIZE}; {MARKED}".format("x", 0), settled=True,
        ),
    ],
    "pt_dynamic_false_shapes": [
        Cause(
            "shape", "x", "float32[1]", "float32[8]", "f(torch.ones(n))", 7,
            "leave out dynamic=False: it asks for a graph per shape",
        ),
    ],
    "pt_float_arg_ok": [
        Cause(
            "python_value", "c", "0.5", "1.5", "f(torch.ones(4), 0.5 + i)", 1, ANY_VALUE.format("c"), settled=True
        ),
    ],
    "pt_fresh_callable_arg": [
        Cause(
            "identity", "g", "another function", "<lambda> (<string>:1)",
            'f(torch.ones(3), eval("lambda y: y + 1"))', 7,
            "make the function `g` once, and pass the same one",
        ),
    ],
    "pt_fullgraph_limit_error": [
        Cause(
            "shape", "x", "float32[1]", "float32[8]", "f(torch.ones(n))", 7,
            "leave out dynamic=False: it asks for a graph per shape",
        ),
    ],
    "pt_grad_mode": [
        Cause(
            "global_state", "grad_mode", "True", "False", "f(x)", 1, STATE.format("grad_mode"),
            settled=True, nth=2,
        ),
        Cause(
            "requires_grad", "x", "a tensor that autograd can track", "a tensor of inference mode",
            "f(torch.ones(3))", 1, GRADIENT, settled=True,
        ),
    ],
    "pt_int_arg_ok": [
        Cause("python_value", "n", "2", "3", "f(torch.ones(4), n)", 1, ANY_VALUE.format("n"), settled=True),
    ],
    "pt_last_batch_of_one": [
        Cause("shape", "x", "float32[32, 1]", "float32[1, 1]", "f(b)", 1, UNBACKED.format("the size of the others")),
    ],
    "pt_layer_idx": [
        Cause("requires_grad", "x", "False", "True", "x = l(x)", 1, "pass `x` always tracked by autograd, or never"),
        Cause(
            "attribute_value", "self.idx", "1", "7", "return x * self.w + self.idx", 6,
            "keep `self.idx` in a tensor: self.idx = torch.tensor(self.idx), or set"
            " torch._dynamo.config.allow_unspec_int_on_nn_module = True",
        ),
    ],
    "pt_list_grow": [
        Cause(
            "structure", "xs", "length 1", "length 8", "f(xs)", 7,
            "pass one tensor, torch.stack(xs): its size may vary",
        ),
    ],
    "pt_train_eval_ok": [
        Cause(
            "attribute_value", "m[1].training", "True", "False", "m.eval(); c(torch.ones(2, 3))", 1,
            "none needed: train and eval mode have their trace now", settled=True,
        ),
    ],
    "pt_zero_one_specialize": [
        Cause(
            "shape", "x", "float32[5]", "float32[6]", "f(torch.ones(n))", 1,
            f"{ANY_SIZE}; {MARKED}".format("x", 0), settled=True,
        ),
        Cause("shape", "x", "size 2 or more", "size 0", "f(torch.ones(n))", 2, UNBACKED.format("2 or more")),
    ],
}  # fmt: skip


def alternatives(advice: str) -> list[str]:
    """The ways that an advice offers, each to be shown by a twin; none where it says that none is needed."""
    if advice.startswith("none needed"):
        _, _, spared = advice.partition("; ")
        return [spared] if spared else []
    return advice.split(", or ")
