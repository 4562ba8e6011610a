"""What a rank of several pays for being laid beside others: `python -m benchmarks.ranks [--folder DIR]`.

Before each compile the reason and the arguments are written, so that they are there if the process is killed
in it: the time of that, beside the time of a small compile in the same process. And what the sampler pays for
noting where the main thread stays, for each sample.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from benchmarks import rows
from tracedbg import events as ev
from tracedbg.activities import Activity, Doing
from tracedbg.hooks import Hub
from tracedbg.recorder import Recorder
from tracedbg.stays import Stays
from tracedbg.store.records import ProcessInfo
from tracedbg.store.writer import Writer

_TRACES = 500
_SAMPLES = 100_000
_COMPILES = 20
_FRAME = ev.Frame("train.py", 12, "main")
_STARTED = ev.TraceStarted(
    id=0,
    traceable=ev.Traceable(ev.Framework.TORCH_COMPILE, "step", "train.py", 9),
    start_ns=0,
    thread_id=1,
    label="0/1",
    guard_failures=(ev.GuardFailure("0/0", "size mismatch", "L['x']", "float32[4, 16]", "float32[4, 17]"),)
    * 8,
    call_stack=(_FRAME,) * 10,
    inputs=tuple((f"L['batch']['{number}']", "float32[4, 17]") for number in range(16)),
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ranks", description=__doc__)
    parser.add_argument("--folder", metavar="DIR", help="on whose disk to write")
    rows.add_option(parser)
    options = parser.parse_args()
    results = rows.Results(options.json)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        written = write(Path(folder))
    before = "what is written before a trace, in case it ends by a kill"
    results.add(rows.measured("", before, "ms", written))
    slowest = sorted(written)[int(_TRACES * 0.99)]
    results.add(rows.measured("", f"{before}: 99 of 100 within", "ms", [slowest]))
    results.add(rows.measured("", "a small compile, beside it", "ms", compile_small(), tool="torch.compile"))
    results.add(rows.measured("", "noting where a rank stays, for each sample", "us", [note() * 1e6]))
    return results.end()


def write(folder: Path) -> list[float]:
    """Milliseconds of each flush."""
    hub = Hub()
    info = ProcessInfo(os.getpid(), os.getppid(), ("train.py",), "box", "3.11", time.time_ns(), rank=0)
    recorder = Recorder(Writer(str(folder / "p1.db"), info, 10**9), hub, print)
    took = []
    for number in range(_TRACES):
        started_s = time.perf_counter()
        recorder.emit(replace(_STARTED, id=number + 1, start_ns=number))
        recorder.flush()
        took.append((time.perf_counter() - started_s) * 1e3)
    recorder.close()
    return took


def compile_small() -> list[float]:
    """Milliseconds of compiles that could hardly be smaller."""
    import torch

    took = []
    for number in range(_COMPILES):
        function = torch.compile(lambda x: x * 2, backend="eager", dynamic=False)
        x = torch.ones(number + 2)
        started_s = time.perf_counter()
        function(x)
        took.append((time.perf_counter() - started_s) * 1e3)
        torch._dynamo.reset()
    return took


def note() -> float:
    """Seconds for each sample."""
    stays = Stays(lambda _: None)
    doing, frames = Doing(Activity.PYTHON), [[ev.Frame("train.py", line, "main")] * 8 for line in range(10)]
    started_s = time.perf_counter()
    for number in range(_SAMPLES):
        stays.seen(frames[number // 7 % 10], doing, number, number + 1, 1)
    return (time.perf_counter() - started_s) / _SAMPLES


if __name__ == "__main__":
    raise SystemExit(main())
