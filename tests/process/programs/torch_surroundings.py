"""Surroundings that programs make for torch: collection, warnings, descriptors, hooks of Python's own."""

import asyncio
import contextlib
import contextvars
import faulthandler
import gc
import importlib
import io
import multiprocessing
import os
import queue
import re
import resource
import signal
import sys
import tempfile
import threading
import time
import tracemalloc
import warnings
import weakref

import torch
from torch import nn


def train(steps=3):
    torch.manual_seed(0)
    net = nn.Linear(4, 2)
    nn.init.constant_(net.weight, 0.1), nn.init.zeros_(net.bias)  # threads share random numbers
    for _ in range(steps):
        loss = net(torch.ones(2, 4)).square().mean()
        loss.backward()
    return loss.item()


def collection():
    """The program's own collection of garbage: as it was set, and as often as it asked for."""
    seen = []

    def note(phase, about):
        if about["generation"] == 2:
            seen.append(phase)

    gc.collect()
    gc.freeze()
    print(gc.get_freeze_count() > 0, train(), gc.isenabled(), gc.get_threshold())
    gc.unfreeze()
    print(gc.get_freeze_count())
    gc.disable()
    gc.callbacks.append(note)
    train(200)
    print(gc.isenabled(), seen)
    gc.collect()
    print(seen)
    gc.callbacks.remove(note)
    gc.enable()
    gc.set_threshold(5, 2, 2)
    cycle = nn.Linear(1, 1)
    cycle.itself = [cycle]
    gone = weakref.ref(cycle)
    del cycle
    train(20)
    gc.collect()
    print(gone(), gc.get_threshold(), gc.garbage)
    gc.set_threshold(700, 10, 10)
    gc.set_debug(gc.DEBUG_SAVEALL)
    train(5)
    gc.set_debug(0)
    gc.garbage.clear()


def growth():
    """Neither Python's memory nor the process grows with the steps that are taken."""
    train(300)
    gc.collect()
    tracemalloc.start()
    train(300)
    before, _ = tracemalloc.get_traced_memory()
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    train(2500)
    after, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - resident
    print(after - before < 1_000_000, peak - before < 3_000_000, grown_kib < 30_000)
    kept = living()
    train(50)
    print(living() == kept)


def living():
    return sum(issubclass(type(one), torch.Tensor) for one in gc.get_objects())


def dumped():
    """A dump of all threads, while ours may be among them: the program's own are whole."""
    ready, done = threading.Event(), threading.Event()

    def waits():
        train()
        ready.set()
        done.wait()

    worker = threading.Thread(target=waits)
    worker.start()
    ready.wait()
    with tempfile.TemporaryFile() as file:
        faulthandler.dump_traceback(file, all_threads=True)
        file.seek(0)
        text = file.read().decode()
    done.set()
    worker.join()
    blocks = [block.splitlines() for block in text.split("\n\n")]
    nobodys = ("/tracedbg/", "<no Python frame>")  # a thread of ours that begins or ends has no frame
    own = [block for block in blocks if not all(any(one in line for one in nobodys) for line in block[1:])]
    for block in own:
        print(re.sub(r"0x[0-9a-f]+", "0x", "\n".join(block)))


def watched():
    """A watchdog that fires while the program waits."""
    train()
    with tempfile.TemporaryFile() as file:
        faulthandler.dump_traceback_later(0.05, file=file)
        time.sleep(0.2)
        faulthandler.cancel_dump_traceback_later()
        file.seek(0)
        text = file.read()
    print(text.count(b"Timeout"), b"in watched" in text)


def strict():
    """Every warning is an error, of any thread."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compiled = torch.compile(lambda x: x.sin() + 1, backend="eager")
        print(train(), compiled(torch.ones(2)), compiled(torch.ones(3)))
        worker = threading.Thread(target=train)
        worker.start()
        worker.join()
        importlib.import_module("colorsys")
        print(warnings.filters[0][0])


def descriptors():
    """All that is open is closed, and files are put at numbers of the program's choice."""
    child = os.fork()
    if not child:
        os.closerange(3, 256)
        files = [open(f"file{n}", "w+") for n in range(6)]  # noqa: SIM115  to the end of the process
        compiled = torch.compile(lambda x: x + 1, backend="eager")
        for n, file in enumerate(files):
            compiled(torch.ones(n + 2))
            train(20)
            time.sleep(0.06)  # until a recording would be written
            print("mine", n, file=file, flush=True)
        for number in range(20, 40):
            os.dup2(files[0].fileno(), number)
        train(20)
        time.sleep(0.1)
        numbers = {
            file.fileno() for file in files
        }  # who opens one has the lowest of the moment: which, is chance
        print(len(numbers), [os.stat(file.name).st_size for file in files], flush=True)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened = []
    with contextlib.suppress(OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, limit[1]))
        while True:
            opened.append(os.open(os.devnull, os.O_RDONLY))
    print(len(opened) > 5, train())
    time.sleep(0.1)
    for one in opened:
        os.close(one)
    resource.setrlimit(resource.RLIMIT_NOFILE, limit)


def places():
    """Another folder, another environment, other paths."""
    child = os.fork()
    if not child:
        folder = tempfile.mkdtemp()
        os.chdir(folder)
        os.rmdir(folder)
        os.environ.clear()
        sys.path[:] = [
            path for path in sys.path if path.endswith(("python311.zip", "lib-dynload", "packages"))
        ]
        sys.path_importer_cache.clear()
        os.umask(0o777)
        compiled = torch.compile(lambda x: x + 1, backend="eager")
        print(compiled(torch.ones(2)), train(), flush=True)
        os.setsid()
        sys.exit(3)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def audited():
    """What the program does is told to its audit hooks, once."""
    heard = []
    mine = threading.get_ident()

    def hook(name, arguments):
        if is_on and threading.get_ident() == mine and name in ("open", "compile", "import"):
            heard.append((name, arguments[0] if isinstance(arguments[0], str) else ""))

    is_on = False
    sys.addaudithook(hook)
    is_on = True
    train(50)
    open(os.devnull).close()
    compile("1", "nothing", "eval")
    is_on = False
    print(heard)


def coroutines():
    """Tasks, contexts and signals of an event loop that trains."""
    variable = contextvars.ContextVar("variable", default=0)

    async def step(n):
        variable.set(n)
        await asyncio.sleep(0)
        loss = await asyncio.to_thread(train)
        return variable.get(), loss

    async def main():
        loop, heard = asyncio.get_running_loop(), asyncio.Event()
        loop.add_signal_handler(signal.SIGUSR1, heard.set)
        threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        while not heard.is_set():
            train(1)
            await asyncio.sleep(0)
        loop.remove_signal_handler(signal.SIGUSR1)
        return await asyncio.gather(*(step(n) for n in range(3)))

    print(asyncio.run(main(), debug=True))


def shared():
    """Tensors in memory that processes share."""
    context = torch.multiprocessing.get_context("fork")
    tensor = torch.zeros(3).share_memory_()
    answers = context.SimpleQueue()

    def work():
        tensor.add_(5)
        answers.put(train())

    worker = context.Process(target=work)
    worker.start()
    answer = answers.get()
    worker.join()
    print(tensor, answer, worker.exitcode, tensor.is_shared(), multiprocessing.active_children())
    results = queue.Queue()
    pool = [threading.Thread(target=lambda: results.put(torch.get_num_threads())) for _ in range(2)]
    for one in pool:
        one.start()
    for one in pool:
        one.join()
    print([results.get() for _ in pool])


def printed():
    """stdout and stderr that the program has put in the place of the real ones."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
        torch.compile(lambda x: (print("traced"), x + 1)[1], backend="eager")(torch.ones(2))
        warnings.warn("told", stacklevel=1)
    print(re.sub(r".*/", "", text.getvalue()))
    kept, sys.stderr = sys.stderr, None
    train()
    sys.stderr = kept


SECTIONS = [
    collection, growth, dumped, watched, strict, descriptors, places, audited, coroutines, shared, printed,
]  # fmt: skip

torch.set_num_threads(1)
for section in SECTIONS:
    if sys.argv[1:] and section.__name__ not in sys.argv[1:]:
        continue
    print("---", section.__name__, flush=True)
    section()
