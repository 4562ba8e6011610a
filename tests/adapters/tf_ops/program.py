"""Prints what it computes, in many ways, and ends with an error; the tests run it alone and recorded."""

import os
import threading

os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy as np
import tensorflow as tf

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
keras.utils.set_random_seed(1)


def fit(run_eagerly):
    net = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, "relu"), keras.layers.Dropout(0.5)])
    net.compile("adam", "mse", run_eagerly=run_eagerly)
    net.fit(np.ones([8, 3], "f4"), np.ones([8, 4], "f4"), batch_size=4, epochs=2, verbose=0)
    print([weight.numpy().sum() for weight in net.weights], net.predict(np.ones([2, 3]), verbose=0).sum())


@tf.function
def compiled(x):
    return tf.reduce_sum(tf.sin(x))


def train(name):
    w = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
    for _ in range(3):
        with tf.GradientTape() as tape:
            loss = compiled(tf.matmul(w, w)) + tf.reduce_mean(w)
        w.assign_sub(0.01 * tape.gradient(loss, w))
    results[name] = w.numpy().tolist()


def replica(x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(tf.square(x))
    return tape.gradient(y, x)


results = {}
fit(run_eagerly=True)
fit(run_eagerly=False)
threads = [threading.Thread(target=train, args=(name,)) for name in "ab"]
for thread in threads:
    thread.start()
    thread.join()
train("main")
print(results)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
print(strategy.experimental_local_results(strategy.run(replica, args=(tf.constant([1.0, 2.0]),))))
data = tf.data.Dataset.range(6).map(lambda x: tf.py_function(lambda x: x + 1, [x], tf.int64))
print([int(value) for value in data], compiled.experimental_get_tracing_count())
if (pid := os.fork()) == 0:
    print("child", tf.nn.softsign(tf.constant(1.0)).numpy(), flush=True)
    raise SystemExit(0)
os.waitpid(pid, 0)
tf.matmul(tf.ones([1, 2]), tf.ones([1, 2]))
