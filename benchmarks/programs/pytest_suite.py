"""200 small tests that trace: `pytest_suite.py torch|tf [OPTION OF PYTEST...]`. Prints their seconds."""

import os
import sys
import tempfile
import time
from pathlib import Path

import pytest

TORCH = """
import pytest, torch

torch.set_num_threads(1)

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = torch.nn.Linear(8, 16), torch.nn.Linear(16, 4)

    def forward(self, x):
        return self.second(torch.relu(self.first(x))).softmax(-1)

@pytest.fixture(autouse=True)
def fresh():
    torch._dynamo.reset()

@pytest.mark.parametrize("n", range(200))
def test_traced(n):
    net = torch.compile(Net(), backend="eager")
    for _ in range(3):
        assert net(torch.ones(2 + n, 8)).shape == (2 + n, 4)
"""
TF = """
import pytest, tensorflow as tf

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)

@pytest.mark.parametrize("n", range(200))
def test_traced(n):
    first, second = tf.Variable(tf.ones([8, 16])), tf.Variable(tf.ones([16, 4]))

    @tf.function
    def net(x):
        return tf.nn.softmax(tf.nn.relu(x @ first) @ second)

    for _ in range(3):
        assert net(tf.ones([2 + n, 8])).shape == (2 + n, 4)
"""


class Clock:
    """Measures the tests alone: neither imports nor pytest's own start and end."""

    seconds = 0.0

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self):
        start = time.process_time()
        outcome = yield
        self.seconds = time.process_time() - start
        return outcome


def main() -> int:
    framework, *options = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("test_traced.py").write_text(TORCH if framework == "torch" else TF)
        clock = Clock()
        others = [
            word
            for name in ("cacheprovider", "logging", "randomly", "asyncio", "xdist")
            for word in ("-p", f"no:{name}")
        ]
        code = pytest.main(["-q", "-W", "ignore", *others, *options, folder], plugins=[clock])
        os.chdir("/")
    print(clock.seconds)
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
