"""The sampler: what it says of programs whose time is known, what it leaves alone, and what it costs."""

from __future__ import annotations

import gc
import os
import queue
import sys
import threading
import time
import weakref
from collections import Counter

import pytest

from tracedbg import ticker
from tracedbg.activities import Activity, Doing, Mark
from tracedbg.callees import Callee, Callees
from tracedbg.hooks import Hub
from tracedbg.ran import SamplesSeen
from tracedbg.sampling import Sampler
from tracedbg.stacks import MAX_DEPTH, Stacks

LIMIT_S = 30
STRETCH_S = 0.4


class Sink:
    """Keeps what is emitted."""

    def __init__(self):
        self.events = []
        self.emit = self.events.append

    @property
    def seen(self):
        return [event for event in self.events if isinstance(event, SamplesSeen)]

    @property
    def totals(self):
        return [total for seen in self.seen for total in seen.totals]

    def main_ns(self):
        spent = Counter()
        for total in self.totals:
            if total.is_main:
                spent[Activity(total.activity)] += total.wall_ns
        return spent

    def share(self, activity):
        spent = self.main_ns()
        return spent[activity] / spent.total()


@pytest.fixture
def sink():
    return Sink()


@pytest.fixture
def sampler(sink):
    hub = Hub()
    hub.subscribe(sink)
    made = Sampler(hub, 200)
    made.start()
    yield made
    made.close()
    assert not ticker._running
    assert [event for event in sink.events if not isinstance(event, SamplesSeen)] == []


def count_up(rounds=20_000):
    return sum(number * number for number in range(rounds))


def busy(function):
    until = time.monotonic() + STRETCH_S
    while time.monotonic() < until:
        function()


def wait_for_lock():
    lock = threading.Lock()
    lock.acquire()
    threading.Timer(STRETCH_S, lock.release).start()
    lock.acquire()


def wait_for_queue():
    items = queue.Queue()
    threading.Timer(STRETCH_S, items.put, (1,)).start()
    items.get()


@pytest.mark.serial
@pytest.mark.parametrize(
    ("function", "activity"),
    [
        pytest.param(lambda: busy(count_up), Activity.PYTHON, id="Python"),
        pytest.param(lambda: time.sleep(STRETCH_S), Activity.WAITING, id="sleep"),
        pytest.param(lambda: busy(lambda: time.sleep(0.002)), Activity.WAITING, id="short sleeps"),
        pytest.param(wait_for_lock, Activity.WAITING, id="lock"),
        pytest.param(wait_for_queue, Activity.WAITING, id="queue"),
    ],
)
def test_most_of_a_known_stretch_is_what_it_is(sampler, sink, function, activity):
    function()
    sampler.close()
    assert sink.share(activity) > 0.85


@pytest.mark.serial
def test_time_stands_at_the_line_that_took_it(sampler, sink):
    time.sleep(STRETCH_S)  # @sleep
    busy(count_up)
    sampler.close()
    with open(__file__, encoding="utf-8") as file:
        line = next(number for number, text in enumerate(file, 1) if text.endswith("# @sleep\n"))
    spent = sum(
        total.wall_ns for total in sink.totals if any(frame.line == line for frame in total.stack[:1])
    )
    assert spent / 1e9 == pytest.approx(STRETCH_S, abs=0.2 * STRETCH_S)  # a sample at either end


def test_times_of_the_main_thread_add_up_to_the_stretch(sampler, sink):
    busy(count_up)
    sampler._tell()
    busy(count_up)
    sampler.close()
    start_ns = {seen.start_ns for seen in sink.seen}
    assert len(start_ns) == 1
    assert sink.main_ns().total() == sink.seen[-1].end_ns - start_ns.pop()


def test_what_was_before_the_recording_is_told_of_a_whole_process(sink):
    hub = Hub()
    hub.subscribe(sink)
    sampler = Sampler(hub, 100, is_whole=True)
    sampler.start()
    sampler.close()
    first = sink.seen[0]
    assert [total.activity for total in first.totals] == ["startup"]
    assert first.start_ns < 0
    age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - _start_ticks() / os.sysconf("SC_CLK_TCK")
    assert -first.start_ns / 1e9 == pytest.approx(age_s, abs=5)


def test_before_the_recording_the_debuggers_time_is_told_apart_from_the_programs(sink):
    """It is there first: the program waits for it to begin, and may stop before it imports a framework."""
    hub = Hub()
    hub.subscribe(sink)
    hub.start_ns -= 10 * 10**9
    hub.own_ns, hub.held_ns = 2 * 10**9, 5 * 10**9
    sampler = Sampler(hub, 100, is_whole=True)
    sampler.start()
    sampler.close()
    told = {}
    for seen in sink.seen[:3]:
        (total,) = seen.totals
        assert total.wall_ns == seen.end_ns - seen.start_ns
        told[total.activity, total.phase] = total.wall_ns / 1e9
    assert told["overhead", "stopped"] == 5
    assert told["overhead", "starting"] == 2
    assert told["startup", "starting"] - told_before(sink) == pytest.approx(3, abs=1)
    ends = [seen.end_ns for seen in sink.seen[:3]]
    assert [seen.start_ns for seen in sink.seen[1:3]] == ends[:2], "no moment is told twice"
    assert ends[-1] == pytest.approx(10 * 10**9, abs=10**9)


def told_before(sink):
    """How long before the hub the process began, in seconds."""
    return -min(sink.seen[0].start_ns, 0) / 1e9


def _start_ticks():
    with open("/proc/self/stat", "rb") as file:
        return int(file.read().rpartition(b")")[2].split()[19])


def test_other_threads_are_told_with_their_cpu_time(sampler, sink):
    done = threading.Event()
    thread = threading.Thread(target=lambda: [count_up() for _ in iter(done.is_set, True)])
    thread.start()
    time.sleep(STRETCH_S)
    done.set()
    thread.join()
    sampler.close()
    theirs = [total for total in sink.totals if total.thread_id == thread.ident]
    assert not any(total.is_main for total in theirs)
    assert sum(total.cpu_ns for total in theirs) > 0
    python_ns = sum(total.wall_ns for total in theirs if total.activity == "python")
    assert python_ns > 0.7 * sum(total.wall_ns for total in theirs)


def test_it_is_no_thread_that_a_program_can_see(sampler):
    before = {thread.name for thread in threading.enumerate()}
    busy(count_up)
    assert {thread.name for thread in threading.enumerate()} == before
    assert threading.active_count() == len(before)


def test_no_variable_lives_longer_for_it(sampler):
    class Value:
        pass

    def function():
        value = Value()
        until = time.monotonic() + 0.05  # several samples look at this frame
        while time.monotonic() < until:
            pass
        return weakref.ref(value)

    gc.disable()
    try:
        found = function()
        until = time.monotonic() + LIMIT_S
        while found() is not None and time.monotonic() < until:
            time.sleep(0)  # a sample that looks right now lets go of it by itself
        assert found() is None
    finally:
        gc.enable()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_goes_on_in_both_and_the_child_begins_anew(sampler, sink):
    for _ in range(5):
        count_up()
        sampler.before_fork()
        child = os.fork()
        if child == 0:
            sampler.after_fork_in_child()
            sink.events.clear()
            busy(count_up)
            sampler.close()
            is_good = (
                0 < sink.main_ns().total() < LIMIT_S * 1e9 and len({one.start_ns for one in sink.seen}) == 1
            )
            os._exit(0 if is_good else 1)
    codes = [os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(5)]
    assert codes == [0] * 5
    assert ticker._running


def test_hundreds_of_threads_take_turns(sampler, sink):
    done = threading.Event()
    threads = [threading.Thread(target=done.wait) for _ in range(300)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 3
    while time.monotonic() < until:
        count_up()
    done.set()
    for thread in threads:
        thread.join()
    sampler.close()
    wall_ns = sink.seen[-1].end_ns - sink.seen[0].start_ns
    assert sum(seen.own_ns for seen in sink.seen) < 0.03 * wall_ns
    assert len({total.thread_id for total in sink.totals}) > 20
    assert sink.main_ns().total() == wall_ns


def test_a_deep_stack_is_looked_at_to_a_bound():
    class Deep:
        def mark(self, file, function):
            return Mark(Doing(Activity.PYTHON), is_users=True)

    def down(depth):
        return down(depth - 1) if depth else Stacks(Deep()).read(sys._getframe())

    stack = down(MAX_DEPTH + 100) if sys.getrecursionlimit() > MAX_DEPTH + 200 else down(10)
    assert len(stack._codes) <= MAX_DEPTH
    assert len(stack.users) == 16 or len(stack._codes) < 16


def test_a_fault_of_ours_ends_the_samples_and_nothing_else(sink, monkeypatch):
    hub = Hub()
    hub.subscribe(sink)
    sampler = Sampler(hub, 1000)
    monkeypatch.setattr(Stacks, "read", lambda *_: 1 / 0)
    sampler.start()
    until = time.monotonic() + LIMIT_S
    while not sink.events and time.monotonic() < until:
        time.sleep(0.001)
    sampler.close()
    (fault,) = sink.events
    assert (fault.where, fault.message) == ("samples.sample", "ZeroDivisionError: division by zero")


# --- callees -----------------------------------------------------------------------------------


class Array:
    def dot(self, other):
        """Stands for code written in C: the call's own instruction is looked at."""


CALLS = [
    ("time.sleep(1)", "import time", Callee.WAIT),
    ("sleep(1)", "from time import sleep", Callee.WAIT),
    ("open('x')", "", Callee.WAIT),
    ("file.read()", "", Callee.WAIT),
    ("zlib.compress(b'')", "import zlib", Callee.OTHER),
    ("sys.intern('x')", "import sys", Callee.OTHER),
    ("lock.acquire()", "import threading; lock = threading.Lock()", Callee.WAIT),
    ("random.random()", "import random", Callee.OTHER),
]


def instruction_of(text, before=""):
    """The code of a function that does `text`, its last call, and its globals."""
    name = f"<callee {text} {before}>"
    source = f"{before}\ndef function():\n    {text}\n"
    import linecache

    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    names = {"__builtins__": __builtins__}
    exec(compile(source, name, "exec"), names)
    code = names["function"].__code__
    import dis

    calls = [
        one.offset
        for one in dis.get_instructions(code)
        if one.opname in ("CALL", "CALL_KW", "CALL_FUNCTION", "CALL_METHOD", "BINARY_OP")
    ]
    return code, calls[-1], names


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python before 3.11 does not tell columns")
@pytest.mark.parametrize(("text", "before", "expected"), CALLS)
def test_a_callee_is_known_by_the_text_of_its_call(text, before, expected):
    assert Callees(["no_such_framework"]).of(*instruction_of(text, before)) is expected


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python before 3.11 does not tell columns")
def test_what_a_framework_has_is_an_op_and_so_is_what_may_be_one(monkeypatch):
    callees = Callees(["zlib", "frame"])
    assert callees.of(*instruction_of("zlib.compress(b'')", "import zlib")) is Callee.OP
    assert Callees(["frame"]).of(*instruction_of("x.mm(y)")) is Callee.OTHER
    monkeypatch.setitem(sys.modules, "frame", sys)
    assert callees.of(*instruction_of("x.mm(y)")) is Callee.OP
    assert callees.of(*instruction_of("x @ y")) is Callee.OP


def test_no_object_of_the_program_is_asked_for_anything():
    class Asked:
        def __getattr__(self, name):
            raise AssertionError(name)

    code, instruction, names = instruction_of("thing.run()", "")
    names["thing"] = Asked()
    assert Callees(["frame"]).of(code, instruction, names) is Callee.OTHER
