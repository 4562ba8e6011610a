"""Prints lines at the rate of a chatty program; writes the time that took to the file it is given.

It paces itself: what counts is how long it takes beyond that, when somebody reads slowly.
"""

import sys
import time

LINES, BURSTS, SECONDS = 200_000, 200, 2.0

start = time.perf_counter()
for burst in range(BURSTS):
    for number in range(LINES // BURSTS):
        print("step", burst * 1000 + number, "loss 0.123456 accuracy 0.98")
    sys.stdout.flush()
    rest = start + SECONDS * (burst + 1) / BURSTS - time.perf_counter()
    if rest > 0:
        time.sleep(rest)
took = time.perf_counter() - start
with open(sys.argv[1], "w", encoding="utf-8") as file:
    file.write(str(took))
