"""The program's own tools around a training: trace and profile functions, cProfile, line counts, timers."""

import cProfile
import pstats
import signal
import sys
import threading
import time
import trace
import tracemalloc
from collections import Counter

import torch


def train(steps=3):
    torch.manual_seed(0)
    model = torch.nn.Linear(4, 2)
    for _ in range(steps):
        loss = model(torch.ones(2, 4)).square().mean()
        loss.backward()
        loss.item(), loss.tolist(), loss.detach().numpy(), loss.cpu(), bool(loss)
    return loss.item()


train()


def is_own(code):
    return code.co_filename == __file__


def traced():
    """Events of the program's own functions; a trace function sees those of our hooks as well."""
    seen = Counter()

    def note(frame, event, argument):
        if is_own(frame.f_code):
            seen[(frame.f_code.co_name, frame.f_lineno, event)] += 1
        return note

    for install in (sys.settrace, threading.settrace):
        seen.clear()
        install(note)
        worker = threading.Thread(target=train)
        worker.start()
        worker.join()
        train()
        is_installed = sys.gettrace() is note
        install(None)
        print(is_installed, sorted(seen.items()))


def profiled():
    seen = Counter()

    def profile(frame, event, argument):
        if is_own(frame.f_code) and event in ("call", "return"):
            seen[(frame.f_code.co_name, event)] += 1

    for install in (sys.setprofile, threading.setprofile):
        seen.clear()
        install(profile)
        worker = threading.Thread(target=train)
        worker.start()
        worker.join()
        train()
        install(None)
        print(sorted(seen.items()))


def by_cprofile():
    profile = cProfile.Profile()
    profile.runcall(train)
    stats = pstats.Stats(profile).stats
    print(sorted((name, calls[0]) for (file, _, name), calls in stats.items() if file == __file__))


def covered():
    tracer = trace.Trace(count=1, trace=0)
    tracer.runfunc(train)
    print(
        sorted((line, count) for (file, line), count in tracer.results().counts.items() if file == __file__)
    )


def by_timer():
    ticks = []
    signal.signal(signal.SIGPROF, lambda number, frame: ticks.append(frame is not None))
    signal.setitimer(signal.ITIMER_PROF, 0.005, 0.005)
    end = time.process_time() + 0.2
    while time.process_time() < end:
        train(1)
    signal.setitimer(signal.ITIMER_PROF, 0)
    print(len(ticks) > 5, all(ticks), signal.getitimer(signal.ITIMER_REAL))


def frames():
    """Of threads that are none of the program's: ours alone, if there are any."""
    known = {thread.ident for thread in threading.enumerate()}
    others = [frame for ident, frame in sys._current_frames().items() if ident not in known]
    print([frame.f_code.co_filename for frame in others if "/tracedbg/" not in frame.f_code.co_filename])


def memory():
    tracemalloc.start()
    for _ in range(20):
        train(1)
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(200):
        train(1)
    after, _ = tracemalloc.get_traced_memory()
    print(after - before < 2_000_000)  # the code that a recording has seen is some of it
    tracemalloc.stop()


def impatient():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    print(train(200), sys.getswitchinterval())
    sys.setswitchinterval(interval)


for section in (traced, profiled, by_cprofile, covered, by_timer, frames, memory, impatient):
    print("---", section.__name__, flush=True)
    section()
