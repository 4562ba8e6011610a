"""A train loop in a `tf.function`."""

import tensorflow as tf
from steps import run

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
tf.random.set_seed(0)
net = tf.keras.Sequential([tf.keras.layers.Dense(512, activation="gelu"), tf.keras.layers.Dense(256)])
net.build((None, 256))
x = tf.random.normal([256, 256])  # batch, features


@tf.function
def train():
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(net(x) ** 2)
    for variable, gradient in zip(
        net.trainable_variables, tape.gradient(loss, net.trainable_variables), strict=True
    ):
        variable.assign_sub(1e-3 * gradient)
    return loss


run(train, 150)
