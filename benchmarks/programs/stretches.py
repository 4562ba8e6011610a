"""Runs the stretches of a loop, and prints the CPU time that they took: of all, or with `--in-turn` of each.

In turn, each stretch waits for a line on stdin: whoever compares two processes has theirs alternate, so that
a machine whose speed drifts does so for both (see `benchmarks.turns`). All of them run on one core, as a
machine that others use has slow ones and fast ones.
"""

import gc
import os
import sys
import time

IN_TURN = "--in-turn"


def run(stretches):
    gc.collect()  # one that is due already would fall into any stretch of any of them
    if IN_TURN not in sys.argv:
        print(sum(map(_cpu_s, stretches)))
        return
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print(len(stretches), flush=True)
    for stretch in stretches:
        sys.stdin.readline()
        print(_cpu_s(stretch), flush=True)


def of(step, count, stretches=100):
    """`count` steps in so many stretches."""

    def stretch():
        for _ in range(count // stretches):
            step()

    return [stretch] * stretches


def _cpu_s(stretch):
    start = time.process_time()
    stretch()
    return time.process_time() - start
