"""A tf.function whose loss becomes NaN in its second step."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import tensorflow as tf


def scale(x, by):
    y = x * by
    return y + 1.0  # @scaled


@tf.function
def step(weight, batch):
    for turn in tf.range(2):
        batch = scale(batch, tf.cast(turn, tf.float32) + 2.0)
    error = batch * weight - 24.0
    return tf.reduce_mean(tf.math.log(error))  # @loss


weight = tf.constant([2.0, 3.0])
for start in (3.0, 1.0):
    step(weight, tf.constant([start, start]))
print("done")
