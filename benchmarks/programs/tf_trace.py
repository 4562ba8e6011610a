"""Tracing itself: many functions, each traced for several shapes, with control flow and gradients."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import stretches
import tensorflow as tf


def make(depth):
    @tf.function
    def net(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            h = x
            for _ in range(depth):
                h = tf.nn.relu(h) * 2.0 + 1.0
            if tf.reduce_sum(h) > 0:
                h = h * 0.5
            loss = tf.reduce_mean(h)
        return tape.gradient(loss, x)

    return net


make(2)(tf.ones([2, 2]))
nets = [make(depth) for _ in range(3) for depth in (5, 10, 20, 40)]
stretches.run([lambda net=net, rows=rows: net(tf.ones([rows, 4])) for net in nets for rows in range(3, 9)])
