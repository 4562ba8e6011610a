"""Small TensorFlow programs: each returns (a step, its state, the `tf.function`s whose traces are counted).

Everything in them is drawn from seeds, so that two of one program give the same, bit for bit.
"""

from __future__ import annotations

import tempfile

import numpy as np
import tensorflow as tf

PROGRAMS = {}


def program(make):
    PROGRAMS[make.__name__] = make
    return make


def normal(shape, seed):
    return tf.random.stateless_normal(shape, [seed, seed + 1])


def train(*layers, rows=8):
    """A Keras model of these layers, trained on one batch in each step."""
    import keras

    model = keras.Sequential([keras.Input((8,)), *layers])
    model.compile(keras.optimizers.Adam(0.01), "mse", jit_compile=False)
    return trained(model, rows)


def trained(model, rows=8):
    x, y = normal([rows, 8], 1), normal([rows, 1], 3)

    def state():
        return [v.value for v in model.weights] + [v.value for v in model.optimizer.variables]

    return (lambda i: model.train_on_batch(x, y)), state, []


@program
def tape_inside_and_adam():
    import keras

    w, b, u = tf.Variable(normal([8, 16], 5)), tf.Variable(tf.zeros([16])), tf.Variable(normal([16, 1], 7))
    x, y = normal([32, 8], 1), normal([32, 1], 3)
    optimizer = keras.optimizers.Adam(0.01)
    optimizer.build([w, b, u])

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            h = tf.nn.relu(x @ w + b)
            loss = tf.reduce_mean((h @ u - y) ** 2)
        gradients = tape.gradient(loss, [w, b, u])
        optimizer.apply_gradients(zip(gradients, [w, b, u], strict=True))
        return loss

    return (lambda i: step()), (lambda: [w, b, u, *[v.value for v in optimizer.variables]]), [step]


@program
def tape_outside_of_cond_and_while():
    w, u = tf.Variable(normal([8, 16], 5)), tf.Variable(normal([16, 1], 7))
    x, y = normal([32, 8], 1), normal([32, 1], 3)

    @tf.function
    def forward():
        h = tf.nn.tanh(x @ w)
        for _ in tf.range(3):
            h = tf.sin(h) * 1.1
        if tf.reduce_sum(h) > 0:
            h = h * 2
        return tf.reduce_mean((h @ u - y) ** 2)

    def step(i):
        with tf.GradientTape() as tape:
            loss = forward()
        gradients = tape.gradient(loss, [w, u])
        w.assign_sub(0.1 * gradients[0])
        u.assign_sub(0.1 * gradients[1])
        return [loss, *gradients]

    return step, (lambda: [w, u]), [forward]


@program
def keras_mlp_with_dropout_and_batch_normalization():
    from keras import layers

    return train(
        layers.Dense(16, activation="relu"), layers.Dropout(0.3), layers.BatchNormalization(), layers.Dense(1)
    )


@program
def keras_conv():
    from keras import layers

    return train(
        layers.Reshape((4, 2, 1)),
        layers.Conv2D(4, 2, padding="same", activation="relu"),
        layers.MaxPooling2D((2, 1)),
        layers.Flatten(),
        layers.Dense(1),
    )


@program
def keras_lstm():
    from keras import layers

    return train(layers.Reshape((8, 1)), layers.LSTM(3), layers.Dense(1), rows=4)


@program
def keras_attention():
    import keras
    from keras import layers

    given = keras.Input((8,))
    h = layers.Reshape((4, 2))(given)
    h = layers.MultiHeadAttention(2, 4)(h, h)
    h = layers.Flatten()(layers.LayerNormalization()(h))
    model = keras.Model(given, layers.Dense(1)(h))
    model.compile(keras.optimizers.Adam(0.01), "mse", jit_compile=False)
    return trained(model)


@program
def keras_fit_and_predict():
    import keras

    model = keras.Sequential(
        [keras.Input((8,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(1)]
    )
    model.compile("sgd", "mse", jit_compile=False)
    x, y = normal([16, 8], 1), normal([16, 1], 3)
    dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(8)

    def step(i):
        return [*model.fit(dataset, epochs=1, verbose=0).history["loss"], model.predict(x, verbose=0)]

    return step, (lambda: [v.value for v in model.weights]), []


@program
def keras_model_of_ones_own():
    import keras

    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.inner = keras.layers.Dense(4)
            self.out = keras.layers.Dense(1)

        def call(self, x, training=False):
            h = self.inner(x)
            if training:
                h = tf.nn.relu(h)
            return self.out(h)

    model = Own()
    model.compile("sgd", "mse", jit_compile=False)
    x, y = normal([8, 3], 1), normal([8, 1], 3)
    return (lambda i: model.train_on_batch(x, y)), (lambda: [v.value for v in model.weights]), []


@program
def adam_alone():
    import keras

    w = tf.Variable(normal([5], 5))
    optimizer = keras.optimizers.Adam(0.1)
    optimizer.build([w])

    @tf.function
    def step(g):
        optimizer.apply_gradients([(g, w)])

    return (lambda i: step(normal([5], i))), (lambda: [w]), [step]


@program
def nested_loops_with_break_and_variables():
    v = tf.Variable(1.0)

    @tf.function
    def step(n):
        total = tf.constant(0.0)
        for i in tf.range(n):
            if i == 3:
                break
            j = 0
            while j < i:
                total += v * tf.cast(i * j, tf.float32)
                v.assign_add(0.5)
                j += 1
        return total

    return (lambda i: step(tf.constant(i + 3))), (lambda: [v]), [step]


@program
def gradients_of_loops_and_branches():
    w = tf.Variable(normal([4], 5))

    @tf.function
    def step(n):
        with tf.GradientTape() as tape:
            y = w
            for i in tf.range(n):
                if tf.reduce_sum(y) > 0:  # noqa: SIM108  that is the subject
                    y = tf.sin(y) * tf.cast(i, tf.float32)
                else:
                    y = tf.cos(y) + w
            loss = tf.reduce_sum(y)
        return loss, tape.gradient(loss, w)

    return (lambda i: step(tf.constant(i + 1))), (lambda: [w]), [step]


@program
def tensor_array():
    @tf.function
    def step(x):
        array = tf.TensorArray(tf.float32, size=0, dynamic_size=True)
        i = 0
        while tf.reduce_sum(x) < 200.0:
            x = x * 1.5
            array = array.write(i, tf.reduce_sum(x))
            i += 1
        return array.stack(), i

    return (lambda i: step(tf.ones([4, 2]) * (i + 1.0))), list, [step]


@program
def map_fn_and_scan():
    @tf.function
    def step(x):
        return (
            tf.map_fn(lambda row: row * 2 + 1, x),
            tf.scan(lambda a, b: a + b, x),
            tf.vectorized_map(tf.sin, x),
        )

    return (lambda i: step(normal([3, 2], i))), list, [step]


@program
def python_functions():
    seen = []

    def double(x):
        seen.append(float(x.numpy().sum()) if hasattr(x, "numpy") else float(x.sum()))
        return x * 2

    @tf.function
    def step(x):
        y = tf.py_function(double, [x], tf.float32)
        z = tf.numpy_function(double, [x], tf.float32)
        return y + z

    return (lambda i: step(normal([3], i))), (lambda: [np.array(seen)]), [step]


@program
def lookup_table():
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a", "b"], [1, 2]), -1)

    @tf.function
    def step(keys):
        return table.lookup(keys) + 1

    return (lambda i: step(tf.constant(["a", "b", "z"][: i + 1]))), list, [step]


@program
def strings():
    @tf.function
    def step(words, i):
        return tf.strings.join([words, tf.strings.as_string(i)], "-"), tf.strings.length(words)

    return (lambda i: step(tf.constant(["x", "yy"]), tf.constant(i))), list, [step]


@program
def ragged():
    @tf.function
    def step(x):
        doubled = x * 2
        return tf.reduce_sum(doubled, axis=1), doubled

    return (lambda i: step(tf.ragged.constant([[1, 2], [3 + i]]))), list, [step]


@program
def sparse():
    @tf.function
    def step(v):
        s = tf.SparseTensor([[0, 1], [2, 2]], v, [3, 3])
        dense = tf.sparse.to_dense(s)
        return dense, tf.sparse.sparse_dense_matmul(s, dense)

    return (lambda i: step(normal([2], i))), list, [step]


@program
def switch_case():
    @tf.function
    def step(i, x):
        return tf.switch_case(i % 3, [lambda: tf.sin(x), lambda: x * 2, lambda: x - 1])

    return (lambda i: step(tf.constant(i), normal([2], 1))), list, [step]


@program
def custom_gradient():
    @tf.custom_gradient
    def clipped(x):
        def gradient(upstream):
            return tf.clip_by_value(upstream * 2.0, -1.0, 1.0)

        return tf.exp(x), gradient

    @tf.function
    def inner(x):
        return tf.reduce_sum(clipped(x) * x)

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = inner(x)
        return y, tape.gradient(y, x)

    def both(i):
        x = normal([3], i)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = inner(x)
        return [*step(x), y, tape.gradient(y, x)]

    return both, list, [step, inner]


@program
def random_generator():
    generator = tf.random.Generator.from_seed(3)

    @tf.function
    def step():
        return generator.normal([3]), tf.random.stateless_uniform([2], [1, 2])

    return (lambda i: step()), (lambda: [generator.state]), [step]


@program
def dataset_iterator():
    iterator = iter(tf.data.Dataset.range(10).map(lambda x: x * 2).batch(4).repeat())

    @tf.function
    def step():
        return next(iterator) + 1

    return (lambda i: step()), list, [step]


@program
def dataset_in_a_loop():
    @tf.function
    def step(dataset):
        total = tf.constant(0, tf.int64)
        for x in dataset:
            total += x * x
        return total

    dataset = tf.data.Dataset.range(5)
    return (lambda i: step(dataset)), list, [step]


@program
def second_order():
    w = tf.Variable([[1.0, 2.0], [3.0, 4.0]])

    @tf.function
    def f(x):
        return tf.reduce_sum(tf.tanh(x @ w) ** 3)

    def step(i):
        x = normal([2, 2], i)
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = f(x)
            gradient = tape.gradient(y, x)
        return y, gradient, outer.gradient(gradient, x)

    return step, (lambda: [w]), [f]


@program
def forward_mode():
    @tf.function
    def f(x):
        return tf.reduce_sum(tf.sin(x) * x)

    def step(i):
        x = normal([3], i)
        with tf.autodiff.ForwardAccumulator(x, tf.ones_like(x)) as accumulator:
            y = f(x)
        return y, accumulator.jvp(y)

    return step, list, [f]


@program
def jacobian_and_hessian():
    @tf.function
    def step(x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = x**3
            gradient = tape.gradient(y, x)
        return outer.jacobian(gradient, x)

    return (lambda i: step(normal([3], i))), list, [step]


@program
def saved_model():
    class Saved(tf.Module):
        def __init__(self):
            self.v = tf.Variable(2.0)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
        def f(self, x):
            if tf.reduce_sum(x) > 0:
                x = x * self.v
            self.v.assign_add(1.0)
            return tf.sin(x)

    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(Saved(), folder)
        loaded = tf.saved_model.load(folder)
    return (lambda i: loaded.f(tf.ones([3 + i]))), (lambda: [loaded.v]), []


@program
def nested_functions_and_methods():
    class Layer(tf.Module):
        def __init__(self, seed):
            self.w = tf.Variable(normal([3, 3], seed))

        @tf.function
        def __call__(self, x, scale=2.0):
            return tf.nn.relu(x @ self.w) * scale

    first, second = Layer(1), Layer(3)

    @tf.function
    def step(x):
        for layer in (first, second):
            x = layer(x)
        return layer(x, scale=0.5), [x, {"x": x}]

    return (lambda i: step(normal([2, 3], i))), (lambda: [first.w]), [step]


@program
def concrete_function():
    @tf.function
    def f(x, y):
        return x * 2 + y, x, x, tf.constant(3.0)

    concrete = f.get_concrete_function(tf.TensorSpec([2]), tf.TensorSpec([]))
    return (lambda i: concrete(normal([2], i), tf.constant(1.0 * i))), list, [f]


@program
def inputs_are_returned():
    @tf.function
    def f(x):
        return x, x, tf.constant([1.0, 2.0])

    def step(i):
        x = normal([2], i)
        with tf.GradientTape() as tape:
            tape.watch(x)
            a, b, c = f(x)
            y = a * b * c
        return y, tape.gradient(y, x)

    return step, list, [f]


@program
def assertions_and_einsum():
    @tf.function
    def step(x):
        tf.debugging.assert_greater(tf.reduce_sum(x * x), 0.0)
        values, index = tf.unique(tf.constant([1, 1, 2]))
        left, right = tf.split(x, 2, axis=0)
        return tf.einsum("ij,kj->ik", left, right), values, index, tf.linalg.inv(x + tf.eye(4) * 9)

    return (lambda i: step(normal([4, 4], i))), list, [step]


@program
def first_call_makes_a_variable():
    class Lazy:
        v = None

        @tf.function
        def __call__(self, x):
            if self.v is None:
                self.v = tf.Variable(tf.ones([2]))
            self.v.assign_add(x)
            return self.v * 2

    lazy = Lazy()
    return (lambda i: lazy(normal([2], i))), (lambda: [lazy.v]), []


@program
def mirrored_strategy():
    import keras

    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        model = keras.Sequential(
            [keras.Input((8,)), keras.layers.Dense(4, activation="relu"), keras.layers.Dense(1)]
        )
        model.compile("sgd", "mse", jit_compile=False)
    x, y = np.linspace(-1, 1, 64).reshape(8, 8).astype("f4"), np.ones((8, 1), "f4")

    def step(i):
        return model.fit(x, y, batch_size=8, epochs=1, verbose=0).history["loss"]

    return step, (lambda: [v.value for v in model.weights]), []


@program
def strategy_of_ones_own_with_nested_functions():
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        v = tf.Variable(1.0, aggregation=tf.VariableAggregation.MEAN)

    @tf.function
    def inner(x):
        return tf.sin(x) * 2.0

    def replica(x):
        v.assign_add(x)
        return v * tf.distribute.get_replica_context().all_reduce("sum", inner(x))

    @tf.function
    def step(x):
        return strategy.reduce("sum", strategy.run(replica, (x,)), axis=None)

    return (lambda i: step(tf.constant(1.0 + i))), (lambda: [v.read_value()]), [step]
