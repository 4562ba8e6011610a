"""Where a thread stays for long: what is told of it, and what is not."""

from tracedbg.activities import Activity, Doing
from tracedbg.events import Frame
from tracedbg.stays import LEAST_NS, MOST, Stays

MS = 1_000_000
HERE, THERE = Frame("train.py", 30, "main"), Frame("train.py", 31, "main")
COLLECTIVE = Doing(Activity.EAGER_OPS, "collective")
WAITING = Doing(Activity.WAITING)


class Watched:
    """Stays with a clock: samples are 10 ms apart."""

    def __init__(self):
        self.told = []
        self.stays = Stays(self.told.append)
        self.now_ns = 0

    def at(self, frame, ms, doing=COLLECTIVE, cpu=0.0):
        for _ in range(ms // 10):
            start_ns, self.now_ns = self.now_ns, self.now_ns + 10 * MS
            self.stays.seen([frame], doing, start_ns, self.now_ns, int(10 * MS * cpu))

    @property
    def spans(self):
        return [(one.stack[0].line, one.start_ns // MS, one.end_ns // MS) for one in self.told]


def test_a_long_stay_is_told_with_its_moments():
    watched = Watched()
    watched.at(THERE, 50)
    watched.at(HERE, 300, cpu=0.1)
    watched.at(THERE, 10)
    (told,) = watched.told
    assert (told.stack, told.start_ns, told.end_ns, told.cpu_ns) == ((HERE,), 50 * MS, 350 * MS, 30 * MS)
    assert (told.activity, told.phase) == ("eager_ops", "collective")


def test_a_short_stay_is_not_told():
    watched = Watched()
    for frame in (HERE, THERE) * 20:
        watched.at(frame, LEAST_NS // MS - 10)
    assert watched.told == []


def test_a_stay_that_goes_on_is_told_so_far_and_again():
    watched = Watched()
    watched.at(HERE, 200)
    watched.stays.tell()
    watched.at(HERE, 200)
    watched.stays.tell()
    assert watched.spans == [(30, 0, 200), (30, 0, 400)]


def test_what_the_thread_does_for_itself_is_no_stay():
    watched = Watched()
    for activity in (Activity.TRACING, Activity.COMPILING, Activity.IMPORTS, Activity.STARTUP):
        watched.at(HERE, 500, Doing(activity))
    watched.at(HERE, 200)
    watched.at(HERE, 300, Doing(Activity.TRACING))
    assert watched.spans == [(30, 2000, 2200)]


def test_a_stay_is_named_by_what_it_was_for_the_most_part():
    watched = Watched()
    watched.at(HERE, 20, Doing(Activity.OVERHEAD))
    watched.at(HERE, 10, COLLECTIVE)
    watched.at(HERE, 200, WAITING)
    watched.at(THERE, 10)
    assert [(one.activity, one.end_ns - one.start_ns) for one in watched.told] == [("waiting", 230 * MS)]


def test_a_stay_as_long_as_usual_is_told_no_more_and_a_longer_one_is():
    watched = Watched()
    for _ in range(50):
        watched.at(HERE, 200)
        watched.at(THERE, 10)
    assert len(watched.told) == 3
    watched.at(HERE, 400)
    watched.at(THERE, 10)
    assert watched.spans[3:] == [(30, 10_500, 10_900)]


def test_a_run_of_any_length_keeps_few():
    watched = Watched()
    for number in range(3 * MOST):
        frame = Frame("train.py", number, "main")
        watched.at(frame, 110)
        watched.at(THERE, 10)
    assert len(watched.told) == MOST
