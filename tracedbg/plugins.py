"""Which adapters, commands and rules of advice there are: names without importing, and one by its name.

Ours stand in a table, so that starting up reads no file. Those of other packages come from entry
points of the same groups. It must not know what any of them does.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tracedbg.errors import UnknownPluginError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tracedbg.activities import Rule
    from tracedbg.cli.interface import Interface
    from tracedbg.compare.comparer import Comparer
    from tracedbg.debugging import Walker
    from tracedbg.hooks import Adapter
    from tracedbg.kernels import KernelSource
    from tracedbg.op_window import OpRecorder
    from tracedbg.window import Profiler

ADAPTERS = {
    "tf_function": "tracedbg.adapters.tf_function:TfFunctionAdapter",
    "autograph": "tracedbg.adapters.autograph:AutographAdapter",
    "torch_compile": "tracedbg.adapters.torch_compile:TorchCompileAdapter",
    "torch_script": "tracedbg.adapters.torch_script:TorchScriptAdapter",
}
WALKERS = {
    "python_lines": "tracedbg.adapters.python_lines:PythonLinesWalker",
    "torch_compile": "tracedbg.adapters.torch_compile.walk:TorchCompileWalker",
    "torch_script": "tracedbg.adapters.torch_script.walk:TorchScriptWalker",
    "torch_eager": "tracedbg.adapters.torch_eager:TorchEagerWalker",
    "tf_function": "tracedbg.adapters.tf_function.walk:TfFunctionWalker",
    "tf_eager": "tracedbg.adapters.tf_eager:TfEagerWalker",
    "numpy_arrays": "tracedbg.adapters.numpy_arrays:NumpyArraysWalker",
}
"""What makes code stop in the debugger; loaded only when something is debugged."""
COMPARERS = {
    "tf_function": "tracedbg.adapters.tf_function.compare:TfComparer",
    "torch_compile": "tracedbg.adapters.torch_compile.compare:TorchComparer",
}
"""What compares traced code with eager code; loaded only by `tracedbg compare`."""
PROFILERS = {
    "torch_kernels": "tracedbg.adapters.torch_kernels:TorchKernels",
    "tf_kernels": "tracedbg.adapters.tf_kernels:TfKernels",
}
"""What times kernels in a running program; loaded only where that is asked for."""
OP_RECORDERS = {
    "torch_ops": "tracedbg.adapters.torch_ops:TorchOpRecorder",
    "torch_steps": "tracedbg.adapters.torch_steps:TorchSteps",
    "tf_ops": "tracedbg.adapters.tf_ops:TfOps",
}
"""What records the ops that a program executes; loaded only where that is asked for."""
MODES = {
    "python": {
        "torch": "tracedbg.adapters.torch_compile.walk.python_mode:python_mode",
        "tensorflow": "tracedbg.adapters.tf_function.walk.python_mode:python_mode",
    },
    "datasets": {"tensorflow": "tracedbg.adapters.tf_function.walk.datasets:dataset_debug"},
}
"""What the debugger can have run otherwise: mode -> framework -> a function that switches it on or off."""
ACTIVITIES = {
    "torch": "tracedbg.adapters.torch_common.activities:RULES",
    "tensorflow": "tracedbg.adapters.tf_common.activities:RULES",
}
"""What a framework's modules say of a thread whose stack they stand on; needs no framework to be loaded."""
COMMANDS = {
    "run": "tracedbg.cli.run:Run",
    "report": "tracedbg.cli.report:Report",
    "explain": "tracedbg.cli.explain:Explain",
    "diff": "tracedbg.cli.diff:Diff",
    "compare": "tracedbg.cli.compare:Compare",
    "kernels": "tracedbg.cli.kernels:Kernels",
    "export": "tracedbg.cli.export:Export",
    "runs": "tracedbg.cli.runs:Runs",
    "merge": "tracedbg.cli.merge:Merge",
    "attach": "tracedbg.cli.attach:Attach",
    "dap": "tracedbg.cli.dap:Dap",
    "doctor": "tracedbg.cli.doctor:Doctor",
}
SOURCES = {
    "kineto": "tracedbg_kernels.kineto:KinetoSource",
    "nsys": "tracedbg_kernels.nsys:NsysSource",
    "xplane": "tracedbg_kernels.xplane:XplaneSource",
}
"""What reads a profiler's file; loaded only when one is read."""
ADAPTER_GROUP = "tracedbg.adapters"
WALKER_GROUP = "tracedbg.walkers"
COMPARER_GROUP = "tracedbg.comparers"
OP_RECORDER_GROUP = "tracedbg.op_recorders"
PROFILER_GROUP = "tracedbg.profilers"
SOURCE_GROUP = "tracedbg.kernel_sources"
COMMAND_GROUP = "tracedbg.commands"
ACTIVITY_GROUP = "tracedbg.activities"
ADVICE_GROUP = "tracedbg.advice"
INTERFACE_GROUP = "tracedbg.interface"
FRAMEWORKS = {"torch": "2.7", "tensorflow": "2.15"}
"""The packages that our own adapters wait for, with the oldest version that they are written for."""
HELPER_PROGRAMS = (os.path.join("torch", "_inductor", "compile_worker", ""),)
"""Parts of paths of the programs that a framework starts for itself: they are not the user's."""
LAUNCHERS = ("torch.distributed.run", "torch.distributed.launch", "torchrun")
"""Modules and scripts that start a program's ranks, and are none."""


def adapter_names() -> list[str]:
    """Names of the installed adapters, ours first."""
    return _names(ADAPTER_GROUP, ADAPTERS)


def load_adapter(name: str) -> Adapter:
    """A new adapter of that name.

    Raises:
        UnknownPluginError: none of that name is installed.
    """
    adapter: Adapter = _load("adapter", ADAPTER_GROUP, ADAPTERS, name)()
    return adapter


def walker_names() -> list[str]:
    """Names of the installed walkers, ours first."""
    return _names(WALKER_GROUP, WALKERS)


def load_walker(name: str) -> Walker:
    """A new walker of that name.

    Raises:
        UnknownPluginError: none of that name is installed.
    """
    walker: Walker = _load("walker", WALKER_GROUP, WALKERS, name)()
    return walker


def comparer_names() -> list[str]:
    """Names of the installed comparers, ours first."""
    return _names(COMPARER_GROUP, COMPARERS)


def load_comparer(name: str) -> Comparer:
    """A new comparer of that name.

    Raises:
        UnknownPluginError: none of that name is installed.
    """
    comparer: Comparer = _load("comparer", COMPARER_GROUP, COMPARERS, name)()
    return comparer


def source_names() -> list[str]:
    """Names of the installed kernel sources, ours first."""
    return _names(SOURCE_GROUP, SOURCES)


def load_source(name: str) -> KernelSource:
    """A new kernel source of that name.

    Raises:
        UnknownPluginError: none of that name is installed.
    """
    source: KernelSource = _load("kernel source", SOURCE_GROUP, SOURCES, name)()
    return source


def profiler_names() -> list[str]:
    """Names of the installed profilers of running programs, ours first."""
    return _names(PROFILER_GROUP, PROFILERS)


def load_profiler(name: str) -> Profiler:
    """A new profiler of that name.

    Raises:
        UnknownPluginError: none of that name is installed.
    """
    profiler: Profiler = _load("profiler", PROFILER_GROUP, PROFILERS, name)()
    return profiler


def op_recorder_names() -> list[str]:
    """Names of the installed recorders of ops, ours first."""
    return _names(OP_RECORDER_GROUP, OP_RECORDERS)


def load_op_recorder(name: str) -> OpRecorder:
    """A new recorder of ops of that name.

    Raises:
        UnknownPluginError: none of that name is installed.
    """
    recorder: OpRecorder = _load("recorder of ops", OP_RECORDER_GROUP, OP_RECORDERS, name)()
    return recorder


def load_mode(name: str, framework: str) -> Callable[[bool], None]:
    """What switches a mode of `MODES` on or off; the framework has to be there."""
    switch: Callable[[bool], None] = _load("mode", "", MODES[name], framework)
    return switch


def activity_rules() -> list[Rule]:
    """What the frameworks' modules say of a thread, ours first: for `tracedbg.activities.Classifier`."""
    rules: list[Rule] = []
    for name in _names(ACTIVITY_GROUP, ACTIVITIES):
        rules += _load("table of activities", ACTIVITY_GROUP, ACTIVITIES, name)
    return rules


def command_names() -> list[str]:
    """Names of the installed commands, ours first."""
    return _names(COMMAND_GROUP, COMMANDS)


def load_command(name: str) -> Any:
    """The class of the command of that name.

    Raises:
        UnknownPluginError: none of that name is installed.
    """
    return _load("command", COMMAND_GROUP, COMMANDS, name)


def load_interface() -> Interface | None:
    """A new user interface, of the first package that brings one; None if there is none."""
    for name in _foreign(INTERFACE_GROUP):
        interface: Interface = _load("interface", INTERFACE_GROUP, {}, name)()
        return interface
    return None


def advice_names() -> list[str]:
    """Names of the rules of advice that other packages bring."""
    return list(_foreign(ADVICE_GROUP))


def load_advice(name: str) -> Any:
    """A new rule of that name; see `tracedbg.explain.advice.Rule`.

    Raises:
        UnknownPluginError: none of that name is installed.
    """
    return _load("rule of advice", ADVICE_GROUP, {}, name)()


def watched_packages() -> list[str]:
    """The packages whose import starts a recording: those that some adapter attaches to."""
    packages = list(FRAMEWORKS)
    for name in _foreign(ADAPTER_GROUP):
        packages += [module.partition(".")[0] for module in load_adapter(name).modules]
    return list(dict.fromkeys(packages))


def _names(group: str, ours: dict[str, str]) -> list[str]:
    """What is installed of a group, ours first."""
    return list(dict.fromkeys([*ours, *_foreign(group)]))


def _load(kind: str, group: str, ours: dict[str, str], name: str) -> Any:
    target = ours.get(name) or _foreign(group).get(name)
    if target is None:
        raise UnknownPluginError(kind, name, _names(group, ours))
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)


def _foreign(group: str) -> dict[str, str]:
    """Entry points of `group` in other packages: name -> `module:attribute`.

    Reads the few metadata files itself: `importlib.metadata` takes 25 ms to import, and parses
    the entry points of every installed package.
    """
    found: dict[str, str] = {}
    for file in _entry_point_files():
        try:
            with open(file, encoding="utf-8") as opened:
                text = opened.read()
        except (OSError, UnicodeDecodeError):
            continue
        if f"[{group}]" in text:
            found.update(_section(text, group))
    return {name: target for name, target in found.items() if not target.startswith("tracedbg.")}


def _entry_point_files() -> Iterator[str]:
    for folder in dict.fromkeys(sys.path):
        try:
            names = os.listdir(folder or os.curdir)
        except OSError:
            continue
        for name in names:
            if name.endswith((".dist-info", ".egg-info")):
                yield os.path.join(folder, name, "entry_points.txt")


def _section(text: str, group: str) -> Iterator[tuple[str, str]]:
    """The lines `name = target` of one section (Python Packaging: entry points specification)."""
    current = ""
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("["):
            current = line.strip("[]")
        elif current == group and "=" in line and not line.startswith(("#", ";")):
            name, _, target = line.partition("=")
            yield name.strip(), target.partition("[")[0].strip()
