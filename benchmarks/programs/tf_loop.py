"""Steady state of a tf.function: thousands of calls that hit the trace cache."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import stretches
import tensorflow as tf


@tf.function
def step(x, w):
    return tf.reduce_mean(tf.nn.relu(x @ w))


x, w = tf.ones([32, 64]), tf.ones([64, 64])
for _ in range(200):
    step(x, w)
stretches.run(stretches.of(lambda: step(x, w), 8000))
