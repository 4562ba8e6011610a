"""Runs programs plain, attached, armed from the start, and armed late; writes what differs as JSON.

python -m adapters.tf_walk.matrix OUT [PROGRAM ...]
"""

from __future__ import annotations

import json
import os
import sys

os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import numpy as np
import tensorflow as tf

from adapters.tf_walk.programs import PROGRAMS
from adapters.tf_walk.support import Everywhere, attached

STEPS = 2


def run(name, mode):
    """All results of a program, as arrays; and the counts of traces."""
    import keras

    keras.utils.set_random_seed(1)
    results = []
    frontend = Everywhere()
    if mode == "plain":
        step, state, functions = PROGRAMS[name]()
        for i in range(STEPS):
            results += values(step(i))
    elif mode == "late":
        step, state, functions = PROGRAMS[name]()
        results += values(step(0))
        with attached(frontend) as engine:
            frontend.arm(engine)
            for i in range(1, STEPS):
                results += values(step(i))
    else:
        with attached(frontend) as engine:
            if mode == "armed":
                frontend.arm(engine)
            step, state, functions = PROGRAMS[name]()
            for i in range(STEPS):
                results += values(step(i))
    results += values(state())
    return results, [function.experimental_get_tracing_count() for function in functions], frontend


def values(result):
    return [np.asarray(value) for value in tf.nest.flatten(result, expand_composites=True)]


def same(left, right):
    if len(left) != len(right):
        return f"{len(left)} and {len(right)} results"
    for number, (a, b) in enumerate(zip(left, right, strict=True)):
        if (
            a.dtype != b.dtype
            or a.shape != b.shape
            or (a.tobytes() != b.tobytes() and not (a.dtype == object and (a == b).all()))
        ):
            return f"result {number}: {a!r} and {b!r}"
    return ""


def main(out, *names):
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
    )
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    told = {}
    for name in names or PROGRAMS:
        told[name] = row = {}
        plain, traces, _ = run(name, "plain")
        for mode in ("attached", "armed", "late"):
            got, counts, frontend = run(name, mode)
            row[mode] = {
                "difference": same(plain, got),
                "traces": [traces, counts],
                "lines": frontend.lines,
                "ops": frontend.ops,
                "values": frontend.values,
                "errors": frontend.errors,
            }
    with open(out, "w", encoding="utf-8") as file:
        json.dump(told, file, indent=1)


if __name__ == "__main__":
    main(*sys.argv[1:])
