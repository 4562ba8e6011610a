"""A tf.function train loop that is traced again on every step, and why."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import tensorflow as tf

tf.random.set_seed(0)
weights = tf.Variable(tf.random.normal([8, 1]))


@tf.function
def train_step(batch, lr):
    with tf.GradientTape() as tape:
        error = batch["x"] @ weights - batch["y"]
        loss = tf.reduce_mean(tf.square(error))
    gradient = tape.gradient(loss, weights)
    if tf.norm(gradient) > 1.0:  # @branch
        gradient = tf.clip_by_norm(gradient, 1.0)
    for _ in range(4):  # @unrolled
        weights.assign_sub(lr / 4 * gradient)
    return loss


lr = 0.1
for rows in [16, 16, 7]:
    batch = {"x": tf.random.normal([rows, 8]), "y": tf.random.normal([rows, 1])}
    train_step(batch, lr)  # @call
    lr = lr * 0.5
print("done")
