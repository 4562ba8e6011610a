"""Steady state of a traced train step of a small net of depthwise-separable convolutions."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import stretches
import tensorflow as tf

tf.random.set_seed(0)
depths = [tf.Variable(tf.random.normal([3, 3, 8, 1]) * 0.1) for _ in range(4)]
points = [tf.Variable(tf.random.normal([1, 1, 8, 8]) * 0.1) for _ in range(4)]


@tf.function
def step(x):
    with tf.GradientTape() as tape:
        y = x
        for depth, point in zip(depths, points, strict=True):
            y += tf.nn.relu6(tf.nn.separable_conv2d(y, depth, point, [1, 1, 1, 1], "SAME"))
        loss = tf.reduce_mean(y * y)
    for variable, gradient in zip(depths + points, tape.gradient(loss, depths + points), strict=True):
        variable.assign_sub(0.001 * gradient)
    return loss


x = tf.random.uniform([2, 8, 8, 8])
for _ in range(50):
    step(x)
stretches.run(stretches.of(lambda: step(x), 2000))
