"""What a benchmark ran on: processor, versions, and how busy the machine was before it began."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

ROOT = Path(__file__).parents[1]
SAMPLES = 20
PACKAGES = {
    "torch": ("torch",),
    "TensorFlow": ("tensorflow", "tensorflow_cpu"),
    "VizTracer": ("viztracer",),
    "Scalene": ("scalene",),
    "py-spy": ("py-spy",),
    "orjson": ("orjson",),
    "HTA": ("HolisticTraceAnalysis",),
    "Textual": ("textual",),
}
"""What is named with its version -> the distributions that it may be."""


@dataclass(frozen=True)
class Machine:
    """A machine with what is installed there."""

    cpu: str
    cores: int
    memory_gb: int
    system: str
    python: str
    versions: dict[str, str]

    def words(self) -> str:
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        cores = f"{self.cores} core{'s' if self.cores > 1 else ''}"
        return f"{self.cpu}, {cores}, {self.memory_gb} GB; {self.system}; Python {self.python}; {versions}"


def this_machine(more: dict[str, str]) -> Machine:
    """The machine that this runs on; `more` are versions out of other environments."""
    versions = {name: found for name, packages in PACKAGES.items() if (found := version(*packages))}
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(
        cpu=cpu_model(),
        cores=len(os.sched_getaffinity(0)),
        memory_gb=round(memory / 2**30),
        system=f"{platform.system()} {platform.machine()}, {'.'.join(platform.libc_ver())}",
        python=platform.python_version(),
        versions={**versions, **more},
    )


def version(*packages: str) -> str:
    """That of the first of these distributions that is installed; empty if none is."""
    for package in packages:
        try:
            return importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return ""


def cpu_model() -> str:
    """As the kernel calls it; the architecture where it does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def load(seconds: float = 2.0) -> float:
    """How many threads of others want to run: the mean over some seconds in which we rest.

    The load average tells of the minute before, in which another benchmark of ours has run.
    """
    found = []
    for _ in range(SAMPLES):
        time.sleep(seconds / SAMPLES)
        try:
            running = Path("/proc/loadavg").read_text(encoding="utf-8").split()[3].partition("/")[0]
        except OSError:
            return round(os.getloadavg()[0], 1)
        found.append(int(running) - 1)
    return round(mean(found), 1)


def commit() -> str:
    """Of this checkout, with a + if files have changed since; empty outside of one."""
    head = _git("rev-parse", "--short", "HEAD")
    return f"{head}{'+' if _git('status', '--porcelain', '--untracked-files=no') else ''}" if head else ""


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, cwd=ROOT, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
