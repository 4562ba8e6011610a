"""Trains with the framework that it is told, until it is interrupted a second time.

Most of its time it reads data. A Ctrl+C that comes in a step may be lost, or end in another error or a
segmentation fault, without us too: where C++ of torch's asks a guard that is written in Python, and where
TensorFlow's C code makes the gradient that a backward begins with, which is given to it here, or looks at a
variable, so that there is none.
"""

import sys
import time
from functools import partial

if sys.argv[1] == "torch":
    import torch

    weight = torch.ones(4, requires_grad=True)

    @torch.compile(backend="eager")
    def loss():
        return (weight * 2).square().mean()

    def step():
        loss().backward()
else:
    import tensorflow as tf

    one, weight = tf.constant(1.0), tf.ones([4])

    @tf.function
    def loss(weight):
        return tf.reduce_mean(tf.square(weight * 2))

    def step():
        with tf.GradientTape() as tape:
            tape.watch(weight)
            value = loss(weight)
        tape.gradient(value, weight, output_gradients=one)


def read():
    time.sleep(0.02)


say = partial(print, flush=True, file=sys.__stdout__)
step()
try:
    say("ready", sys.stdin.isatty(), sys.stdout.isatty(), sys.stderr.isatty())
    while True:
        read()
        step()
except KeyboardInterrupt:
    say("once")
try:
    step()
    say("goes on")
    while True:
        read()
        step()
except KeyboardInterrupt as error:
    say("twice", error.args)
    raise
