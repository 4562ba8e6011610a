"""Eager training by hand: a tape, a few layers, an update. The number of units is the argument (512)."""

import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import tensorflow as tf

UNITS = int(sys.argv[1]) if len(sys.argv) > 1 else 512
STEPS = 40 if UNITS > 64 else 300
weights = [tf.Variable(tf.random.normal([UNITS, UNITS]) * UNITS**-0.5) for _ in range(4)]
biases = [tf.Variable(tf.zeros([UNITS])) for _ in range(4)]
inputs = tf.random.normal([4 * UNITS if UNITS > 64 else 32, UNITS])


def forward(hidden):
    for weight, bias in zip(weights, biases, strict=True):
        hidden = tf.nn.gelu(tf.matmul(hidden, weight) + bias)
        mean = tf.reduce_mean(hidden, axis=-1, keepdims=True)
        hidden = (hidden - mean) * 0.5
    return tf.reduce_mean(tf.square(hidden))


def step():
    with tf.GradientTape() as tape:
        loss = forward(inputs)
    variables = weights + biases
    for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
        variable.assign_sub(0.01 * gradient)


for _ in range(5):
    step()
start = time.process_time()
for _ in range(STEPS):
    step()
print(time.process_time() - start)
