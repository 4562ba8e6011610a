"""Ways in which a program that uses TensorFlow can end: each in a process forked before its runtime starts."""

import atexit
import faulthandler
import gc
import os
import signal
import sys
import threading

import tensorflow as tf


def train(steps=2):
    weight = tf.Variable(2.0)
    for _ in range(steps):
        with tf.GradientTape() as tape:
            loss = step(weight)
        weight.assign_sub(0.1 * tape.gradient(loss, weight))
    return float(loss)


@tf.function
def step(x):
    return tf.square(x) + 1.0


@tf.function
def fails(x):
    raise KeyError("while it is traced")


@tf.function
def fails_late(x):
    tf.debugging.Assert(x > 7.0, ["too small", x])
    return x


def tracing_error():
    fails(tf.ones([2]))


def graph_error():
    fails_late(tf.constant(1.0))


def backward_error():
    @tf.custom_gradient
    def odd(x):
        def grad(upstream):
            raise ValueError("the gradient is odd")

        return x * 2, grad

    x = tf.constant(1.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = odd(x)
    tape.gradient(y, x)


def hooks():
    gc.unfreeze()  # this one has everything to let go of at its end
    sys.excepthook = lambda kind, value, tb: print("hook", kind, value, flush=True)
    threading.excepthook = lambda about: print("thread", about.exc_type, about.thread.name, flush=True)
    atexit.register(lambda: print("atexit", train(), flush=True))
    worker = threading.Thread(target=tracing_error, name="worker")
    worker.start()
    worker.join()
    tracing_error()


def leaves():
    train()
    print("lost")
    os._exit(8)


def replaced():
    train()
    os.execv(sys.executable, [sys.executable, "-c", "print('another program')"])


def exits_in_graph():
    tf.function(lambda: sys.exit(6))()


def interrupted():
    for _ in range(3):
        try:
            print("trains", flush=True)
            threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
            while True:
                train()
        except KeyboardInterrupt:
            print("interrupted", flush=True)
    os._exit(5)


def terminated():
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()
    while True:
        train()


def aborted():
    train()
    os.abort()


def crashed():
    train()
    faulthandler.enable(all_threads=False)
    faulthandler._sigsegv()


def killed():
    train()
    os.kill(os.getpid(), signal.SIGKILL)


def silent():
    os.close(0)
    os.close(1)
    os.closerange(3, 256)
    with open("silent.txt", "w") as file:
        file.write(f"{train()}")


ENDINGS = [
    tracing_error, graph_error, backward_error, hooks, leaves, replaced, exits_in_graph, interrupted, terminated,
    aborted, crashed, killed, silent,
]  # fmt: skip

gc.freeze()  # or each process ends by taking TensorFlow apart
for ending in ENDINGS:
    if sys.argv[1:] and ending.__name__ not in sys.argv[1:]:
        continue
    sys.stdout.flush()
    child = os.fork()
    if not child:
        os.dup2(1, 2)  # in the order in which it is written
        ending()
        break
    print("---", ending.__name__, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
