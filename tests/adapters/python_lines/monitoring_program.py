"""What holds of `sys.monitoring` alone; run by `test_monitoring.py` in a Python that has it."""

import sys
import threading

from adapters.python_lines import lines_program as p
from adapters.python_lines.debugged import debugging
from tracedbg.engine import Go

FILE = p.__file__
monitoring = sys.monitoring


def uses_no_id_of_another_tool():
    monitoring.use_tool_id(4, "another")
    seen = []
    monitoring.register_callback(4, monitoring.events.LINE, lambda code, line: seen.append(line))
    monitoring.set_local_events(4, p.add.__code__, monitoring.events.LINE)
    try:
        with debugging() as debugged:
            debugged.stop_at(FILE, "in add")
            p.add(1, 2)
            assert monitoring.get_tool(3) == "tracedbg"
            assert debugged.script.at == ["in add"]
        assert len(seen) == 2, seen
        assert monitoring.get_tool(3) is None
    finally:
        monitoring.set_local_events(4, p.add.__code__, 0)
        monitoring.free_tool_id(4)


def says_so_when_no_id_is_free():
    monitoring.use_tool_id(4, "another")
    monitoring.use_tool_id(3, "one more")
    try:
        with debugging(faults=1) as debugged:
            debugged.stop_at(FILE, "in add")
            p.add(1, 2)
        (fault,) = debugged.sink.events
        assert fault.message == "RuntimeError: the tool ids (4, 3) of sys.monitoring are taken", fault
    finally:
        monitoring.free_tool_id(4)
        monitoring.free_tool_id(3)


def holds_when_others_restart_events():
    with debugging() as debugged:
        debugged.stop_at(FILE, "hot", hit_condition="% 2")
        p.hot(3)
        monitoring.restart_events()
        p.hot(3)
    assert debugged.script.at == ["hot", "hot", "hot"], debugged.script.at


def is_not_there_while_nothing_is_armed():
    with debugging() as debugged:
        assert monitoring.get_tool(4) is None
        made = debugged.stop_at(FILE, "hot")
        assert monitoring.get_tool(4) == "tracedbg"
        debugged.engine.breakpoints.remove([made.id])
        assert monitoring.get_tool(4) is None
        assert not monitoring.get_local_events(5, p.hot.__code__) if monitoring.get_tool(5) else True


def pauses_a_thread():
    is_wanted = True

    def work():
        while is_wanted:
            p.add(1, 2)

    worker = threading.Thread(target=work)
    worker.start()
    with debugging(Go.OVER) as debugged:
        debugged.engine.pause(worker.ident)
        assert debugged.script.stopped.wait(10)
    is_wanted = False
    worker.join()
    assert set(debugged.script.threads) == {worker.ident}
    assert debugged.script.seen[0][0] == "pause"


def aborts():
    with debugging(Go.ABORT) as debugged:
        debugged.stop_at(FILE, "in add")
        try:
            p.add(1, 2)
        except KeyboardInterrupt:
            p.add(1, 2)
    assert debugged.script.at == ["in add", "in add"]


for check in (
    uses_no_id_of_another_tool,
    says_so_when_no_id_is_free,
    holds_when_others_restart_events,
    is_not_there_while_nothing_is_armed,
    pauses_a_thread,
    aborts,
):
    check()
print("all holds")
