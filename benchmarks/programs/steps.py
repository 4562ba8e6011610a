"""Runs a step again and again, and prints when each began and ended, its CPU time, and the peak of memory."""

import json
import time


def run(step, count):
    starts, ends, cpu_ns = [], [], []
    for _ in range(count):
        starts.append(time.time_ns())
        begun = time.process_time_ns()
        step()
        cpu_ns.append(time.process_time_ns() - begun)
        ends.append(time.time_ns())
    with open("/proc/self/status") as status:  # ru_maxrss begins with that of the process that forked
        peak = next(line for line in status if line.startswith("VmHWM")).split()[1]
    print(json.dumps({"starts": starts, "ends": ends, "cpu_ns": cpu_ns, "peak_mb": int(peak) / 1024}))
