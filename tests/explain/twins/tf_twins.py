"""Programs for tf.function with the advice applied; each gives the functions to count."""

from __future__ import annotations

import tensorflow as tf

from explain.twins.registry import Twins

TWINS = Twins()


@TWINS.fix("tf_python_int_arg", "pass `n` as a tensor: tf.constant(n)", 1)
def number_as_constant():
    @tf.function
    def train(x, n):
        return x * tf.cast(n, tf.float32)

    for n in range(6):
        train(tf.ones(3), tf.constant(n))
    return [train]


@TWINS.fix(
    "tf_python_int_arg",
    "@tf.function(input_signature=[tf.TensorSpec([3], tf.float32), tf.TensorSpec([], tf.int32)])",
    1,
)
def number_by_signature():
    @tf.function(input_signature=[tf.TensorSpec([3], tf.float32), tf.TensorSpec([], tf.int32)])
    def train(x, n):
        return x * tf.cast(n, tf.float32)

    for n in range(6):
        train(tf.ones(3), n)
    return [train]


@TWINS.fix("tf_lr_decay_float", "pass `lr` as a tensor: tf.constant(lr)", 1)
def rate_as_constant():
    @tf.function
    def step(x, lr=0.1):
        return x - lr * x

    lr = 0.1
    for _ in range(6):
        step(tf.ones(4), lr=tf.constant(lr))
        lr *= 0.9
    return [step]


@TWINS.fix(
    "tf_lr_decay_float",
    "@tf.function(input_signature=[tf.TensorSpec([4], tf.float32), tf.TensorSpec([], tf.float32)])",
    1,
)
def rate_by_signature():
    @tf.function(input_signature=[tf.TensorSpec([4], tf.float32), tf.TensorSpec([], tf.float32)])
    def step(x, lr=0.1):
        return x - lr * x

    lr = 0.1
    for _ in range(6):
        step(tf.ones(4), lr=lr)
        lr *= 0.9
    return [step]


@TWINS.fix("tf_silent_slow_retrace", "pass `k` as a tensor: tf.constant(k)", 1)
def slow_number_as_constant():
    @tf.function
    def f(x, k):
        return x * tf.cast(k, tf.float32)

    for k in range(10):
        for _ in range(4):
            f(tf.ones(2), tf.constant(k))
    return [f]


@TWINS.fix(
    "tf_silent_slow_retrace",
    "@tf.function(input_signature=[tf.TensorSpec([2], tf.float32), tf.TensorSpec([], tf.int32)])",
    1,
)
def slow_number_by_signature():
    @tf.function(input_signature=[tf.TensorSpec([2], tf.float32), tf.TensorSpec([], tf.int32)])
    def f(x, k):
        return x * tf.cast(k, tf.float32)

    for call in range(40):
        f(tf.ones(2), call // 4)
    return [f]


@TWINS.fix("tf_unrolled_python_loop", "pass `n` as a tensor: tf.constant(n)", 1)
def turns_as_constant():
    @tf.function
    def f(x, n):
        for _ in range(n):
            x = x + 1.0
        return x

    for n in (10, 100):
        f(tf.zeros([]), tf.constant(n))
    return [f]


@TWINS.fix(
    "tf_unrolled_python_loop",
    "@tf.function(input_signature=[tf.TensorSpec([], tf.float32), tf.TensorSpec([], tf.int32)])",
    1,
)
def turns_by_signature():
    @tf.function(input_signature=[tf.TensorSpec([], tf.float32), tf.TensorSpec([], tf.int32)])
    def f(x, n):
        for _ in range(n):
            x = x + 1.0
        return x

    f(tf.zeros([]), 10)
    f(tf.zeros([]), 100)
    return [f]


@TWINS.fix("tf_shape_change", "@tf.function(reduce_retracing=True)", 2)
def sizes_relaxed():
    @tf.function(reduce_retracing=True)
    def f(x):
        return tf.reduce_sum(x * x)

    for n in range(1, 7):
        f(tf.ones(n))
    return [f]


@TWINS.fix("tf_shape_change", "@tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])", 1)
def sizes_by_signature():
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def f(x):
        return tf.reduce_sum(x * x)

    for n in range(1, 7):
        f(tf.ones(n))
    return [f]


@TWINS.fix("tf_dtype_change", "tf.cast(a, tf.float32); what is no number keeps a trace of its own", 2)
def numbers_of_one_dtype():
    @tf.function
    def double(a):
        return a + a

    for a in (tf.constant(1), tf.constant(1.1)):
        double(tf.cast(a, tf.float32))
    for a in (tf.constant("a"), tf.constant("b")):
        double(a)
    return [double]


@TWINS.fix(
    "tf_list_grow",
    "pass one tensor, tf.stack(xs), with @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32)])",
    1,
)
def one_stacked_tensor():
    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32)])
    def f(xs):
        return tf.reduce_sum(xs, axis=0)

    xs = []
    for _ in range(6):
        xs.append(tf.ones(2))
        f(tf.stack(xs))
    return [f]


@TWINS.fix("tf_fresh_object_arg", "make `cfg` once, before the first call, and pass the same object", 1)
def one_object():
    class Config:
        def __init__(self, scale):
            self.scale = scale

    @tf.function
    def f(cfg, x):
        return x * cfg.scale

    cfg = Config(2.0)
    for _ in range(6):
        f(cfg, tf.ones(2))
    return [f]


@TWINS.fix("tf_fresh_object_arg", "make its class a tf.experimental.ExtensionType", 1)
def objects_that_are_compared_by_contents():
    class Config(tf.experimental.ExtensionType):
        scale: float

    @tf.function
    def f(cfg, x):
        return x * cfg.scale

    for _ in range(6):
        f(Config(2.0), tf.ones(2))
    return [f]


@TWINS.fix("tf_function_in_loop", "make a tf.function of `f` once", 1)
def one_function():
    @tf.function
    def f(x):
        return x + 1.0

    for _ in range(6):
        f(tf.ones(3))
    return [f]


# --- causes that no case has ------------------------------------------------------------------


@TWINS.program
def rank_varies():
    @tf.function
    def f(x):
        return tf.reduce_sum(x)

    for rank in range(1, 5):
        f(tf.ones([2] * rank))
    return [f]


@TWINS.fix("rank_varies", "tf.reshape", 1)
def one_rank():
    @tf.function(reduce_retracing=True)
    def f(x):
        return tf.reduce_sum(x)

    for rank in range(1, 5):
        f(tf.reshape(tf.ones([2] * rank), [1, 1, 1, -1])[..., :2])
    return [f]


@TWINS.fix("rank_varies", "@tf.function(reduce_retracing=True)", 2)
def rank_relaxed():
    @tf.function(reduce_retracing=True)
    def f(x):
        return tf.reduce_sum(x)

    for rank in range(1, 5):
        f(tf.ones([2] * rank))
    return [f]


@TWINS.fix("rank_varies", "@tf.function(input_signature=[tf.TensorSpec(None, tf.float32)])", 1)
def rank_by_signature():
    @tf.function(input_signature=[tf.TensorSpec(None, tf.float32)])
    def f(x):
        return tf.reduce_sum(x)

    for rank in range(1, 5):
        f(tf.ones([2] * rank))
    return [f]


@TWINS.program
def sometimes_a_number():
    @tf.function
    def f(x, scale):
        return x * scale

    for scale in (2.0, tf.constant(2.0)):
        f(tf.ones(2), scale)
    return [f]


@TWINS.fix("sometimes_a_number", "always pass `scale` as a tensor: tf.convert_to_tensor(scale)", 1)
def always_a_tensor():
    @tf.function
    def f(x, scale):
        return x * scale

    for scale in (2.0, tf.constant(2.0)):
        f(tf.ones(2), tf.convert_to_tensor(scale))
    return [f]


@TWINS.program
def grown_list_beside_a_tensor():
    @tf.function
    def f(xs, y):
        return tf.add_n(xs) * y

    for n in range(1, 5):
        f([tf.ones(2)] * n, tf.ones(2))
    return [f]


@TWINS.fix(
    "grown_list_beside_a_tensor",
    "pass one tensor, tf.stack(xs), with @tf.function(reduce_retracing=True)",
    2,
)
def one_stacked_tensor_beside_a_tensor():
    @tf.function(reduce_retracing=True)
    def f(xs, y):
        return tf.reduce_sum(xs, axis=0) * y

    for n in range(1, 5):
        xs = [tf.ones(2)] * n
        f(tf.stack(xs), tf.ones(2))
    return [f]


@TWINS.program
def compiled_by_xla():
    @tf.function(jit_compile=True)
    def f(x):
        return tf.reduce_sum(x)

    for n in range(1, 5):
        f(tf.ones(n))
    return [f]


@TWINS.fix("compiled_by_xla", "@tf.function(jit_compile=True, reduce_retracing=True)", 2)
def compiled_by_xla_relaxed():
    @tf.function(jit_compile=True, reduce_retracing=True)
    def f(x):
        return tf.reduce_sum(x)

    for n in range(1, 5):
        f(tf.ones(n))
    return [f]


@TWINS.fix(
    "compiled_by_xla",
    "@tf.function(jit_compile=True, input_signature=[tf.TensorSpec([None], tf.float32)])",
    1,
)
def compiled_by_xla_by_signature():
    @tf.function(jit_compile=True, input_signature=[tf.TensorSpec([None], tf.float32)])
    def f(x):
        return tf.reduce_sum(x)

    for n in range(1, 5):
        f(tf.ones(n))
    return [f]
