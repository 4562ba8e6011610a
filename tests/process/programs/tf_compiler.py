"""What programs ask of TensorFlow's compilers, with torch imported first; each section prints what it has seen."""

import contextlib
import gc
import io
import logging
import re
import sys
import tempfile
import threading
import traceback
import warnings
import weakref

import torch  # isort: skip  before TensorFlow: another program imports it after
import numpy as np
import tensorflow as tf

ODD = re.compile(r"0x[0-9a-f]+|/tmp/\S*|\b\d{6,}\b")


def frames(error):
    """The program's own in a traceback, in their order."""
    found = traceback.extract_tb(error.__traceback__)
    return [(frame.name, frame.lineno) for frame in found if frame.filename == __file__]


def xla():
    traced = []

    @tf.function(jit_compile=True)
    def f(x):
        traced.append(str(x.shape))
        return tf.reduce_sum(tf.sin(x) ** 2) + tf.cast(tf.shape(x)[0], tf.float32)

    for n in (2, 3, 2):
        f(tf.ones([n]))
    x = tf.Variable(tf.ones([4]))
    with tf.GradientTape() as tape:
        y = f(x)
    print(traced, f.experimental_get_tracing_count(), tape.gradient(y, x).numpy())
    print("HloModule" in f.experimental_get_compiler_ir(tf.ones([2]))(stage="hlo"))

    @tf.function(jit_compile=True)
    def unknown(x):
        return tf.unique(x).y

    try:
        unknown(tf.ones([2]))
    except Exception as error:
        print(type(error).__name__, frames(error))


def retracing():
    """The warning that a function is traced too often, and the text of what was traced."""
    told = []
    handler = logging.Handler()
    handler.emit = lambda record: told.append(ODD.sub("", record.getMessage())[:100])
    tf.get_logger().addHandler(handler)

    @tf.function
    def f(x, n):
        return x + n

    for n in range(9):
        f(tf.ones([2]), n)
    reduced = tf.function(lambda x: x + 1, reduce_retracing=True)
    for n in range(1, 5):
        reduced(tf.ones([n]))
    tf.get_logger().removeHandler(handler)
    print(told, f.experimental_get_tracing_count(), reduced.experimental_get_tracing_count())


def autograph():
    """What AutoGraph converts, told by itself; and what it cannot convert."""

    def loop(x):
        for n in tf.range(3):
            if tf.reduce_sum(x) > 4.0:
                x -= tf.cast(n, tf.float32)
            else:
                x += 1.0
        return x

    print(tf.autograph.to_code(loop))
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        tf.autograph.set_verbosity(3, alsologtostdout=True)
        tf.function(loop)(tf.ones([2]))
        tf.autograph.set_verbosity(0, alsologtostdout=False)
    lines = [
        ODD.sub("", line) for line in text.getvalue().splitlines() if line.startswith(("Converted", "INFO"))
    ]
    print(lines)
    plain = tf.autograph.experimental.do_not_convert(loop)
    try:
        tf.function(plain)(tf.ones([2]))
    except Exception as error:
        print(type(error).__name__, str(error)[:60], frames(error))


def tracebacks():
    """Errors of graphs and of their tracing, with all of TensorFlow's own frames and without."""

    def inner(x):
        raise KeyError("mine")

    @tf.function
    def outer(x):
        return inner(x)

    @tf.function
    def late(x):
        tf.debugging.assert_equal(x, 7.0, "not seven")
        return x

    for is_filtered in (True, False):
        getattr(tf.debugging, f"{'enable' if is_filtered else 'disable'}_traceback_filtering")()
        for attempt in (outer, late, lambda x: x @ x):
            try:
                attempt(tf.ones([2]))
            except Exception as error:
                print(is_filtered, type(error).__name__, ODD.sub("", str(error))[:300], frames(error))
                found = [f.filename for f in traceback.extract_tb(error.__traceback__)]
                print(len(found) if is_filtered else len(found) > 2)
    tf.debugging.enable_traceback_filtering()


def saved():
    """Models and functions that are saved and loaded."""

    class Module(tf.Module):
        def __init__(self):
            super().__init__()
            self.weight = tf.Variable(2.0)

        @tf.function(input_signature=[tf.TensorSpec([None])])
        def __call__(self, x):
            return x * self.weight

    with tempfile.TemporaryDirectory() as folder:
        module = Module()
        tf.saved_model.save(module, folder)
        loaded = tf.saved_model.load(folder)
        print(loaded(tf.ones([3])).numpy(), list(loaded.signatures))
        model = tf.keras.Sequential([tf.keras.layers.Dense(1, kernel_initializer="ones")])
        model(tf.ones([1, 2]))
        model.save(f"{folder}/model.keras")
        print(tf.keras.models.load_model(f"{folder}/model.keras")(tf.ones([1, 2])).numpy())
        checkpoint = tf.train.Checkpoint(weight=module.weight)
        path = checkpoint.save(f"{folder}/weights")
        module.weight.assign(9.0)
        checkpoint.restore(path).assert_consumed()
        print(module.weight.numpy())


def switches():
    calls = []

    @tf.function
    def f(x):
        calls.append(tf.inside_function())
        return x + 1

    tf.config.run_functions_eagerly(True)
    f(tf.ones([1])), f(tf.ones([1]))
    tf.config.run_functions_eagerly(False)
    f(tf.ones([1])), f(tf.ones([1]))
    print(calls, f.experimental_get_tracing_count())
    tf.debugging.enable_check_numerics()
    try:
        tf.math.log(tf.constant(-1.0))
    except tf.errors.InvalidArgumentError as error:
        print(error.message.splitlines()[0])
    finally:
        tf.debugging.disable_check_numerics()
    graph = tf.Graph()
    with graph.as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, [None])
        print(session.run(tf.reduce_sum(x * 2), {x: [1.0, 2.0]}), len(graph.get_operations()))
    tf.config.experimental.enable_op_determinism()
    tf.random.set_seed(4)
    print(tf.random.uniform([2]).numpy(), tf.function(lambda: tf.random.normal([1]))().numpy())


def derivatives():
    x = tf.constant(2.0)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x**3
        first = tape.gradient(y, x)
    print(first.numpy(), outer.gradient(first, x).numpy())
    with tf.autodiff.ForwardAccumulator(x, tf.constant(1.0)) as forward:
        y = tf.sin(x)
    print(forward.jvp(y).numpy(), tf.vectorized_map(lambda v: v * v, tf.range(3.0)).numpy())
    recomputed = tf.recompute_grad(lambda v: tf.exp(v) * 2)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = recomputed(x)
    print(tape.gradient(y, x).numpy())
    from keras import ops

    print(ops.softmax(np.zeros(3)).numpy(), ops.vectorized_map(lambda v: v * 2, ops.ones([3])).numpy())


def composite():
    """Tensors of parts, types of the program's own, and dispatch."""

    class Pair(tf.experimental.ExtensionType):
        a: tf.Tensor
        b: tf.Tensor

    @tf.experimental.dispatch_for_api(tf.add, {"x": Pair})
    def add(x, y, name=None):
        return Pair(x.a + y, x.b - y)

    summed = tf.function(lambda pair: tf.add(pair, 1.0))(Pair(tf.ones([2]), tf.ones([2])))
    ragged = tf.function(lambda r: r * 2)(tf.ragged.constant([[1, 2], [3]]))
    sparse = tf.sparse.to_dense(tf.sparse.from_dense([0, 1, 0]))
    print(summed, ragged, sparse.numpy())


def lifetimes():
    gone = []
    for _ in range(3):
        f = tf.function(lambda x: x + 1)
        f(tf.ones([2]))
        gone.append(weakref.ref(f))
        graph = weakref.ref(f.get_concrete_function(tf.ones([2])).graph)
        del f
        gc.collect()
        gone.append(graph)
    print([one() for one in gone])
    model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.ones([2, 2]), np.ones([2]), verbose=0)
    reference = weakref.ref(model)
    del model
    gc.collect()
    print(reference() is None)


def strict():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        f = tf.function(lambda x: tf.reduce_sum(x) * 2)
        worker = threading.Thread(target=f, args=(tf.ones([3]),))
        worker.start()
        worker.join()
        print(
            f(tf.ones([2])).numpy(),
            tf.function(lambda: (tf.print("printed", output_stream=sys.stdout), 1)[1])(),
        )
    sys.setrecursionlimit(300)
    try:
        tf.function(lambda n: deep(n))(tf.constant(1))
    except Exception as error:
        print(type(error).__name__, "maximum recursion depth exceeded" in str(error))
    sys.setrecursionlimit(1000)


def deep(n):
    return deep(n + 1)


def training():
    """Keras with callbacks that look at what is trained, on both frameworks' numbers."""
    tf.keras.utils.set_random_seed(0)
    seen = []
    note = tf.keras.callbacks.LambdaCallback(
        on_batch_end=lambda batch, logs: seen.append((batch, sorted(logs)))
    )
    model = tf.keras.Sequential([tf.keras.layers.Dense(2, "tanh"), tf.keras.layers.Dense(1)])
    for is_jit in (False, True):
        model.compile("adam", "mse", jit_compile=is_jit, metrics=["mae"])
        data = torch.ones(8, 2).numpy(), np.ones([8])
        history = model.fit(*data, batch_size=4, epochs=2, verbose=0, shuffle=False, callbacks=[note])
        print({name: [round(one, 5) for one in values] for name, values in history.history.items()})
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        model.fit(*data, batch_size=4, verbose=2)
    print(re.sub(r"\d+m?s\b", "", text.getvalue()))
    print(seen[:4], len(seen), model.evaluate(*data, verbose=0)[0] >= 0)


SECTIONS = [
    xla, retracing, autograph, tracebacks, saved, switches, derivatives, composite, lifetimes, strict, training,
]  # fmt: skip
for section in SECTIONS:
    if sys.argv[1:] and section.__name__ not in sys.argv[1:]:
        continue
    print("---", section.__name__, flush=True)
    section()
