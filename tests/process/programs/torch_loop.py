"""Trains until it is ended; says after how many steps it is ready, after a second."""

import os
import time

import torch

weight = torch.ones(4, requires_grad=True)
begin, is_ready, steps = time.monotonic(), False, 0
while True:
    (weight * 2).square().mean().backward()
    steps += 1
    if not is_ready and time.monotonic() - begin > 1:
        is_ready = True
        os.write(1, b"ready %d\n" % steps)
