"""Ways in which a program that trains can end: each in a forked process, whose end is then told."""

import atexit
import faulthandler
import gc
import os
import signal
import sys
import threading
import time
import traceback

import torch


@torch.compile(backend="eager")
def compiled(x):
    return x @ torch.ones(7)


class Fails(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        return x * 2

    @staticmethod
    def backward(context, grad):
        raise ValueError("the gradient is odd")


def train(steps=3):
    weight = torch.ones(4, requires_grad=True)
    for _ in range(steps):
        loss = (weight * 2).square().mean()
        loss.backward()
    return loss.item()


def endless(until, number):
    """Train, and be sent a signal in the midst of it."""
    print("trains", flush=True)
    threading.Timer(0.05, os.kill, (os.getpid(), number)).start()
    while not until():
        train(1)


def compiled_error():
    compiled(torch.ones(2))


def backward_error():
    Fails.apply(torch.ones(2, requires_grad=True)).sum().backward()


def op_error():
    train()
    torch.ones(2) @ torch.ones(3)


def hooks():
    gc.unfreeze()  # this one has everything to let go of at its end
    sys.excepthook = lambda kind, value, tb: print("hook", kind, value, traceback.format_tb(tb), flush=True)
    atexit.register(lambda: print("atexit: first registered", train(), flush=True))
    atexit.register(lambda: print("atexit: last registered", flush=True))
    op_error()


def threads_that_fail():
    worker = threading.Thread(target=op_error, name="worker")
    worker.start()
    worker.join()


def thread_after_main():
    def work():
        main.join()
        print("after main", train(20), flush=True)

    main = threading.main_thread()
    threading.Thread(target=work).start()


def daemon_thread():
    threading.Thread(target=lambda: (train(), threading.Event().wait()), daemon=True).start()
    train(50)


def leaves():
    print("buffered")
    train()
    os._exit(9)


def replaced():
    train()
    sys.stdout.flush()
    os.execv(
        sys.executable,
        [sys.executable, "-c", "import sys; print('another program', sys.flags.isolated); sys.exit(5)"],
    )


def exits():
    train()
    sys.exit("a reason")


def terminated():
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    endless(lambda: False, signal.SIGTERM)


def handled():
    seen = []

    def note(number, frame):
        seen.append(
            (
                signal.Signals(number).name,
                frame.f_code.co_name in KNOWN or frame.f_code.co_filename != __file__,
            )
        )
        train(1)
        if len(seen) == 1:  # two that wait would come in the order of their numbers
            threading.Timer(0.03, os.kill, (os.getpid(), signal.SIGINT)).start()

    KNOWN = {"train", "endless", "<lambda>"}
    signal.signal(signal.SIGTERM, note)
    signal.signal(signal.SIGINT, note)
    endless(lambda: len(seen) == 2, signal.SIGTERM)
    print(seen)


def interrupted():
    try:
        endless(lambda: False, signal.SIGINT)
    except KeyboardInterrupt:
        print("interrupted once", flush=True)
    try:
        endless(lambda: False, signal.SIGINT)
    except KeyboardInterrupt:
        print("interrupted twice", flush=True)


def aborted():
    train()
    os.abort()


def crashed():
    train()
    faulthandler.enable(all_threads=False)
    faulthandler._sigsegv()


def killed():
    train()
    os.kill(os.getpid(), signal.SIGKILL)


def silent():
    os.close(0)
    sys.stdout.flush()
    os.close(1)
    train()
    with open("silent.txt", "w") as file:
        file.write(f"{os.path.exists('torch_endings.py')}")


def recursion():
    def deep(n):
        return torch.ones(1) + deep(n + 1)

    sys.setrecursionlimit(120)
    try:
        deep(0)
    except RecursionError as error:
        print(error)
    print(train())


def small_steps():
    """Frames that come and go while threads switch all the time: what they held is freed."""
    import weakref

    class Thing:
        pass

    def work():
        thing = Thing()
        thing.tensor = torch.ones(2) * 2
        return weakref.ref(thing)

    sys.setswitchinterval(
        1e-6
    )  # so threads switch within a sample as well, which then frees what a frame held
    end = time.monotonic() + 0.4
    late = count = 0
    while time.monotonic() < end:
        late += work()() is not None
        count += 1
    print("late", late > count / 100)


ENDINGS = [
    compiled_error, backward_error, op_error, hooks, threads_that_fail, thread_after_main, daemon_thread, leaves,
    replaced, exits, terminated, handled, interrupted, aborted, crashed, killed, silent, recursion, small_steps,
]  # fmt: skip

torch.set_num_threads(1)
gc.freeze()  # or each process ends by taking torch apart: a second and more
for ending in ENDINGS:
    if sys.argv[1:] and ending.__name__ not in sys.argv[1:]:
        continue
    sys.stdout.flush()
    child = os.fork()
    if not child:
        os.dup2(1, 2)  # in the order in which it is written
        ending()
        break
    print("---", ending.__name__, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
