"""Puts a secret wherever something of ours could pick it up."""

import sys

import tensorflow as tf

scale = 777123.0


class Holder:
    def __init__(self, value):
        self.value = value


@tf.function
def step(x, n, name, batch, holder):
    if n > 777000:
        x = x * float(n)
    with tf.name_scope("hunter2scope"):
        x = tf.add(x, batch["hunter2key"], name="hunter2op")
    return x * scale + holder.value + float(len(name))


def call(n, name, value):
    return step(tf.ones(3), n, name, {"hunter2key": tf.constant(777123.0)}, Holder(value))


for n in (777123, 777124):
    call(n, "hunter2text", 777125.0)
call(777124, "hunter2other", 777126.5)
scale = 777127.0
call(777124, "hunter2other", 777126.5)
step(
    tf.ones(4),
    777124,
    "hunter2other",
    {"hunter2key": tf.constant(777123.0), "hunter2new": 777128},
    Holder(1.0),
)


@tf.function
def fails(x, name):
    raise ValueError("hunter2error " + name)


try:
    fails(tf.ones(1), "hunter2name")
except Exception as error:
    print(type(error).__name__)
weight = tf.Variable(777123.0, name="hunter2variable")
for _ in range(3):
    with tf.GradientTape() as tape:
        loss = tf.math.softplus(weight * 777123.0)
    tape.gradient(loss, weight)
print("hunter2console", file=sys.stderr)
