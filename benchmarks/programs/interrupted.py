"""Interrupts itself at random moments of a loop of tiny ops, and counts what comes through.

`interrupted.py KIND SECONDS OUT` writes a JSON object of outcomes: `through`, `lost`, `died` of a signal, or
the class of another error. After an error a child goes no further: its state is in doubt.
"""

import collections
import json
import os
import random
import signal
import sys
import time

MOST = 100
"""Interrupts of one child."""
STEPS = (0.2, 3.0)
"""When they come, in steps from the last one on."""


class Interrupt:
    """The handler of the signal."""

    was_called = False

    def __call__(self, *_):
        self.was_called = True
        raise KeyboardInterrupt


def torch_eager():
    import torch

    weight = torch.ones(4, requires_grad=True)
    return lambda: (weight * 2).square().mean().backward()


def torch_compile():
    import torch

    weight = torch.ones(4, requires_grad=True)
    loss = torch.compile(lambda: (weight * 2).square().mean(), backend="eager")
    return lambda: loss().backward()


def tf_eager():
    import tensorflow as tf

    weight = tf.Variable(tf.ones([4]))

    def step():
        with tf.GradientTape() as tape:
            value = tf.reduce_mean(tf.square(weight * 2))
        tape.gradient(value, weight)

    return step


def tf_function():
    import tensorflow as tf

    weight = tf.Variable(tf.ones([4]))

    @tf.function
    def loss():
        return tf.reduce_mean(tf.square(weight * 2))

    def step():
        with tf.GradientTape() as tape:
            value = loss()
        tape.gradient(value, weight)

    return step


KINDS = {one.__name__: one for one in (torch_eager, torch_compile, tf_eager, tf_function)}


def outcome(step, step_s, interrupt):
    """Of one interrupt."""
    interrupt.was_called = False
    try:
        signal.setitimer(signal.ITIMER_REAL, step_s * random.uniform(*STEPS))
        while not interrupt.was_called:
            step()
    except KeyboardInterrupt:
        return "through"
    except Exception as error:  # noqa: BLE001  it is what is counted
        signal.setitimer(signal.ITIMER_REAL, 0)
        return type(error).__name__
    return "lost"


def child(kind, say):
    step = KINDS[kind]()
    for _ in range(20):
        step()
    start = time.perf_counter()
    for _ in range(20):
        step()
    step_s = (time.perf_counter() - start) / 20
    interrupt = Interrupt()
    signal.signal(signal.SIGALRM, interrupt)
    for _ in range(MOST):
        found = outcome(step, step_s, interrupt)
        os.write(say, f"{found}\n".encode())
        if found not in {"through", "lost"}:
            break


def main():
    kind, seconds, out = sys.argv[1], float(sys.argv[2]), sys.argv[3]
    __import__(kind.split("_")[0].replace("tf", "tensorflow"))  # before the children: it takes seconds
    if kind == "torch_compile":
        import torch._dynamo  # noqa: F401
    outcomes = collections.Counter()
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        hear, say = os.pipe()
        pid = os.fork()
        if not pid:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            try:
                child(kind, say)
            finally:
                os._exit(0)
        os.close(say)
        with open(hear) as heard:
            outcomes.update(heard.read().split())
        if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) < 0:
            outcomes["died"] += 1
    with open(out, "w") as file:
        json.dump(outcomes, file)


main()
