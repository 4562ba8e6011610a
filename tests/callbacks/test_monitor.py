"""What a callback shows, without any framework: events are told by hand."""

from __future__ import annotations

import gc
import sys
import warnings

import pytest

from traced import traced
from tracedbg import session
from tracedbg.errors import MissingExtraError, RetraceError, RetraceWarning, UsageError
from tracedbg_callbacks.monitor import Monitor


@pytest.fixture
def monitor():
    made = []

    def make(*arguments, **options):
        made.append(Monitor(*arguments, **options))
        made[-1].start()
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("stop",), "on_retrace is 'stop'; it must be 'warn', 'error', 'ignore' or a function"),
        (("warn", -1), "warmup is -1; it must be a number of steps, 0 or more"),
        (("warn", 1.5), "warmup is 1.5; it must be a number of steps, 0 or more"),
    ],
)
def test_an_argument_that_makes_no_sense_is_told_at_once(arguments, message):
    with pytest.raises(UsageError) as raised:
        Monitor(*arguments)
    assert str(raised.value) == message


def test_a_retrace_in_the_warm_up_is_counted_and_nothing_else(monitor):
    one = monitor("error", warmup=2)
    traced(2)
    traced(3)
    one.step(2)
    assert one.values() == {"tracedbg/traces": 2, "tracedbg/retraces": 1, "tracedbg/compile_seconds": 2.0}


def test_an_error_names_each_cause(monitor):
    one = monitor("error")
    traced(2)
    one.step()
    traced(3)
    with pytest.raises(RetraceError) as raised:
        one.step()
    assert str(raised.value) == (
        "1 retrace after the warm-up of 1 step, in step 2:\n"
        "  train.py:7: `x` changed shape from float32[2] to float32[3]; leave out dynamic=False: it asks for a"
        " graph per shape"
    )


def test_a_warning_stands_at_the_users_line_once_for_a_cause(monitor):
    one = monitor()
    traced(2)
    one.step()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for size in (3, 4, 5):
            traced(size)
            one.step()
    assert issubclass(warned[0].category, RetraceWarning)
    assert str(warned[0].message).startswith(
        "step was traced again in step 2: `x` changed shape from float32[2]"
    )
    assert [(found.filename, found.lineno) for found in warned] == [("train.py", 7)]


def test_a_function_is_given_each_retrace_and_may_raise(monitor):
    found = []
    one = monitor(found.append)
    traced(2)
    one.step()
    traced(3)
    traced(4)
    one.step()
    assert [retrace.causes[0].after for retrace in found] == ["float32[3]", "float32[4]"]


def test_a_step_that_traces_nothing_explains_nothing(monitor):
    one = monitor()
    one.step()
    called = []
    sys.setprofile(lambda frame, event, _: event == "call" and called.append(frame.f_code.co_name))
    try:
        for _ in range(3):
            one.step()
    finally:
        sys.setprofile(None)
    assert called == ["step", "has_news"] * 3


def test_a_line_tells_of_what_came_since_it_began(monitor):
    one = monitor("ignore")
    traced(2)
    one.step(5)
    one.begin()
    traced(3, outcome="failed")
    traced(4)
    one.step(5)
    first, second = one.text("epoch 2").splitlines()
    head, speed, *rest = first.split(", ")
    assert head == "tracedbg: epoch 2: 5 steps"
    assert speed.endswith(" steps/s")
    assert rest == ["1 trace", "1 retrace", "1 trace failed", "2.000 s compiling"]
    assert second == "  train.py:7 step: `x` changed shape from float32[2] to float32[4]"


def test_a_monitor_that_is_forgotten_counts_no_more():
    one = Monitor()
    one.start()
    assert len(session._observers._observers) == 1
    del one
    gc.collect()
    assert session._observers._observers == []


def test_names_of_the_program_do_nothing_to_a_terminal(monitor):
    one = monitor("ignore")
    traced(2, name="step\x1b[31m")
    traced(3, name="step\x1b[31m")
    assert one.text("epoch 1").splitlines()[1].startswith(r"  train.py:7 step\x1b[31m: ")


@pytest.mark.parametrize(
    ("name", "packages"),
    [
        ("keras", ["keras"]),
        ("lightning", ["lightning", "pytorch_lightning"]),
        ("transformers", ["transformers"]),
    ],
)
def test_a_framework_that_is_not_there_is_told_with_the_line_that_installs_it(monkeypatch, name, packages):
    for loaded in [one for one in sys.modules if one.partition(".")[0] in packages]:
        monkeypatch.delitem(sys.modules, loaded)
    for package in packages:
        monkeypatch.setitem(sys.modules, package, None)
    module = f"tracedbg_callbacks.{name}"
    monkeypatch.delitem(sys.modules, module, raising=False)
    with pytest.raises(MissingExtraError) as raised:
        __import__(module)
    assert str(raised.value) == (
        f"{module} needs packages that are not installed: python -m pip install 'tracedbg[{name}]'"
    )
