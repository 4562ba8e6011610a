"""When a window begins and ends: at steps that repeat themselves, and within its bounds."""

from __future__ import annotations

import threading

import pytest

from adapters.sink import ListSink
from tracedbg.errors import UsageError
from tracedbg.hooks import Hooks
from tracedbg.kernels import Kernel, KernelsSeen
from tracedbg.window import FULL, MAX_UNCLEAN, MORE_PATIENT, PATIENCE_S, Window, WindowSpec

KERNEL = Kernel("cpu", "1", 5, 10, "aten::add")


class Recorded:
    """A profiler that notes what is asked of it."""

    profiler = "torch"

    def __init__(self, *, is_free=True, kernels=(KERNEL,)):
        self.asked = []
        self.is_free = is_free
        self.is_good = True
        self.full = False
        self.kernels = kernels

    def is_good_moment(self):
        return self.is_good

    def start(self):
        self.asked.append("start" if self.is_free else "refused")
        return self.is_free

    def before_trace(self):
        pass

    def is_full(self):
        return self.full

    def cancel(self):
        self.asked.append("cancel")

    def stop(self):
        self.asked.append("stop")
        return KernelsSeen(self.profiler, self.kernels)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def make(text="", *, at_once=False, **more):
    sink, recorded, clock = ListSink(), Recorded(**more), Clock()
    window = Window(WindowSpec.parse(text), recorded, Hooks(sink, "x"), at_once=at_once, clock=clock)
    return window, recorded, sink, clock


def test_it_begins_with_a_step_that_follows_one_without_a_trace():
    window, recorded, _, _ = make()
    window.step("a")
    window.traced()
    window.step("a")
    assert recorded.asked == []
    window.step("a")
    assert recorded.asked == ["start"]


def test_it_ends_after_so_many_whole_steps():
    window, recorded, sink, _ = make("3")
    for _ in range(4):
        window.step("a")
        window.step("inside of a")
    assert recorded.asked == ["start"]
    window.step("a")
    assert recorded.asked == ["start", "stop"]
    (seen,) = sink.events
    assert (seen.steps, seen.kernels, seen.note) == (3, (KERNEL,), "")
    assert 0 < seen.start_ns < seen.end_ns


def test_steps_that_all_trace_are_timed_in_the_end():
    window, recorded, _, _ = make()
    window.step("a")
    for _ in range(MAX_UNCLEAN):
        window.traced()
        window.step("a")
    assert recorded.asked == ["start"]


def test_it_ends_with_the_step_that_is_under_way_after_a_second():
    window, recorded, sink, clock = make()
    window.step("a")
    window.step("a")
    clock.now += 1.5
    assert not window.is_due
    window.step("a")
    assert recorded.asked == ["start", "stop"]
    assert sink.events[0].steps == 1


def test_it_ends_after_three_seconds_in_any_case():
    window, recorded, sink, clock = make()
    window.step("a")
    window.step("a")
    clock.now += 3
    assert window.is_due
    window.look()
    assert recorded.asked == ["start", "stop"]
    assert sink.events[0].steps == 0


def test_a_trace_in_it_ends_it_if_there_is_a_whole_step():
    window, recorded, sink, _ = make()
    for _ in range(3):
        window.step("a")
    window.traced()
    assert recorded.asked == ["start", "stop"]
    assert (sink.events[0].steps, sink.events[0].note) == (1, "a function was traced again")


def test_a_trace_before_the_first_step_is_over_has_it_begin_anew():
    window, recorded, sink, _ = make(at_once=True)
    window.traced()
    assert (recorded.asked, sink.events) == (["start", "cancel"], [])
    window.step("a")
    window.step("a")
    assert recorded.asked == ["start", "cancel", "start"]


def test_at_once_the_steps_are_those_that_begin_inside():
    window, recorded, sink, _ = make("2", at_once=True)
    window.step("a")
    window.step("a")
    assert recorded.asked == ["start"]
    window.step("a")
    assert recorded.asked == ["start", "stop"]
    assert sink.events[0].steps == 2


def test_another_thread_neither_counts_nor_stops():
    window, recorded, _, _ = make("1")
    window.step("a")
    window.step("a")
    thread = threading.Thread(target=lambda: (window.step("a"), window.traced(), window.close()))
    thread.start()
    thread.join()
    assert recorded.asked == ["start"]


def test_without_any_step_it_begins_after_a_while_at_a_good_moment():
    window, recorded, _, clock = make()
    clock.now += PATIENCE_S
    recorded.is_good = False
    window.look()
    assert recorded.asked == []
    recorded.is_good = True
    window.look()
    assert recorded.asked == []  # it was busy just now: waiting begins anew
    clock.now += PATIENCE_S
    window.look()
    assert recorded.asked == ["start"]


def test_what_began_without_a_step_begins_anew_with_the_first():
    window, recorded, _, clock = make()
    clock.now += PATIENCE_S
    window.look()
    window.step("a")
    assert recorded.asked == ["start", "cancel"]
    window.step("a")
    assert recorded.asked == ["start", "cancel", "start"]


def test_what_began_without_a_step_and_saw_nothing_begins_again():
    window, recorded, sink, clock = make(kernels=())
    clock.now += PATIENCE_S
    window.look()
    clock.now += 3
    window.look()
    assert (recorded.asked, sink.events, window.is_done) == (["start", "stop"], [], False)


def test_it_gives_way_and_says_so():
    window, _, sink, _ = make()
    for _ in range(3):
        window.step("a")
    window.give_way("the program's own torch.profiler")
    assert sink.events[0].note == "the program's own torch.profiler took over"
    assert window.is_done


@pytest.mark.parametrize(
    ("steps", "free", "note"),
    [
        (0, True, "the program ended before any step, and within 2 seconds"),
        (1, True, "no step repeated itself without being traced; more of them would have to be run"),
        (2, False, "the program's own profiler was running"),
    ],
)
def test_a_window_that_never_began_says_why(steps, free, note):
    window, _, sink, _ = make(is_free=free)
    for _ in range(steps):
        window.step("a")
    window.close()
    assert sink.events == [KernelsSeen("torch", note=note)]


def test_a_profiler_that_raises_is_a_fault_of_ours():
    window, recorded, sink, _ = make()
    recorded.start = lambda: 1 / 0
    window.step("a")
    window.step("a")
    window.step("a")
    window.close()
    assert [event.where for event in sink.events] == ["x.start"]


def test_words_for_a_window():
    assert WindowSpec.parse("") == WindowSpec(10, 1.0, 3.0)
    assert WindowSpec.parse("25") == WindowSpec(25, 60.0, 60.0)
    assert WindowSpec.parse("2.5s") == WindowSpec(None, 2.5, 2.5)


@pytest.mark.parametrize("text", ["x", "-1", "1.5", "s", "10 s", "1e3"])
def test_what_is_no_window(text):
    with pytest.raises(UsageError) as raised:
        WindowSpec.parse(text)
    assert str(raised.value) == (
        f"--kernels={text}: name a number of steps, such as --kernels=10, or of seconds, such as --kernels=2s"
    )


@pytest.mark.parametrize("text", ["0", "10001", "0s", "601s"])
def test_a_window_that_is_too_large_or_too_small(text):
    with pytest.raises(UsageError) as raised:
        WindowSpec.parse(text)
    assert str(raised.value) == (
        f"--kernels={text}: steps may be 1 to 10000, seconds more than 0 and at most 600"
    )


def test_what_has_begun_without_a_step_waits_for_one_when_another_framework_has_its_own():
    window, recorded, _, _ = make("2", at_once=True)
    told = []
    other, _, _, _ = make("2")
    other.on_step = lambda one: (told.append(one), window.wait())
    for _ in range(3):
        other.step("b")
    assert told == [other]
    assert recorded.asked == ["start", "cancel"]
    for _ in range(4):
        window.step("a")
    assert recorded.asked == ["start", "cancel", "start", "stop"]


def test_what_has_steps_of_its_own_does_not_wait():
    window, recorded, _, _ = make("2", at_once=True)
    window.step("a")
    window.wait()
    assert recorded.asked == ["start"]


def test_it_ends_early_when_the_profiler_can_keep_no_more_and_says_so():
    window, recorded, sink, _ = make("25")
    for _ in range(4):
        window.step("a")
    recorded.full = True
    assert window.is_due
    window.look()
    assert recorded.asked == ["start", "stop"]
    (seen,) = sink.events
    assert (seen.steps, seen.note) == (2, FULL)


def test_in_a_thread_that_cannot_be_asked_it_ends_full_with_the_next_step():
    window, recorded, sink, _ = make("25")
    for _ in range(3):
        window.step("a")
    recorded.full = True
    assert window.is_due, "asked by the thread that looks"
    recorded.full = False
    window.step("a")
    (seen,) = sink.events
    assert (seen.steps, seen.note) == (2, FULL)


def test_full_of_nothing_but_python_it_looks_again_but_later():
    window, recorded, sink, clock = make(kernels=())
    clock.now = PATIENCE_S
    window.look()
    recorded.full = True
    window.look()
    assert (recorded.asked, sink.events) == (["start", "stop"], [])
    recorded.full = False
    clock.now += PATIENCE_S
    assert not window.is_due
    clock.now += PATIENCE_S * (MORE_PATIENT - 1)
    window.look()
    assert recorded.asked == ["start", "stop", "start"]


def test_a_profiler_that_cannot_say_whether_it_is_full_is_a_fault_and_goes_on():
    window, recorded, sink, _ = make("25")
    recorded.is_full = lambda: 1 / 0
    for _ in range(3):
        window.step("a")
    assert not window.is_due
    assert [event.where for event in sink.events] == ["x.is_full"]
