"""What `make bench` runs: the benchmarks by name, with what each is about."""

from __future__ import annotations

import importlib
import shlex
from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """A benchmark: a section of the page."""

    name: str
    module: str
    title: str
    about: str
    repeats: str = ""
    """The option that says how often it measures; empty if it has none."""
    has_names: bool = False
    """Whether it can be asked for some of its rows."""

    def names(self) -> tuple[str, ...]:
        """What it can be asked for; one without a name if that is all or nothing."""
        if not self.has_names:
            return ("",)
        module = importlib.import_module(
            f"{self.module}.__main__" if self.module == "benchmarks" else self.module
        )
        return tuple(module.NAMES)

    def command(self, names: tuple[str, ...] = (), repeats: int | None = None) -> str:
        """What one types to have it measured."""
        words = ["python", "-m", self.module, *names]
        if repeats and self.repeats:
            words += [self.repeats, str(repeats)]
        return shlex.join(words)


_PARTS = (
    Part(
        "cost",
        "benchmarks",
        "What it costs to be observed",
        "Ratios to the plain run, in alternating pairs. An armed breakpoint is compared with the same ops"
        " run eagerly. Of --kernels: a step in the window and after it, a process of 150 steps, and memory.",
        "--pairs",
        has_names=True,
    ),
    Part(
        "ops",
        "benchmarks.ops",
        "Recording the ops of PyTorch",
        "Train steps of three nets in one process, in alternating blocks, without what a tool does when all"
        " has run; then a loop of compiled steps as a whole process, with its report. `ops alone`"
        " is without the graphs of steps, which --ops has as well. torch.profiler has its stacks on.",
        "--pairs",
        has_names=True,
    ),
    Part(
        "tf_ops",
        "benchmarks.tf_ops",
        "Recording the ops of TensorFlow",
        "The loop as the program measures it, and all processes together, with start, end and report."
        " tf.profiler has its Python tracer on.",
        "--pairs",
        has_names=True,
    ),
    Part(
        "kernels",
        "benchmarks.kernels",
        "Reading a large trace",
        "tracedbg does all of its work: stacks, attribution, idle gaps. json and orjson only parse, HTA adds"
        " up kernels, trace_processor answers one query. Each in a process of its own, its start included.",
        "--rounds",
    ),
    Part(
        "terminal",
        "benchmarks.terminal",
        "The user interface in a terminal",
        "A program that prints, in a plain terminal and in the interface's.",
        "--pairs",
    ),
    Part(
        "debug_screen",
        "benchmarks.debug_screen",
        "The debug screen",
        "From a key to the frame that shows where it led. Textual draws at most 60 frames a second.",
    ),
    Part(
        "fleet",
        "benchmarks.fleet",
        "Many ranks",
        "A run of many ranks, made of two recorded ones: its report, its export, the report of the dataset.",
    ),
    Part(
        "ranks",
        "benchmarks.ranks",
        "One rank of several",
        "What is written before each trace, so that it is there if the rank is killed in it.",
    ),
    Part(
        "kills",
        "benchmarks.kills",
        "Killed at any moment",
        "Programs that trace and run ops without end, killed by SIGKILL; every recording opens.",
        "--kills",
    ),
    Part(
        "interrupts",
        "benchmarks.interrupts",
        "Interrupted at random moments",
        "Loops of tiny ops, interrupted by SIGINT: the frameworks lose interrupts themselves, and a recording"
        " may lose no more.",
    ),
    Part(
        "day",
        "benchmarks.day",
        "A day of a train job",
        "Fifty million events, told to the real recorder.",
    ),
    Part(
        "names",
        "benchmarks.names",
        "Private names taken away",
        "Each private name of a framework that the adapters use is taken away in turn: the program has to"
        " run as alone.",
    ),
    Part(
        "foreign_tests",
        "benchmarks.foreign_tests",
        "The frameworks' own tests",
        "Tests of PyTorch, TensorFlow, Keras and einops, alone and under the tool.",
        has_names=True,
    ),
)
PARTS = {part.name: part for part in _PARTS}
