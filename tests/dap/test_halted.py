"""What is done on a stopped thread, and broken off there."""

from __future__ import annotations

import subprocess
import sys

from tracedbg.dap.halted import Job

LATE = """
import sys
from tracedbg.dap.halted import Job

told = []
job = Job(lambda: job.cancel() or {}, told.append, told.append, is_breakable=True)
job.run()
assert told, told

def traced():
    return 1

sys.settrace(lambda *_: None)
traced()
sys.settrace(None)
print("on it goes", job.is_cancelled)
"""


def test_a_job_that_is_cancelled_at_its_very_end_leaves_nothing_behind():
    # In a process of its own: what CPython 3.11 keeps would stop the next traced function for ever.
    ended = subprocess.run(
        [sys.executable, "-c", LATE], capture_output=True, text=True, timeout=30, check=False
    )
    assert (ended.stdout, ended.stderr) == ("on it goes True\n", "")


def test_a_job_that_is_cancelled_before_it_begins_is_not_done():
    done, told = [], []
    job = Job(lambda: done.append(1), done.append, told.append, is_breakable=True)
    job.cancel()
    job.run()
    assert (done, told) == ([], ["cancelled"])


def test_what_is_not_to_be_broken_off_is_done_to_its_end():
    told, refused = [], []

    def work():
        job.cancel()
        return {"sum": sum(range(1000))}

    job = Job(work, told.append, refused.append)
    job.run()
    assert (told, refused) == ([{"sum": 499500}], [])
