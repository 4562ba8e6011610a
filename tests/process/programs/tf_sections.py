"""What programs do with TensorFlow, one section after the other; each prints what it has seen."""

import gc
import os
import random
import sys
import threading
import weakref

import numpy as np
import tensorflow as tf


def layers():
    tf.keras.utils.set_random_seed(0)
    return tf.keras.Sequential([tf.keras.layers.Dense(3, activation="relu"), tf.keras.layers.Dense(1)])


def eager_loop():
    weight = tf.Variable(tf.ones([2, 1]))
    optimizer = tf.keras.optimizers.SGD(0.1)
    for _ in range(4):
        with tf.GradientTape(persistent=True) as tape:
            loss = tf.reduce_mean(tf.square(tf.matmul(tf.ones([3, 2]), weight)))
        optimizer.apply_gradients([(tape.gradient(loss, weight), weight)])
    print(
        loss.numpy(), float(loss), bool(loss > 0), weight.numpy().tolist(), tape.jacobian(loss, weight).shape
    )


def random_streams():
    tf.random.set_seed(1)
    random.seed(1)
    np.random.seed(1)
    print(tf.random.normal([2]).numpy(), random.random(), np.random.rand(), layers()(tf.ones([1, 2])).numpy())


def retraces():
    traced = []

    @tf.function
    def f(x, n=1):
        traced.append(x.shape)
        for _ in tf.range(3):
            x = tf.cond(tf.reduce_sum(x) > 0, lambda x=x: x - n, lambda x=x: x + n)
        return x

    for x in (tf.ones([2]), tf.ones([3]), tf.ones([2]), tf.ones([2, 2])):
        f(x)
    f(tf.ones([2]), 2)
    print(traced, f.experimental_get_tracing_count(), f.pretty_printed_concrete_signatures().count("Input"))
    with tf.GradientTape() as tape:
        x = tf.constant([5.0])
        tape.watch(x)
        y = f(x)
    print(tape.gradient(y, x).numpy(), [op.type for op in f.get_concrete_function(x).graph.get_operations()])


def keras():
    model = layers()
    model.compile("sgd", "mse")
    history = model.fit(np.ones([8, 2]), np.ones([8]), epochs=2, batch_size=4, verbose=0, shuffle=False)
    eager = layers()
    eager.compile("sgd", "mse", run_eagerly=True)
    print(
        history.history,
        eager.fit(np.ones([4, 2]), np.ones([4]), verbose=0).history,
        model.predict(np.ones([2, 2]), verbose=0),
    )


def datasets():
    data = tf.data.Dataset.range(6).map(lambda x: x * 2, num_parallel_calls=2).batch(2).prefetch(1)
    print([batch.numpy().tolist() for batch in data])
    names = tf.data.Dataset.range(2).map(lambda x: tf.py_function(lambda y: y.numpy() + 1, [x], tf.int64))
    print([int(one) for one in names])
    print([x for x in tf.data.Dataset.from_generator(lambda: iter([1, 2]), tf.int32).as_numpy_iterator()])


def distributed():
    devices = tf.config.list_logical_devices("CPU")
    strategy = tf.distribute.MirroredStrategy([device.name for device in devices])
    with strategy.scope():
        weight = tf.Variable(1.0)

    @tf.function
    def step():
        def replica():
            return weight * tf.cast(
                tf.distribute.get_replica_context().replica_id_in_sync_group + 1, tf.float32
            )

        return strategy.reduce(tf.distribute.ReduceOp.SUM, strategy.run(replica), axis=None)

    print(len(devices), step().numpy(), step().numpy())


def calls_back():
    @tf.function
    def f(x):
        return tf.numpy_function(lambda y: y + np.float32(threading.active_count() > 0), [x], tf.float32)

    @tf.custom_gradient
    def doubled(x):
        return x * 2, lambda upstream: upstream * 7

    x = tf.constant(1.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = doubled(x)
    print(f(tf.ones([2])).numpy(), tape.gradient(y, x).numpy())


def errors():
    for attempt in (
        lambda: tf.ones([2]) @ tf.ones([3]),
        lambda: tf.function(lambda x: x + tf.ones([3]))(tf.ones([2])),
        lambda: tf.debugging.assert_equal(tf.constant(1), 2, "not equal"),
    ):
        try:
            attempt()
        except Exception as error:  # whatever it is, the text is the same
            print(type(error).__name__, error)


def lifetimes():
    def work():
        x = tf.ones([3])
        y = x * 2
        y.numpy()
        return weakref.ref(x), weakref.ref(y)

    late = sum(one() is not None for _ in range(500) for one in work())
    model = layers()
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(tf.ones([1, 2])))
    gradients = tape.gradient(loss, model.trainable_variables)
    references = [weakref.ref(one) for one in (tape, loss, *gradients)]
    del tape, loss, gradients
    print("late", late, [one() for one in references])


def threads():
    def work():
        results.append(float(tf.reduce_sum(tf.ones([3]) * 2)))

    results = []
    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(results, threading.active_count(), gc.isenabled(), sys.gettrace(), sys.getprofile())


def forked():
    """A child of a process that has used TensorFlow: it may use no more of it than Python."""
    sys.stdout.flush()
    child = os.fork()
    if not child:
        print("child", tf.__name__, threading.active_count(), flush=True)
        os._exit(4)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def both():
    import torch

    x = torch.ones(2, requires_grad=True)
    (x * float(tf.reduce_sum(tf.ones([2])))).sum().backward()
    compiled = torch.compile(lambda t: t + 1, backend="eager")
    print(
        x.grad,
        compiled(torch.ones(1)),
        torch._dynamo.utils.counters["stats"],
        tf.function(lambda t: t + 1)(1),
    )


tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
SECTIONS = [
    eager_loop, random_streams, retraces, keras, datasets, distributed, calls_back, errors, lifetimes, threads,
    forked, both,
]  # fmt: skip
for section in SECTIONS:
    print("---", section.__name__, flush=True)
    section()
