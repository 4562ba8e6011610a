"""What the sampler costs a loop: `sampled.py LOOP cpu|wall`.

Stretches of one recorded process with and without it, in turn: processes differ by more than it costs. What
it costs to see code for the first time, 20 ms at most, is not in it.
"""

import os
import sys
import tempfile
import time
from statistics import median

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

PAIRS = 40
STRETCH_S = 0.5
"""So short that a machine that becomes slower has done so for both of a pair."""


def torch_eager():
    import torch

    torch.set_num_threads(1)
    net = torch.nn.Sequential(torch.nn.Linear(64, 128), torch.nn.ReLU(), torch.nn.Linear(128, 64))
    optimizer = torch.optim.SGD(net.parameters(), 0.01)
    x = torch.randn(32, 64)

    def step():
        optimizer.zero_grad()
        net(x).square().mean().backward()
        optimizer.step()

    return step


def torch_compile():
    import torch

    torch.set_num_threads(1)
    w = torch.randn(64, 64)

    @torch.compile(backend="aot_eager")
    def f(x):
        for _ in range(10):
            x = torch.relu(x @ w)
        return x

    x = torch.randn(32, 64)
    return lambda: f(x)


def tf_function():
    import tensorflow as tf

    @tf.function
    def f(x, w):
        return tf.reduce_mean(tf.nn.relu(x @ w))

    x, w = tf.ones([32, 64]), tf.ones([64, 64])
    return lambda: f(x, w)


def main():
    step = {"torch_eager": torch_eager, "torch_compile": torch_compile, "tf_function": tf_function}[
        sys.argv[1]
    ]()
    clock = {"cpu": time.process_time, "wall": time.perf_counter}[sys.argv[2]]
    import tracedbg
    from tracedbg import session

    for _ in range(200):
        step()
    start = time.perf_counter()
    for _ in range(100):
        step()
    count = max(int(STRETCH_S / (time.perf_counter() - start) * 100), 1)

    def stretch():
        start = clock()
        for _ in range(count):
            step()
        return clock() - start

    ratios = []
    with tempfile.TemporaryDirectory() as folder, tracedbg.record(os.path.join(folder, "run"), rate_hz=100):
        sampler = session._observers._extras["samples"][1]
        stretch()
        for number in range(PAIRS):
            took = {}
            for is_on in (False, True) if number % 2 else (True, False):
                sampler._ticker.start() if is_on else sampler._ticker.stop()
                took[is_on] = stretch()
            ratios.append(took[True] / took[False])
    print(median(ratios))


main()
