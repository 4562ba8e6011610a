"""Small files of each profiler, made here: two steps of a kernel and its backward, from known lines."""

from __future__ import annotations

import gzip
import json
import sqlite3
import struct

MODEL, TRAIN = "model.py", "train.py"
KERNEL_NS = [(3_000, 1_500), (6_000, 2_001), (13_000, 1_500), (16_000, 2_001)]
"""Start and duration of the kernels that every file has: forward, backward, forward, backward."""
TOTAL_NS = sum(duration for _, duration in KERNEL_NS)


def event(category, name, start_ns, duration_ns=0, *, pid=1, tid=1, ph="X", id=None, **args):
    found = {"ph": ph, "cat": category, "name": name, "pid": pid, "tid": tid, "ts": start_ns / 1000}
    if ph == "X":
        found["dur"] = duration_ns / 1000
    if id is not None:
        found["id"] = id
    if args:
        found["args"] = args
    return found


def frame(name, start_ns, end_ns, number, parent=None, tid=1):
    ids = {"Python id": number, "Python parent id": parent}
    return event("python_function", name, start_ns, end_ns - start_ns, tid=tid, **ids)


def kernel(name, start_ns, duration_ns, correlation, device=0, stream=7, category="kernel", **args):
    args = {"device": device, "stream": stream, "correlation": correlation, **args}
    return event(category, name, start_ns, duration_ns, pid=device, tid=stream, **args)


def launch(start_ns, correlation, api="cudaLaunchKernel", tid=1, **args):
    return event("cuda_runtime", api, start_ns, 100, tid=tid, correlation=correlation, **args)


def step(base_ns, number):
    """A forward on thread 1, and its backward on thread 2."""
    first = number * 100
    return [
        frame(f"{TRAIN}(5): step", base_ns, base_ns + 9_000, first + 1),
        frame("nn.Module: Net_0", base_ns + 50, base_ns + 3_000, first + 2, first + 1),
        frame(
            "torch/nn/modules/module.py(1500): _call_impl",
            base_ns + 60,
            base_ns + 2_900,
            first + 3,
            first + 2,
        ),
        frame(f"{MODEL}(8): forward", base_ns + 100, base_ns + 2_000, first + 4, first + 3),
        frame(
            "<built-in method mm of type object at 0x7f00>",
            base_ns + 150,
            base_ns + 1_900,
            first + 5,
            first + 4,
        ),
        event(
            "cpu_op",
            "aten::mm",
            base_ns + 200,
            1_000,
            **{"External id": first + 1, "Sequence number": number},
        ),
        launch(base_ns + 300, first + 1),
        kernel("mm_kernel", base_ns + 3_000, 1_500, first + 1),
        frame(
            "torch/autograd/__init__.py(300): backward",
            base_ns + 4_000,
            base_ns + 8_500,
            first + 6,
            first + 1,
        ),
        event(
            "cpu_op",
            "autograd::engine::evaluate_function: MmBackward0",
            base_ns + 5_000,
            3_000,
            tid=2,
            **{"External id": first + 2, "Sequence number": number, "Fwd thread id": 1},
        ),
        event("cpu_op", "aten::mm", base_ns + 5_100, 2_000, tid=2, **{"External id": first + 3}),
        launch(base_ns + 5_200, first + 2, tid=2),
        kernel("mm_kernel_back", base_ns + 6_000, 2_001, first + 2),
    ]


def flow(base_ns, number):
    return [
        event("fwdbwd", "fwdbwd", base_ns + 200, ph="s", id=number),
        event("fwdbwd", "fwdbwd", base_ns + 5_000, tid=2, ph="f", id=number),
    ]


def events():
    return [*step(0, 1), *flow(0, 1), *step(10_000, 2), *flow(10_000, 2)]


def write_kineto(path, found=None, *, indent=None, **head):
    """A trace of `found` events; packed if its name ends in `.gz`."""
    data = {"schemaVersion": 1, **head, "traceEvents": events() if found is None else found, "traceName": "x"}
    text = json.dumps(data, indent=indent).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return str(path)


SCHEMA = """
create table StringIds (id integer primary key, value text);
create table CUPTI_ACTIVITY_KIND_KERNEL (start, end, deviceId, streamId, correlationId, globalPid, demangledName,
    shortName);
create table CUPTI_ACTIVITY_KIND_RUNTIME (start, end, globalTid, correlationId, nameId, callchainId);
create table CUDA_CALLCHAINS (id, symbol, module, stackDepth);
create table NVTX_EVENTS (start, end, eventType, globalTid, text, textId);
"""
PID = 77 << 24
TEXTS = [
    "",
    "mm_kernel",
    "mm_kernel_back",
    "cudaLaunchKernel",
    "/usr/lib/libcuda.so.1",
    "forward",
    f"{MODEL}:8",
    "step",
    f"{TRAIN}:5",
    "cuLaunchKernel",
]


def write_nsys(path):
    """The same in an export of nsys: both steps launched from one call chain, with a range around each."""
    with sqlite3.connect(path) as database:
        database.executescript(SCHEMA)
        database.executemany("insert into StringIds values (?, ?)", enumerate(TEXTS))
        chain = [(1, 3, 4, 0), (1, 5, 6, 1), (1, 7, 8, 2)]
        database.executemany("insert into CUDA_CALLCHAINS values (?, ?, ?, ?)", chain)
        for number, (start, duration) in enumerate(KERNEL_NS, 1):
            name = 1 if number % 2 else 2
            thread = PID + 5
            row = (start, start + duration, 0, 7, number, PID, name, name)
            database.execute("insert into CUPTI_ACTIVITY_KIND_KERNEL values (?, ?, ?, ?, ?, ?, ?, ?)", row)
            runtime = "insert into CUPTI_ACTIVITY_KIND_RUNTIME values (?, ?, ?, ?, ?, ?)"
            database.execute(runtime, (start - 900, start - 700, thread, number, 3, None))
            database.execute(runtime, (start - 850, start - 750, thread, number, 9, 1))
            database.execute(runtime, (start - 990, start - 980, (88 << 24) + 5, number, 3, None))
            op = "MmBackward0" if name == 2 else "aten::mm"
            text = f"{op}, seq = {number - number % 1}"
            database.execute(
                "insert into NVTX_EVENTS values (?, ?, 59, ?, ?, null)",
                (start - 950, start - 600, thread, text),
            )
    database.close()
    return str(path)


def varint(value):
    found = bytearray()
    while True:
        found.append((value & 0x7F) | (0x80 if value > 0x7F else 0))
        value >>= 7
        if not value:
            return bytes(found)


def message(*parts):
    """A protobuf message of pairs of a field's number and its value: an int, a text or bytes, a float."""
    data = b""
    for number, value in parts:
        if isinstance(value, float):
            data += varint(number << 3 | 1) + struct.pack("<d", value)
        elif isinstance(value, int):
            data += varint(number << 3) + varint(value)
        else:
            value = value.encode() if isinstance(value, str) else value
            data += varint(number << 3 | 2) + varint(len(value)) + value
    return data


def entry(number, key, *parts):
    """An entry of a map."""
    return (number, message((1, key), (2, message((1, key), *parts))))


STATS = ["", "hlo_op", "program_id", "correlation_id", "Hlo Proto", "mm.1", "mm_back.2", "fused.3"]


def program():
    """Three instructions: of `model.py:8`, of `train.py:6`, and a fusion of two lines."""
    frames = message(
        (1, MODEL), (1, TRAIN), (2, "forward"), (2, "step"),
        (3, message((1, 1), (2, 1), (3, 8))), (3, message((1, 2), (2, 2), (3, 6))),
        (4, message((1, 1), (2, 2))), (4, message((1, 2))),
    )  # fmt: skip
    add = message((1, "add"), (2, "add"), (7, message((15, 1))))
    mul = message((1, "mul"), (2, "multiply"), (7, message((15, 2))))
    mm = message((1, "mm.1"), (2, "custom-call"), (7, message((2, "jit(f)/dot_general"), (15, 1))))
    back = message(
        (1, "mm_back.2"), (2, "custom-call"), (7, message((2, "jit(f)/transpose(jvp(g))/dot"), (15, 2)))
    )
    fused = message((1, "fused.3"), (2, "fusion"), (38, 11), (7, message((15, 1))))
    inner = message((1, "inner"), (2, add), (2, mul), (5, 11))
    main = message((1, "main"), (2, mm), (2, back), (2, fused), (5, 10))
    return message((1, message((1, "jit_f"), (3, inner), (3, main), (17, frames))))


def write_xplane(path, kernels=None):
    """The same as an XSpace of JAX; `kernels` are instruction, start and duration."""
    kernels = kernels or [(5 + at % 2, *times) for at, times in enumerate(KERNEL_NS)]
    stats = [entry(5, at, (2, text)) for at, text in enumerate(STATS) if text]
    names = [
        entry(4, 1, (2, "mm_kernel")),
        entry(4, 2, (2, "mm_kernel_back")),
        entry(4, 3, (2, "cuLaunchKernel")),
    ]
    rows = []
    launches = []
    for number, (instruction, start, duration) in enumerate(kernels, 1):
        values = [
            (4, message((1, 1), (7, instruction))),
            (4, message((1, 2), (3, 9))),
            (4, message((1, 3), (3, number))),
        ]
        rows.append(
            (4, message((1, 2 if instruction == 6 else 1), (2, start * 1000), (3, duration * 1000), *values))
        )
        launches.append(
            (4, message((1, 3), (2, (start - 900) * 1000), (3, 1000), (4, message((1, 3), (3, number)))))
        )
    device = message((2, "/device:GPU:0"), (3, message((1, 7), (2, "Stream #7"), *rows)), *names, *stats)
    host = message((2, "/host:CPU"), (3, message((1, 5), (2, "python"), *launches)), *names, *stats)
    programs = message(
        (2, "/host:metadata"), entry(4, 9, (2, "jit_f"), (5, message((1, 4), (6, program())))), *stats
    )
    path.write_bytes(message((1, programs), (1, device), (1, host)))
    return str(path)
