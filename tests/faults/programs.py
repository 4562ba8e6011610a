"""Small programs that have something for every part of ours, run in a process that has the framework already.

`python programs.py torch|tensorflow WHAT.json` runs a program plainly and once without each of the names
that WHAT lists, each time in a fork of one process, and writes beside WHAT what was seen.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import resource
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

WORKERS = 2
CPU_S = 60
"""What a child may take; none needs a tenth of it."""
RECORD, DEBUG, KERNELS, COMPARE = "record", "debug", "kernels", "compare"
SECTIONS = {
    "tf_function.walk": (DEBUG,),
    "tf_function.compare": (COMPARE,),
    "torch_compile.walk": (DEBUG,),
    "torch_compile.compare": (COMPARE,),
    "torch_compile.apart": (DEBUG,),
    "torch_script.walk": (DEBUG,),
    "python_lines": (DEBUG,),
    "torch_eager": (DEBUG,),
    "tf_eager": (DEBUG,),
    "torch_kernels": (KERNELS,),
    "tf_kernels": (KERNELS,),
    "torch_common": (RECORD, DEBUG),
    "tf_common": (RECORD, DEBUG, COMPARE),
}
"""What has to be switched on for a package of the adapters to be at work; otherwise: recording."""


def sections_of(module: str) -> tuple[str, ...]:
    part = module.removeprefix("tracedbg.adapters.")
    return next(
        (sections for begin, sections in SECTIONS.items() if f"{part}.".startswith(f"{begin}.")), (RECORD,)
    )


def compiled() -> None:
    import torch

    def step(x, n):
        y = (x * n).relu()
        torch._dynamo.graph_break()
        return (y + 1).sum()

    function = torch.compile(step, backend="aot_eager")
    for size, n in ((3, 2), (4, 3)):
        x = torch.ones(size, requires_grad=True)
        loss = function(x, n)
        loss.backward()
        print("compiled", loss.item(), x.grad.tolist())


def scripted() -> None:
    import torch

    def branch(x):
        return x * 2 if x.sum() > 0 else x

    class Point:
        def __init__(self, x: int):
            self.x = x

    class Net(torch.nn.Module):
        def part(self, x):
            return x + 1 if x.sum() > 0 else x

        def forward(self, x):
            return self.part(x) * 2

    torch.jit.script(Point)
    made = [
        torch.jit.script(branch),
        torch.jit.trace(branch, torch.ones(2)),
        torch.jit.trace(branch, example_kwarg_inputs={"x": torch.ones(2)}),
        torch.jit.script(Net()),
        torch.jit.trace(Net(), example_kwarg_inputs={"x": torch.ones(2)}),
    ]
    print("script", [one(torch.ones(2)).tolist() for one in made])


def eager() -> None:
    import torch

    torch.manual_seed(0)
    layer = torch.nn.Linear(3, 2)
    for _ in range(3):
        loss = layer(torch.ones(4, 3)).pow(2).mean()
        loss.backward()
        print("eager", round(loss.item(), 4), torch.ones(3).nonzero().tolist())
    print("vmap", torch.vmap(lambda row: row.sin().sum())(torch.zeros(2, 3)).tolist())


def functions() -> None:
    import tensorflow as tf

    @tf.function
    def step(x, n):
        y = tf.nn.relu(x * float(n))
        if tf.reduce_sum(y) > 3.0:
            y = y + 1.0
        for _ in range(2):
            y = y * 1.5
        return tf.reduce_sum(y)

    for size, n in ((3, 2), (4, 3)):
        x = tf.Variable(tf.ones(size))
        with tf.GradientTape() as tape:
            loss = step(x.read_value() + 0.0, n)
        print("traced", float(loss), tape.gradient(loss, x))


def tapes() -> None:
    import tensorflow as tf

    weight = tf.Variable(2.0)
    for _ in range(3):
        with tf.GradientTape() as tape:
            loss = tf.math.softplus(weight * 3.0)
        weight.assign_sub(0.1 * tape.gradient(loss, weight))
        print("eager", round(float(loss), 4), tf.constant([1.0, 2.0]).numpy().tolist())


PROGRAMS = {"torch": (compiled, scripted, eager), "tensorflow": (functions, tapes)}
PARTS = {
    "torch_compile": (compiled,),
    "torch_script": (scripted,),
    "torch_steps": (eager,),
    "torch_ops": (eager, compiled),
    "torch_eager": (eager,),
    "torch_kernels": (eager, compiled),
    "tf_function": (functions,),
    "autograph": (functions,),
    "tf_eager": (tapes,),
    "tf_ops": (tapes,),
}
"""What a package of the adapters has to do with; otherwise: everything."""


def parts_of(framework: str, modules: list[str]) -> list[str]:
    """The programs that have something for these modules of ours, by name."""
    wanted = [PARTS.get(module.removeprefix("tracedbg.adapters.").partition(".")[0]) for module in modules]
    if None in wanted:
        return [one.__name__ for one in PROGRAMS[framework]]
    return list(dict.fromkeys(one.__name__ for programs in wanted for one in programs))


class Looking:
    """A frontend that looks at all there is, and goes on."""

    def __init__(self) -> None:
        self.stops = 0

    def interact(self, stop):
        from tracedbg.engine import Action, Go

        self.stops += 1
        for frame in stop.view.frames():
            frame.variables()
        return Action(Go.CONTINUE)

    def say(self, text, stop=None):
        pass


@contextlib.contextmanager
def switched_on(section: str, folder: str, seen: dict):
    """Record, debug, time or compare what the block does."""
    import tracedbg
    from tracedbg.report.json import to_json  # noqa: F401

    extra = contextlib.ExitStack()
    options = {"ops": True, "rate_hz": 100} if section == RECORD else {}
    if section == KERNELS:
        options = {"kernels": "20s"}
    with extra:
        run = extra.enter_context(tracedbg.record(os.path.join(folder, section), **options))
        if section == DEBUG:
            looking = Looking()
            extra.enter_context(tracedbg.debug("op:*", frontend=looking))
        if section == COMPARE:
            from tracedbg.compare.comparer import CompareOptions
            from tracedbg.comparing import Comparing

            output = os.path.join(folder, "compared")
            comparing = Comparing(CompareOptions(output=output))
            comparing.start()
            extra.callback(comparing.stop)
        yield
    from tracedbg.store.reader import Run

    with Run.open(run.folder) as recorded:
        (process,) = recorded.processes
        seen["faults"] += [(fault.where, fault.message) for fault in process.faults()]
        found = {
            "traces": {trace.started.traceable.framework.value for trace in process.traces()},
            "graphs": len(process.graph_infos()) > 0,
            "error": process.info.recording_error,
        }
        if section == RECORD:
            found["ops"] = any(one.totals for one in process.ran.ops())
            found["steps"] = bool(process.ran.step_graphs())
        if section == KERNELS:
            found["kernels"] = sum(len(window.kernels) for window in process.kernel_windows()) > 0
        if section == DEBUG:
            found["stops"] = looking.stops > 0
        if section == COMPARE:
            found["compared"] = os.path.exists(output)
        seen["found"][section] = sorted(
            [name for name, value in found.items() if value is True]
            + list(found["traces"])
            + ([found["error"]] if found["error"] else [])
        )


def child(framework: str, job: dict, answer: str) -> None:
    """Run the program in each section, in this fork; write what was seen."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    seen: dict = {"outputs": [], "faults": [], "found": {}, "error": ""}
    log = os.open(f"{answer}.stderr", os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_TRUNC, 0o600)
    os.dup2(log, 2)
    try:
        if job["name"] is not None:
            import faults.removal as removal

            removal.take_away(removal.Name(**job["name"]))
        for section in job["sections"]:
            if framework == "torch":
                import torch

                torch._dynamo.reset()
            said = io.StringIO()
            with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as on:
                if section:
                    on.enter_context(switched_on(section, folder, seen))
                with contextlib.redirect_stdout(said):
                    for program in PROGRAMS[framework]:
                        if program.__name__ in job["parts"]:
                            program()
            seen["outputs"].append(said.getvalue())
    except BaseException:
        seen["error"] = traceback.format_exc()
    with open(f"{answer}.stderr", errors="replace") as file:
        seen["stderr"] = [line.rstrip("\n") for line in file if line.startswith("tracedbg: ")]
    Path(answer).write_text(json.dumps(seen))


def main(framework: str, what: str) -> None:
    warnings.simplefilter("ignore")
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    jobs = json.loads(Path(what).read_text())
    if framework == "torch":
        import torch

        torch.set_num_threads(1)
        with contextlib.redirect_stdout(io.StringIO()):
            compiled()  # load what a compile needs
        import torch._dynamo.backends.registry
        import torch._functorch._aot_autograd.graph_compile
        import torch._inductor.config
        import torch.profiler
    else:
        import tensorflow as tf  # noqa: F401
    load_us()
    gc.freeze()  # or each fork copies all that there is, by collecting garbage
    running: dict[int, float] = {}
    # Attributes first: they are taken out of our modules as these are imported.
    for number, job in sorted(
        enumerate(jobs), key=lambda one: bool(one[1]["name"]) and bool(one[1]["name"]["users"])
    ):
        if job["name"] and job["name"]["users"] and "tracedbg.adapters.torch_common" not in sys.modules:
            while running:
                reap(running)
            load_adapters(framework)
            gc.freeze()
        while len(running) >= WORKERS:
            reap(running)
        pid = os.fork()
        if not pid:
            with contextlib.suppress(BaseException):
                child(framework, job, f"{what}.{number}")
            os._exit(0)
        running[pid] = time.monotonic()
    while running:
        reap(running)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print("seconds of CPU:", round(used.ru_utime + used.ru_stime + time.process_time()))


def load_us() -> None:
    """Import, once for all forks, what is no adapter."""
    import tracedbg.api
    import tracedbg.comparing
    import tracedbg.debugger.process
    import tracedbg.op_recording
    import tracedbg.profiling
    import tracedbg.report.json
    import tracedbg.sampling
    import tracedbg.store.reader  # noqa: F401

    assert not any(name.startswith("tracedbg.adapters.") and "activities" not in name for name in sys.modules)


def load_adapters(framework: str) -> None:
    """The same for the adapters."""
    import faults.removal as removal

    for name in removal.modules():
        if removal.framework_of(name) == framework:
            importlib.import_module(name)


def reap(running: dict[int, float]) -> None:
    pid, _ = os.wait()
    running.pop(pid, None)


if __name__ == "__main__":
    main(*sys.argv[1:])
