"""A day of a train job, as events through the real recorder: `day.py EVENTS FOLDER [MAX_MB]`.

In a thousand events: what ops, samples, steps and calls are told twice a second, ten events of a retrace; new
function objects, as of code that compiles in a loop; threads that come and go; and kinds of op,
whose shapes change for the whole day. The clock is simulated: what would come in half a second, when counts
are told, is written in one go, and what comes before a trace at once, as in any program. Prints JSON: sizes,
and the memory as it went.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from tracedbg import events as ev
from tracedbg import ran
from tracedbg.hooks import Hub
from tracedbg.recorder import Recorder
from tracedbg.store import DEFAULT_MAX_MB, bounds
from tracedbg.store.records import ProcessInfo
from tracedbg.store.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY_NS = 24 * 3600 * 10**9
STEP_NS = DAY_NS // 50_000_000
"""From one event to the next: fewer events are a part of the day."""
CYCLE = 1000
"""Events; one retrace in each."""
TELL_NS = 500_000_000
LOOKS = 50
"""How often the memory is looked at."""
_FILE = "/home/me/train.py"
_KINDS = 400
_CALL = (ev.Frame(_FILE, 40, "train_step"), ev.Frame(_FILE, 90, "main"))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("events", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("max_mb", type=int, nargs="?", default=DEFAULT_MAX_MB)
    parser.add_argument("--functions", type=int, help="how many function objects are kept apart")
    options = parser.parse_args()
    events, folder, max_mb = options.events, options.folder, options.max_mb
    bounds.MAX_FUNCTIONS = options.functions or bounds.MAX_FUNCTIONS
    info = ProcessInfo(1, 0, ("train.py",), "box", "3.11.7", time.time_ns(), 0)
    path = folder / "p1.db"
    recorder = Recorder(Writer(str(path), info, max_mb * 2**20), Hub(), print, interval_s=3600)
    memory_mb, started = [], time.perf_counter()
    most_bytes, in_one_go = 0, TELL_NS // STEP_NS
    for number, event in zip(range(events), day(STEP_NS), strict=False):
        recorder.emit(event)
        if number % in_one_go == 0 or isinstance(event, ev.TraceStarted):
            recorder.flush()
        if number % max(events // LOOKS, 1) == 0:
            memory_mb.append(round(resident_mb(), 1))
            most_bytes = max(most_bytes, sum(one.stat().st_size for one in folder.iterdir()))
    recorder.close()
    took_s, cpu_s = time.perf_counter() - started, time.process_time()
    print(
        json.dumps(
            {
                "events": events,
                "us_an_event": round(took_s / events * 1e6, 2),
                "cpu_us_an_event": round(cpu_s / events * 1e6, 2),
                "recording_mb": round(path.stat().st_size / 2**20, 1),
                "most_mb": round(most_bytes / 2**20, 1),
                "max_mb": max_mb,
                "memory_mb": memory_mb,
                "error": recorder.error,
            }
        )
    )


def day(step_ns: int) -> Iterator[ev.Event]:
    """Events without end, `step_ns` apart."""
    f = function(0)
    kinds = [kind(number, number % 40) for number in range(_KINDS)]
    for cycle in count():
        start_ns = cycle * CYCLE * step_ns
        thread = 140_000_000_000_000 + (cycle // 50) * 4096
        yield from retrace(cycle, f if cycle % 10 else function(cycle), start_ns, step_ns)
        fresh = kind(cycle, cycle % 40)  # a shape that never comes again
        for number in range(700):
            one = fresh if number == 0 else kinds[(cycle * 7 + number) % _KINDS]
            yield ran.OpsSeen("RecordFunction", (ran.OpTotal(one, thread, 50, 50_000, 40_000, 2_000),))
        for number in range(150):
            yield ev.Calls(f if number else function(cycle), 5, 0)
        for number in range(100):
            total = ran.SampleTotal(_CALL, "eager_ops", "", 1, True, 5, 50_000, 50_000)
            if number % 2:
                total = ran.SampleTotal((), "waiting", "", thread, False, 5, 50_000, 0)
            yield ran.SamplesSeen(100, 0, start_ns + number, 10, (total,))
        for number in range(40):
            changes = (ran.StepChange(f"{cycle:x}-{number}", f"{cycle:x}-{number + 1}", 1, cycle),)
            lines = (ran.StepLine(_CALL[0], 40, 1_000, 4096),)
            yield ran.StepsSeen(f, "autograd", 5, 5, changes if number < 2 else (), lines)


def retrace(cycle: int, of: ev.Traceable, start_ns: int, step_ns: int) -> Iterator[ev.Event]:
    """Ten events: what a trace tells, and a graph break."""
    number = cycle + 1
    failures = tuple(
        ev.GuardFailure(
            f"0/{entry}", f"L['x'].size()[0] == {cycle + entry}", "L['x']", str(cycle), str(number)
        )
        for entry in range(3)
    )
    shape = ev.Signature((("x", ev.TensorSpec("float32", (cycle, 8))),))
    yield ev.TraceStarted(
        number,
        of,
        start_ns,
        1,
        label=f"0/{cycle}",
        signature=shape,
        guard_failures=failures,
        cached_count=3,
        call_stack=_CALL,
    )
    for at, name in enumerate(("dynamo", "aot", "backend")):
        yield ev.PhaseSpan(number, name, start_ns + at * step_ns, step_ns)
    sites = tuple(
        ev.OpSite(f"add_{at}", "aten.add", ("x", f"add_{at - 1}"), f"float32[{cycle}, 8]", _FILE, 20 + at)
        for at in range(100)
    )
    yield ev.GraphMade(number, "dynamo", sites)
    yield ev.GraphMade(number, "aot_forward", sites)
    yield ev.TraceEnded(number, start_ns + 5 * step_ns, ev.Outcome.COMPILED, op_count=100)
    yield ev.CacheHits(number, (("fx_graph_miss", 1),))
    yield ev.GraphBreak(
        "GB0170", "Data-dependent branching", "if on a tensor", _CALL[0], of, _CALL, "if x:", number
    )
    yield ev.Fallback(of, "recompile_limit", "limit", start_ns, failures, _CALL)


def function(number: int) -> ev.Traceable:
    return ev.Traceable(ev.Framework.TORCH_COMPILE, "train_step", _FILE, 30, number, f"{number:x}")


def kind(shape: int, line: int) -> ran.OpKind:
    return ran.OpKind(
        "torch", "aten::mm", f"float32[{shape}, 8]", (ev.Frame(_FILE, line, "train_step"), *_CALL)
    )


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    main()
