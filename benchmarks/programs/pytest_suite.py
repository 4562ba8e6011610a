"""200 small tests that trace, 10 at a time, observed and not, in turn: `pytest_suite.py torch|tf`.

In one process, and without imports, pytest's start and its end: two processes differ by more than what is
measured here. Prints the ratio of the median processor time of ten.
"""

import contextlib
import gc
import io
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import pytest

PARTS = 20
OTHERS = ("cacheprovider", "logging", "randomly", "asyncio", "xdist")
TORCH = """
import os, pytest, torch

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

PART = int(os.environ["PART"])

@pytest.mark.parametrize("n", range(10))
def test_traced(n):
    net = torch.compile(Net(), backend="eager")
    for _ in range(3):
        assert net(torch.ones(2 + PART, 8)).shape == (2 + PART, 4)
"""
TF = """
import os, pytest, tensorflow as tf

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)

PART = int(os.environ["PART"])

@pytest.mark.parametrize("n", range(10))
def test_traced(n):
    first, second = tf.Variable(tf.ones([8, 16])), tf.Variable(tf.ones([16, 4]))

    @tf.function
    def net(x):
        return tf.nn.softmax(tf.nn.relu(x @ first) @ second)

    for _ in range(3):
        assert net(tf.ones([2 + PART, 8])).shape == (2 + PART, 4)
"""


class Clock:
    """Measures the tests alone: neither imports nor pytest's own start and end."""

    seconds = 0.0

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self):
        gc.collect()  # what other parts have left is not of this one
        start = time.process_time()
        outcome = yield
        self.seconds = time.process_time() - start
        return outcome


def main() -> None:
    text = TORCH if sys.argv[1] == "torch" else TF
    seconds: dict[str, list[float]] = {"--tracedbg": [], "--no-header": []}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("test_traced.py").write_text(text)
        run_tests(0, "--no-header")  # what happens once in a process
        for part in range(PARTS):
            for option in seconds if part % 2 else reversed(seconds):
                seconds[option].append(run_tests(part, option))
        os.chdir("/")
    print(median(seconds["--tracedbg"]) / median(seconds["--no-header"]))


def run_tests(part: int, option: str) -> float:
    os.environ["PART"] = str(part)
    sys.modules.pop("test_traced", None)
    clock = Clock()
    others = [word for name in OTHERS for word in ("-p", f"no:{name}")]
    with contextlib.redirect_stdout(io.StringIO()) as said:
        code = pytest.main(["-q", "-W", "ignore", *others, option, "test_traced.py"], plugins=[clock])
    if code:
        sys.exit(said.getvalue())
    return clock.seconds


if __name__ == "__main__":
    main()
