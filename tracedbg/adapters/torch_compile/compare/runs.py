"""One call, compared: eagerly, as AOTAutograd makes it, and as the program's backend compiles it.

It must not know how a call is caught.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_compile.compare import _compat, randoms
from tracedbg.adapters.torch_compile.compare.variants import Graph, errors, is_tensor, own
from tracedbg.compare.records import Comparison, OpRecord, StepDifference, Verdict
from tracedbg.compare.steps import Steps, compare_steps

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from tracedbg.compare.steps import Limits
    from tracedbg.tensors import Tensors

_RESULT = "the result"
_RANDOM = (
    "random ops draw other numbers when compiled by inductor: {count} ops that are or follow one were not"
    " compared; torch._inductor.config.fallback_random = True makes them the same"
)
_FORWARD = "the forward is compared, compiled for inference; the backward is not"
_ALONE = "with every op's result as an output it is right: found by compiling it with one op more at a time"
_NOT_ITSELF = (
    "what the program itself got is right; compiled with every op's result as an output,"
    " {op} at {file}:{line} is not"
)
_FUSED = "compiled code keeps more digits between ops that it fuses than the tensors between them have"


@dataclass(frozen=True)
class Subject:
    """What is compared."""

    function: str
    file: str
    line: int
    graph: Graph
    backend: Any
    backend_name: str
    has_same_randoms: bool
    """Whether compiled code draws the numbers that eager code does."""
    owner: int = 0
    """Tells the modules of one class apart."""


@dataclass(frozen=True)
class Call:
    """One call that the program made."""

    number: int
    arguments: tuple[Any, ...]
    """Copies, made before the call."""
    result: tuple[Any, ...]
    """Copies of what it returned, and of its arguments afterwards."""
    random: Any
    """The state of random numbers before it."""


class Runs:
    """The further runs of one call."""

    def __init__(self, subject: Subject, call: Call, limits: Limits, tensors: Tensors) -> None:
        self._subject, self._call, self._limits, self._tensors = subject, call, limits, tensors
        self._skipped: Collection[str] = () if subject.has_same_randoms else subject.graph.random
        randoms.restore(call.random)
        self._made, self._result = subject.graph.eager(call.arguments)
        randoms.restore(call.random)
        self._exact, self._exact_result = subject.graph.in_float64(call.arguments)
        self._names = [name for name in self._made if name not in self._skipped]

    def compare(self) -> Comparison:
        """Compare stage by stage; the first one that differs ends it."""
        stages = self._stages()
        ends = self._ends(stages[-1][0])
        found: list[Steps] = []
        notes = [_FORWARD]
        for stage, backend in stages:
            found.append(self._with_all(stage, backend))
            if _differs(found[-1]):
                break
        if _differs(found[-1]) and not self._skipped and not _differs(ends):
            notes.append(_only_with_all(found.pop()))
        elif not _differs(found[-1]) and _differs(ends):
            alone = self._search(*stages[-1])
            notes += [_ALONE] if alone is not None else []
            ends = alone or ends
        found.append(ends)
        return self._comparison(tuple(stage for stage, _ in stages), found, notes)

    def _stages(self) -> list[tuple[str, Any]]:
        subject = self._subject
        if subject.backend_name != "inductor":
            stage = {"aot_eager": "aot", "eager": "dynamo"}.get(subject.backend_name, subject.backend_name)
            return [(stage, subject.backend)]
        return [("aot", _compat.BACKENDS.get()(_compat.AOT)), ("inductor", subject.backend)]

    def _with_all(self, stage: str, backend: Any) -> Steps:
        """Compile it with each op's result as an output."""
        if not self._names:
            return Steps((), 0, 0)
        made = self._compiled(backend, self._names)
        return self._steps(stage, made)

    def _steps(self, stage: str, made: dict[str, Any]) -> Steps:
        graph = self._subject.graph
        eager = [graph.record(name, self._made[name]) for name in made]
        compiled = [graph.record(name, value) for name, value in made.items()]
        return compare_steps(
            eager, compiled, self._tensors, stage, limits=self._limits, errors_of=self._errors
        )

    def _errors(self, eager: OpRecord, compiled: OpRecord, at: int) -> tuple[float, float] | None:  # noqa: ARG002
        return errors(self._exact.get(eager.name), *eager.values, *compiled.values)

    def _compiled(self, backend: Any, names: Sequence[str]) -> dict[str, Any]:
        """What these ops make in a compiled graph that has them as outputs."""
        import torch

        module, added = self._subject.graph.with_outputs(names)
        arguments = [own(one) for one in self._call.arguments]
        randoms.restore(self._call.random)
        with torch.no_grad():
            result = backend(module, arguments)(*(own(one) for one in arguments))
        return dict(zip(added, (own(one) for one in list(result)[-len(added) :]), strict=True))

    def _search(self, stage: str, backend: Any) -> Steps | None:
        """The first op that is wrong in a compile that returns only that one beside what the program gets."""
        low, high, best = 0, len(self._names) - 1, None
        while low <= high:
            middle = (low + high) // 2
            one = self._steps(stage, self._compiled(backend, [self._names[middle]]))
            if _differs(one):
                best, high = one, middle - 1
            else:
                low = middle + 1
        return best

    def _ends(self, stage: str) -> Steps:
        """What the program itself got, beside the eager run."""
        if self._skipped:
            return Steps((), 0, 0)
        subject = self._subject
        pairs = [
            (left, right, number)
            for number, (left, right) in enumerate(zip(self._result, self._call.result, strict=False))
            if is_tensor(left) and is_tensor(right)
        ]

        def record(side: int) -> OpRecord:
            values = tuple(pair[side] for pair in pairs)
            return OpRecord(subject.file, subject.line, subject.function, _RESULT, values)

        def errors_of(eager: OpRecord, compiled: OpRecord, at: int) -> tuple[float, float] | None:
            number = pairs[at][2]
            exact = self._exact_result[number] if self._exact_result else None
            return errors(exact, eager.values[at], compiled.values[at])

        return compare_steps(
            [record(0)], [record(1)], self._tensors, stage, limits=self._limits, errors_of=errors_of
        )

    def _comparison(self, stages: tuple[str, ...], found: list[Steps], notes: list[str]) -> Comparison:
        subject = self._subject
        chosen = next((one for one in found if _differs(one)), None)
        chosen = chosen or next((one for one in found if one.differences), None)
        first = None if chosen is None else chosen.first()
        verdict = Verdict.EQUAL
        if chosen is not None:
            verdict = Verdict.DIFFERS if _differs(chosen) else Verdict.DRIFTS
        others = () if chosen is None else tuple(one for one in chosen.differences if one is not first)
        if self._skipped:
            notes.append(_RANDOM.format(count=len(self._skipped)))
        return Comparison(
            subject.function, subject.file, subject.line, self._call.number, verdict, stages,
            None if first is None else _explained(first), others, sum(one.compared for one in found),
            notes=tuple(notes),
        )  # fmt: skip


def _only_with_all(steps: Steps) -> str:
    """What is said of a compile of ours that is wrong, where the program's own is right."""
    first = steps.first()
    assert first is not None  # noqa: S101  it differs
    return _NOT_ITSELF.format(op=first.op, file=first.file, line=first.line)


def _differs(steps: Steps) -> bool:
    first = steps.first()
    return first is not None and first.verdict is not Verdict.DRIFTS


def _explained(step: StepDifference) -> StepDifference:
    """With a word on NaN and infinity, if those are what differs."""
    eager, traced = step.eager, step.traced
    if step.cause or eager is None or traced is None:
        return step
    parts = []
    for what, before, after in (
        ("NaN", eager.nans, traced.nans),
        ("infinity", eager.infinities, traced.infinities),
    ):
        if bool(before) != bool(after):
            parts.append(f"{what} only in {'compiled' if after else 'eager'} code")
    if parts and step.stage == "inductor" and eager.dtype in {"float16", "bfloat16"}:
        parts.append(_FUSED)
    return replace(step, cause="; ".join(parts))


@contextmanager
def unnoticed() -> Iterator[None]:
    """Compile and run for ourselves: random numbers, torch's counts and its caches stay as they are."""
    import torch

    counters, metrics = _compat.COUNTERS.get(), _compat.METRICS.get()
    measured = list(metrics)
    before = {name: dict(counts) for name, counts in counters.items()}
    random = randoms.state()
    try:
        with torch.no_grad(), _no_caches():
            yield
    finally:
        randoms.restore(random)
        metrics.clear()
        metrics.extend(measured)
        counters.clear()
        for name, counts in before.items():
            counters[name].update(counts)


@contextmanager
def _no_caches() -> Iterator[None]:
    try:
        patch = _compat.INDUCTOR_CONFIG.get()
    except ImportError:
        yield
        return
    with patch(force_disable_caches=True):
        yield
