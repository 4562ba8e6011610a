"""What a stack is doing: marks of frames, and how they are put together. No framework is loaded."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
import threading
from pathlib import Path

import pytest

from tracedbg import plugins
from tracedbg.activities import HELD, RULES, Activity, Classifier, Doing, Reach, Rule, judge
from tracedbg.engine import Frontend

LIB = "/v/lib/python3.11/site-packages"
STD = sysconfig.get_paths()["stdlib"]
USER = ("/home/me/train.py", "step")
USER_BODY = ("/home/me/train.py", "<module>")
IMPORT = ("<frozen importlib._bootstrap>", "_find_and_load")
FRAME_RULES = (
    Rule("frame/wrapper.py", None),
    Rule("frame/trace/", Activity.TRACING, "tracer", Reach.ALL),
    Rule("frame/backward.py", Activity.BACKWARD, "", Reach.LIBRARIES, ("run",)),
    Rule(re.compile(r"^<made by frame>"), Activity.COMPILED, "", Reach.LIBRARIES),
    Rule("frame/", Activity.EAGER_OPS),
)
OP = (f"{LIB}/frame/ops.py", "add")
TRACER = (f"{LIB}/frame/trace/tracer.py", "trace")
BACKWARD = (f"{LIB}/frame/backward.py", "Engine.run")
WRAPPER = (f"{LIB}/frame/wrapper.py", "call")
WAIT = (f"{STD}/subprocess.py", "Popen.wait")
OWN = (f"{LIB}/tracedbg/adapters/building.py", "build")
HOLD = (f"{LIB}/tracedbg/dap/server.py", "interact")


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier(FRAME_RULES)


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ([], Doing(Activity.UNKNOWN)),
        ([USER], Doing(Activity.PYTHON)),
        ([USER_BODY], Doing(Activity.PYTHON)),
        ([OP, USER], Doing(Activity.EAGER_OPS)),
        ([(f"{STD}/json/decoder.py", "decode"), USER], Doing(Activity.PYTHON)),
        ([(f"{LIB}/other/x.py", "f"), USER], Doing(Activity.PYTHON, "library")),
        ([(f"{LIB}/other/x.py", "f"), OP, USER], Doing(Activity.PYTHON, "library")),
        ([(f"{STD}/threading.py", "Condition.wait"), USER], Doing(Activity.WAITING)),
        ([(f"{STD}/threading.py", "Thread.run"), USER], Doing(Activity.PYTHON)),
        ([OP, TRACER, USER], Doing(Activity.TRACING, "tracer")),
        ([USER, TRACER, USER], Doing(Activity.TRACING, "tracer")),
        ([OP, BACKWARD, USER], Doing(Activity.BACKWARD)),
        ([OP, USER, BACKWARD, USER], Doing(Activity.EAGER_OPS)),
        ([OP, (f"{LIB}/frame/backward.py", "prepare"), USER], Doing(Activity.EAGER_OPS)),
        ([WRAPPER, USER], Doing(Activity.PYTHON)),
        ([OP, ("<made by frame>.3", "forward"), WRAPPER, USER], Doing(Activity.COMPILED)),
        ([("<made by frame>.3", "forward"), TRACER, USER], Doing(Activity.TRACING, "tracer")),
        ([(f"{LIB}/frame/ops.py", "<module>"), IMPORT, USER_BODY], Doing(Activity.IMPORTS)),
        ([OP, (f"{LIB}/frame/__init__.py", "<module>"), IMPORT, USER], Doing(Activity.IMPORTS)),
        ([TRACER, (f"{LIB}/frame/x.py", "<module>"), IMPORT, TRACER, USER], Doing(Activity.IMPORTS)),
        ([(f"{LIB}/other/x.py", "f"), (f"{LIB}/other/x.py", "<module>"), IMPORT], Doing(Activity.IMPORTS)),
        ([USER_BODY, IMPORT, ("/home/me/main.py", "<module>")], Doing(Activity.IMPORTS)),
        ([OP, USER_BODY, IMPORT, ("/home/me/main.py", "<module>")], Doing(Activity.EAGER_OPS)),
        ([USER, USER_BODY, IMPORT], Doing(Activity.PYTHON)),
        ([IMPORT, ("<frozen site>", "main")], Doing(Activity.STARTUP)),
        ([(f"{LIB}/tracedbg/hooks.py", "call"), USER], Doing(Activity.OVERHEAD)),
        ([WAIT, OWN, IMPORT, USER], Doing(Activity.OVERHEAD)),
        ([WAIT, OWN, TRACER, USER], Doing(Activity.OVERHEAD)),
        ([USER_BODY, IMPORT, OWN, IMPORT, USER], Doing(Activity.IMPORTS)),
        ([WAIT, OWN, HOLD, OWN, USER], Doing(Activity.OVERHEAD, HELD)),
        ([WAIT, OWN, USER, HOLD, USER], Doing(Activity.OVERHEAD)),
        ([USER, HOLD, OWN, USER], Doing(Activity.PYTHON)),
        ([OP, OWN, USER], Doing(Activity.EAGER_OPS)),
        ([("/home/me/frame/ops.py", "add"), USER], Doing(Activity.PYTHON)),
        ([("/src/frame/frame/trace/tracer.py", "trace")], Doing(Activity.TRACING, "tracer")),
        ([(f"{LIB}/other/backends/frame/x.py", "fit"), USER], Doing(Activity.PYTHON, "library")),
        ([("/home/me/queue.py", "get")], Doing(Activity.PYTHON)),
    ],
)
def test_a_stack_is_what_its_innermost_telling_frame_says_unless_a_caller_covers_it(
    classifier: Classifier, frames: list[tuple[str, str]], expected: Doing
) -> None:
    assert classifier.classify(frames) == expected


@pytest.mark.parametrize(
    "captured",
    json.loads((Path(__file__).parent / "framework_stacks.json").read_text()),
    ids=lambda one: f"{one['activity']} {one['phase']}".strip(),
)
def test_stacks_that_py_spy_has_seen_in_real_programs_are_told(captured: dict) -> None:
    """Of torch 2.13 and TensorFlow 2.21: torch.compile with its backward, DataLoader workers, Keras' fit, a tape."""
    frames = [
        (file.replace("PACKAGES", LIB).replace("STDLIB", STD), function)
        for file, function in captured["frames"]
    ]
    found = Classifier(plugins.activity_rules()).classify(frames)
    assert (found.activity.value, found.phase) == (captured["activity"], captured["phase"])


def test_python_that_does_not_run_waits(classifier: Classifier) -> None:
    assert classifier.classify([USER], is_idle=True) == Doing(Activity.WAITING)
    assert classifier.classify([USER_BODY], is_idle=True) == Doing(Activity.WAITING)
    assert classifier.classify([TRACER, USER], is_idle=True) == Doing(Activity.TRACING, "tracer")
    assert classifier.classify([], is_idle=True) == Doing(Activity.UNKNOWN)


def test_marks_kept_per_code_object_say_the_same(classifier: Classifier) -> None:
    frames = [OP, TRACER, USER]
    assert judge([classifier.mark(*frame) for frame in frames]) == classifier.classify(frames)
    assert classifier.mark(*OP) is classifier.mark(*OP)


def test_a_rule_is_asked_once_per_function() -> None:
    asked = []

    class Pattern:
        def search(self, file: str) -> None:
            asked.append(file)

    classifier = Classifier([Rule(Pattern(), Activity.COMPILED)])
    for _ in range(3):
        classifier.classify([USER, USER_BODY])
    assert asked == [USER[0]]


def test_a_real_thread_that_waits_is_waiting() -> None:
    event, ready = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: (ready.set(), event.wait()))
    thread.start()
    ready.wait()
    stack: list[tuple[str, str]] = []
    while not any(function == "wait" for _, function in stack):
        frame = sys._current_frames().get(thread.ident)
        stack = []
        while frame is not None:
            stack.append((frame.f_code.co_filename, frame.f_code.co_name))
            frame = frame.f_back
    event.set()
    thread.join()
    assert Classifier().classify(stack) == Doing(Activity.WAITING)


def test_the_rules_of_python_name_functions_that_are_there() -> None:
    """A standard library that moves them would be noticed here."""
    for rule in RULES:
        if not isinstance(rule.path, str) or not rule.functions:
            continue
        if rule.path == "tracedbg/":
            assert all(hasattr(Frontend, name) for name in rule.functions)
            continue
        with open(f"{STD}/{rule.path}", encoding="utf-8") as file:
            source = file.read()
        assert any(f"def {name}(" in source for name in rule.functions), rule.path


def test_loading_the_tables_of_the_frameworks_loads_no_framework() -> None:
    program = (
        "import sys; from tracedbg import plugins; assert plugins.activity_rules();"
        "print([name for name in ('torch', 'tensorflow', 'keras', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
