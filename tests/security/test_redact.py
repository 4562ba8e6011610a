"""With --redact no value of the program's is on the disk, and the causes still say what has changed."""

from __future__ import annotations

import collections.abc
import dataclasses
import json
import os
import subprocess
import sys
import typing
from pathlib import Path

import pytest

import tracedbg
from process.compare import TRACEDBG, clean_environment
from security.leaks import leaks, secrets
from tracedbg import events as ev
from tracedbg import kernels, ran
from tracedbg.redaction import LEFT_OUT, redacted_argv
from tracedbg.redaction.redactor import Redactor
from tracedbg.store.reader import Run

HERE = Path(__file__).parent


def recorded(name: str, folder: Path, *options: str, **environment: str) -> Path:
    """The folder of a run of a program that is full of secrets."""
    out = folder / "run"
    command = [sys.executable, TRACEDBG, "run", "--no-tui", "--quiet", "--out", str(out), *options]
    subprocess.run(
        [*command, str(HERE / name), "--password", "hunter2argument"],
        env={**clean_environment(), "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return out


def causes(folder: Path) -> set[tuple[str, str]]:
    with Run.open(str(folder)) as run:
        from tracedbg.explain import summarise

        summary = summarise(run)
    return {
        (cause.kind.value, cause.argument)
        for function in summary.every_function()
        for cause in function.causes
    }


@pytest.mark.torch
def test_nothing_of_a_torch_program_s_values_is_on_the_disk(tmp_path):
    pytest.importorskip("torch")
    page = tmp_path / "page.html"
    folder = recorded(
        "secret_torch.py", tmp_path, "--redact", "--ops", "--ops-steps", "0:2", "--html", str(page)
    )
    assert leaks(folder) == []
    assert secrets(page.read_bytes()) == []
    found = causes(folder)
    assert {("python_value", "n"), ("python_value", "name"), ("attribute_value", "config.rate")} <= found
    assert ("global_value", "limit") in found
    assert [argument.partition("[")[0] for kind, argument in found if kind == "shape"] == ["batch"]


@pytest.mark.torch
def test_the_same_program_leaves_them_all_without_the_option(tmp_path):
    """The negative control: what the other tests look for is there."""
    pytest.importorskip("torch")
    page = tmp_path / "page.html"
    text = "\n".join(leaks(recorded("secret_torch.py", tmp_path, "--html", str(page))))
    assert secrets(page.read_bytes()) != []
    words = ("argument", "text", "key", "inner", "option")
    assert [word for word in words if f"hunter2{word}" not in text] == []
    assert "777123" in text


@pytest.mark.tensorflow
def test_nothing_of_a_tensorflow_program_s_values_is_on_the_disk(tmp_path):
    pytest.importorskip("tensorflow")
    folder = recorded("secret_tensorflow.py", tmp_path, "--ops", TRACEDBG_REDACT="1")
    assert leaks(folder) == []
    assert ("python_value", "n") in causes(folder)


def test_the_marks_of_two_runs_are_comparable_with_one_key():
    one, other = Redactor("a common key"), Redactor("a common key")
    assert one.mark("'hunter2'") == other.mark("'hunter2'") != Redactor("another").mark("'hunter2'")


@pytest.mark.parametrize(
    "wanted", ["a tensor type, '", "<class 'hunter2.Tensor'>,"]
)  # since torch 2.14 the latter
def test_a_guard_on_a_type_keeps_its_words_alone(wanted):
    guard = f"expected type of 'L['x']['hunter2']' to be {wanted} but found <class 'int'>"
    failure = ev.GuardFailure("0/0", guard, "L['x']['hunter2']", "Tensor float32[4]", "int")
    redactor = Redactor("key")
    function = ev.Traceable(ev.Framework.TORCH_COMPILE, "f", "f.py", 1)
    left = redactor.event(ev.Fallback(function, "skipped", "", 0, guard_failures=(failure,)))
    mark = redactor.mark("'hunter2'")
    kept = f"expected type of 'L['x']['{mark}']' to be a tensor type, but found <class 'int'>"
    assert left.guard_failures[0].guard == kept


def test_a_mark_has_the_type_of_its_value():
    mark = Redactor("key").mark
    assert [mark(text).partition("_")[0] for text in ("3", "0.5", "'a'", "[1, 2]", "<Config>(1)")] == [
        "int", "float", "str", "list", "value",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("argv", "kept"),
    [
        (["train.py", "--password", "x"], ("train.py", LEFT_OUT)),
        (["train.py"], ("train.py",)),
        (["-m", "pkg.train", "x"], ("-m", "pkg.train", LEFT_OUT)),
        (["-c", "secret = 1"], ("-c", LEFT_OUT)),
    ],
)
def test_a_command_line_keeps_its_program(argv, kept):
    assert redacted_argv(argv) == kept
    command = ["/usr/bin/python3", "-u", "-X", "secret=1", *argv]
    assert redacted_argv(command, is_command=True) == ("/usr/bin/python3", "-u", *kept)


SPECIMENS = {"int": 7, "bool": False, "str": "hunter2 'text'"}


def specimen(kind, depth=0):
    """An event, or a part of one, with a secret in each text."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return (specimen(arguments[0], depth + 1),) if depth < 6 else ()
        return tuple(specimen(one, depth + 1) for one in arguments)
    if origin is collections.abc.Sequence:
        return (specimen(arguments[0], depth + 1),)
    if origin is list:
        return []
    if arguments:  # a union
        return specimen(arguments[0], depth)
    if isinstance(kind, type) and issubclass(kind, ev.Enum):
        return next(iter(kind))
    if hasattr(kind, "_fields"):
        hints = typing.get_type_hints(kind, {**vars(ev), **vars(kernels)})
        return kind(**{name: specimen(hints[name], depth + 1) for name in kind._fields})
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind, {**vars(ev), **vars(ran), **vars(kernels), "array": list})
        return kind(
            **{field.name: specimen(hints[field.name], depth + 1) for field in dataclasses.fields(kind)}
        )
    return SPECIMENS.get(kind.__name__)


def texts(value, path=""):
    """Each text in an event, by the fields on the way to it."""
    if isinstance(value, str) and not isinstance(value, ev.Enum):
        yield path, value
    elif hasattr(value, "_fields"):
        for name in value._fields:
            yield from texts(getattr(value, name), f"{path}.{type(value).__name__}.{name}")
    elif isinstance(value, tuple):
        for one in value:
            yield from texts(one, path)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from texts(getattr(value, field.name), f"{type(value).__name__}.{field.name}")


EVENTS = typing.get_args(eval(ev.Event, {**vars(ev), **vars(ran), "KernelsSeen": kernels.KernelsSeen}))
KEPT = {
    "Frame.file", "Frame.function", "Traceable.name", "Traceable.file", "Traceable.owner", "Traceable.closure_id",
    "TraceStarted.label", "TraceEnded.label", "PhaseSpan.name", "GraphMade.stage", "GraphMade.sites.OpSite.file", "StepGraph.sites.OpSite.file",
    "Conversion.function", "Conversion.file", "Construct.file", "Construct.kind", "Construct.became",
    "Construct.function", "GraphBreak.code", "Fallback.kind", "Stale.kind", "Stopped.reason", "Stopped.graph",
    "FrameworkSeen.name", "FrameworkSeen.version", "Fault.where", "GuardFailure.entry", "TensorSpec.dtype",
    "TensorSpec.type_name", "OpKind.framework", "OpKind.inputs", "OpKind.sync", "OpsSeen.observer", "StepGraph.kind",
    "StepGraph.fingerprint", "StepsSeen.kind", "StepChange.before", "StepChange.after", "SampleTotal.activity",
    "SampleTotal.phase", "Stayed.activity", "Stayed.phase", "KernelsSeen.profiler", "TraceEnded.cache_hits",
    "CacheHits.hits", "KernelsSeen.kernels.Kernel.device", "KernelsSeen.kernels.Kernel.stream",
}  # fmt: skip
"""Fields that are kept as they are: names of code, places, and words of a framework's or of ours."""


def test_there_is_a_way_for_every_event():
    assert len(EVENTS) >= 20
    redactor = Redactor("key")
    assert {type(redactor.event(specimen(kind))) for kind in EVENTS} == set(EVENTS)


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
def test_no_text_of_an_event_is_let_through_that_is_not_known_to_be_harmless(kind):
    left = Redactor("key").event(specimen(kind))
    paths = {path for path, text in texts(left) if "hunter2" in text}
    assert {path for path in paths if path not in KEPT and ".CallFrame." not in path} == set()


def test_an_unknown_event_is_left_out_and_told(tmp_path):
    class Unknown:
        pass

    with tracedbg.record(str(tmp_path / "run"), redact=True) as run:
        from tracedbg import session

        session.hub().emit(Unknown())
    with Run.open(run.folder) as recording:
        (fault,) = recording.processes[0].faults()
    assert (fault.where, fault.message) == ("redact.Unknown", "KeyError: (left out: --redact)")


def test_the_run_file_has_no_arguments(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["train.py", "hunter2"])
    with tracedbg.record(str(tmp_path / "run"), redact=True) as run:
        pass
    told = json.loads(Path(run.folder, "run.json").read_text())
    assert (told["argv"], told["redacted"]) == (["train.py", LEFT_OUT], True)
    assert os.listdir(run.folder)
