"""What is shown of a live process, word for word, at two widths and without UTF-8."""

from __future__ import annotations

import pytest

from tracedbg.activities import Activity, Doing, Reach, Rule
from tracedbg.attach.process import LiveProcess
from tracedbg.attach.reading import Reader
from tracedbg.attach.tally import Place, Tally, ThreadTime
from tracedbg.pyspy import Frame, Thread
from tracedbg.report.live import stacks_text, tally_text
from tracedbg.report.live_data import collapsed
from tracedbg.report.style import ASCII, Style

LIB = "/v/lib/python3.12/site-packages"
RULES = [Rule("frame/", Activity.COMPILING, "Maker", Reach.ALL)]
PROCESS = LiveProcess(
    4711, ("python", "train.py", "--name", "a \x1b[31m b"), "3.12", "/nowhere/me", 0, 7325.0, 12, "S"
)
MAIN = Frame("/nowhere/me/train.py", 30, "<module>")
STEP = Frame("train.py", 12, "Trainer.step.<locals>.inner")
FRAMES = tuple(Frame(f"{LIB}/frame/{name}.py", 5, name) for name in ("emit", "lower", "build"))
WAIT = Frame("/usr/lib/python3.12/threading.py", 331, "Condition.wait")
THREADS = [
    Thread(4711, 4720, "pool_1", is_active=False, frames=(WAIT, WAIT)),
    Thread(4711, 4721, "pool_2", is_active=False, frames=(WAIT, WAIT)),
    Thread(4711, 4711, "MainThread", is_active=True, frames=(*FRAMES, STEP, MAIN)),
    Thread(4711, 4730, "\x1b[31mempty", is_active=True, frames=()),
]
SHOWN = r"""process 4711  python train.py --name 'a \x1b[31m b'
  Python 3.12, running for 2 h 2 min, 12 threads of the operating system, in
  /nowhere/me

MainThread (4711): compiling (Maker)
  ▸ train.py:30 in <module>
  ▸ train.py:12 in Trainer.step.inner
    … 2 frames of frame.build, frame.lower
    frame/emit.py:5 in emit

pool_1 and 1 more like it (4720): waiting
    … 1 frame of threading
    threading.py:331 in Condition.wait

\x1b[31mempty (4730): unknown
    no frame of Python
"""
RECORDED = r"""process 4711  python train.py --name 'a \x1b[31m b'
  Python 3.12, running for 2 h 2 min, 12 threads of the operating system, in
  /nowhere/me

4.0 s at 100 Hz: 400 samples of 2 threads; the process has ended, 60 s were
asked for
it was held for 20% of the time, for its stacks to be read: a lower --rate helps
py-spy was 1.5 s behind: shares are rough; a lower --rate helps

MainThread (4711), 25% of the time without a core to run on
  share  seconds              activity                                over time
  75.0%     3.00  ███████▌    compiling (Maker)                       ███████▄
  25.0%     1.00  ██▌         running Python                                 ▄██

1 thread only waited: pool_1

Lines of yours
  share  seconds              line
  75.0%     3.00  ███████▌    train.py:12 in Trainer.step
                                compiling (Maker)
  25.0%     1.00  ██▌         train.py:30 in <module>
                                running Python 75%, waiting 25%

Python has no frames for what is written in C: a line that calls an operator
itself counts as Python. --native tells them apart.
"""


@pytest.fixture
def reader():
    return Reader(RULES, PROCESS)


@pytest.fixture
def tally():
    compiling, python, waiting = (
        Doing(Activity.COMPILING, "Maker"),
        Doing(Activity.PYTHON),
        Doing(Activity.WAITING),
    )
    main = ThreadTime(4711, 4711, "MainThread", 200, queued_s=1.0)
    main.seconds.update({python: 1.0, compiling: 3.0})
    for moment in range(80):
        main.moments[compiling if moment < 60 else python][moment] = 0.05
    pool = ThreadTime(4711, 4720, "pool_1", 200)
    pool.seconds[waiting] = 4.0
    found = Tally(
        100, 4.0, {(4711, 4720): pool, (4711, 4711): main}, has_ended=True, behind_s=1.5, held_s=0.8
    )
    found.lines[Place("/nowhere/me/train.py", 30, "<module>")] = {python: 0.75, waiting: 0.25}
    found.lines[Place("/nowhere/me/train.py", 12, "Trainer.step")] = {compiling: 3.0}
    return found


def test_threads_at_this_moment_are_shown_the_innermost_frame_last(reader):
    assert stacks_text(PROCESS, THREADS, reader, Style(folder="/nowhere/me")) == SHOWN


def test_every_frame_of_a_library_is_shown_where_that_is_asked_for(reader):
    shown = stacks_text(PROCESS, THREADS[2:3], reader, Style(folder="/nowhere/me"), full=True)
    assert shown.endswith(
        "    frame/build.py:5 in build\n    frame/lower.py:5 in lower\n    frame/emit.py:5 in emit\n"
    )


def test_a_process_without_a_thread_of_python_is_said_to_have_none(reader):
    shown = stacks_text(LiveProcess(7), [], reader, Style())
    assert shown == (
        "process 7  (its command line cannot be read)\n\n"
        "no thread of it runs Python: it is starting, ending, or in a call that began none\n"
    )


def test_what_was_recorded_is_shown_by_activity_time_and_line(tally):
    assert tally_text(PROCESS, tally, Style(folder="/nowhere/me"), asked_s=60) == RECORDED


def test_a_wider_terminal_shows_more_of_the_course_of_time(tally):
    shown = tally_text(PROCESS, tally, Style(width=120, folder="/nowhere/me"), asked_s=60).splitlines()
    assert "  75.0%     3.00  ███████▌    compiling (Maker)                       ██████████████████" in shown
    assert "  25.0%     1.00  ██▌         running Python" + " " * 44 + "██████" in shown
    assert max(map(len, shown)) <= 120


def test_a_terminal_without_utf_8_gets_ascii(tally, reader):
    style = Style(glyphs=ASCII, folder="/nowhere/me")
    shown = tally_text(PROCESS, tally, style, asked_s=60) + stacks_text(PROCESS, THREADS, reader, style)
    assert shown.isascii()
    assert "  75.0%     3.00  ########    compiling (Maker)                       %%%%%%%" in shown


def test_no_escape_of_the_program_s_reaches_the_terminal(tally, reader):
    shown = stacks_text(PROCESS, THREADS, reader, Style(color=True))
    assert r"\x1b[31mempty" in shown
    assert "\x1b[31m" not in shown
    assert "\x1b[" in shown


def test_collapsed_stacks_keep_to_their_form():
    frames = (Frame("<string>", 1, "f;g\n"), MAIN)
    assert collapsed([("a;b", frames, 2), ("a;b", frames, 3)]) == "a?b;train:<module>:30;string:f?g?:1 5\n"
