"""Measure how fast a large trace is read: `python -m benchmarks.kernels [--trace FILE] [--mb N]`.

The trace is repeated, its times and ids moved on, until the file has N MB; each reader takes the same file in
a process of its own, in turn. What is not installed is left out, and said. CPU seconds are those of the
process, its start included; its peak memory is the kernel's own figure of it. Linux only.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

REAL = Path(__file__).parents[2] / "shared/traces/tracelens_mi300_sd35_inductor_triton.json.gz"
LEAST_MB_PER_S = 100
MOST_RSS_MB = 350
LEAST_TIMES_HTA = 5
_IDS = ("External id", "correlation", "Python id", "Python parent id", "Ev Idx", "Sequence number")
_ID_STEP = 10_000_000
_GAP_US = 1000

READERS = {
    "tracedbg kernels": "from tracedbg.cli.main import main\nmain(['kernels', FILE, '--json', os.devnull])",
    "json.load": "import json\nwith open(FILE) as opened: json.load(opened)",
    "orjson.loads": "import orjson\nwith open(FILE, 'rb') as opened: orjson.loads(opened.read())",
    "HTA": (
        "from hta.trace_analysis import TraceAnalysis\n"
        "TraceAnalysis(trace_files={0: FILE}).get_gpu_kernel_breakdown(visualize=False)"
    ),
}
"""What each reader does with FILE: ours all of its work, `json` and `orjson` the parsing alone."""
_PROGRAM = """
import os, resource, sys
FILE = sys.argv[1]
{code}
used = resource.getrusage(resource.RUSAGE_SELF)
with open("/proc/self/status") as status:  # ru_maxrss begins with that of the process that forked
    peak = next(line for line in status if line.startswith("VmHWM")).split()[1]
print(used.ru_utime + used.ru_stime, int(peak) / 1024, file=sys.stderr)
"""


@dataclass(frozen=True)
class Reading:
    """One reader on the file."""

    name: str
    cpu_s: float
    mb_per_cpu_s: float
    rss_mb: float


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kernels", description=__doc__)
    parser.add_argument(
        "--trace", type=Path, default=REAL, help="a trace of torch.profiler (default: %(default)s)"
    )
    parser.add_argument(
        "--mb", type=int, default=600, help="how large the file is made (default: %(default)s)"
    )
    parser.add_argument(
        "--rounds", type=int, default=3, help="how often each reader reads (default: %(default)s)"
    )
    parser.add_argument("--only", action="append", choices=list(READERS), help="leave out the others")
    parser.add_argument(
        "--hta-python", default=sys.executable, help="a Python that has HolisticTraceAnalysis"
    )
    parser.add_argument("--json", metavar="FILE", help="write the figures there as well")
    options = parser.parse_args()
    if not options.trace.is_file():
        parser.error(f"no such trace: {options.trace}; name one with --trace")
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "large.json")
        size_mb = repeat(options.trace, file, options.mb * 1_000_000) / 1e6
        print(f"{size_mb:.0f} MB made of {options.trace.name}; medians of {options.rounds}")
        rounds = {name: [] for name in options.only or READERS}
        for _ in range(options.rounds):
            for name, figures in rounds.items():
                python = options.hta_python if name == "HTA" else sys.executable
                figures.append(read(python, READERS[name], file))
    readings = [summary(name, figures, size_mb) for name, figures in rounds.items() if None not in figures]
    for one in readings:
        print(f"{one.name:20} {one.cpu_s:7.1f} CPU s {one.mb_per_cpu_s:7.0f} MB/s {one.rss_mb:7.0f} MB RSS")
    for name in rounds.keys() - {one.name for one in readings}:
        print(f"{name:20} is not installed, or failed")
    if options.json:
        Path(options.json).write_text(json.dumps([asdict(one) for one in readings], indent=1))
    return verdict({one.name: one for one in readings})


def summary(name, figures, size_mb):
    cpu_s = median(cpu for cpu, _ in figures)
    return Reading(name, cpu_s, size_mb / cpu_s, max(rss for _, rss in figures))


def verdict(readings):
    """Say which limit is not kept; 1 if one is not."""
    ours, hta = readings.get("tracedbg kernels"), readings.get("HTA")
    limits = []
    if ours is not None:
        limits.append((ours.mb_per_cpu_s >= LEAST_MB_PER_S, f"at least {LEAST_MB_PER_S} MB per CPU second"))
        limits.append((ours.rss_mb <= MOST_RSS_MB, f"at most {MOST_RSS_MB} MB RSS"))
    if ours is not None and hta is not None:
        times = ours.mb_per_cpu_s / hta.mb_per_cpu_s
        limits.append((times >= LEAST_TIMES_HTA, f"at least {LEAST_TIMES_HTA} times HTA ({times:.1f})"))
    for is_kept, words in limits:
        print(f"{'ok' if is_kept else 'OVER':4} {words}")
    return 0 if all(is_kept for is_kept, _ in limits) else 1


def read(python, code, file):
    """CPU seconds and peak RSS of one reader; None where it failed."""
    command = [python, "-c", _PROGRAM.format(code=code), file]
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
