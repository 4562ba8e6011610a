"""Who is asked to look at the time, and in which thread."""

from __future__ import annotations

import gc
import threading

from tracedbg import main_thread


def test_the_main_thread_is_asked_and_nothing_is_left_of_it():
    ran = []
    asker = main_thread.MainThread(lambda: ran.append(threading.current_thread()))
    thread = threading.Thread(target=asker.ask)
    thread.start()
    thread.join()
    del asker
    gc.collect()
    for _ in range(1000):
        if ran:
            break
    assert ran == [threading.main_thread()]
    assert main_thread._asked == set()
