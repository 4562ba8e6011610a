"""Why each trace happened: from its signature, its failed guards, or its function object.

It reads recorded facts only, and needs no framework.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from tracedbg.events import Cause, CauseKind, Framework, Outcome, Role
from tracedbg.explain import guards, messages
from tracedbg.explain.advice import advise
from tracedbg.explain.common import common_signature
from tracedbg.explain.difference import SMALL, SPECIALISED, Difference
from tracedbg.explain.nearest import SignatureIndex
from tracedbg.explain.settled import is_settled
from tracedbg.explain.signatures import differences, identity_difference, objects_of
from tracedbg.explain.situation import Situation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tracedbg.events import Signature, TraceStarted
    from tracedbg.store.records import TraceRecord

CALLED = (Role.FORWARD, Role.RESUME)
"""The roles of traces that a call asked for: only these can be retraces."""
_CACHED = (*CALLED, Role.VARIABLE_CREATION)
"""The roles of traces that may answer a later call."""
_ROLES = {
    Role.VARIABLE_CREATION: "the first call makes variables, which takes a trace of its own",
    Role.BACKWARD: "the gradient of a trace",
    Role.DATASET: "tf.data runs it in its pipeline",
    Role.CHECK: "torch.jit.trace compares it with the first trace",
}
_PACKAGES = {
    Framework.TF_FUNCTION: "tensorflow",
    Framework.TORCH_COMPILE: "torch",
    Framework.TORCH_JIT: "torch",
    Framework.AUTOGRAD: "torch",
}


class HasKind(Protocol):
    """A cause, however much is known of it."""

    @property
    def kind(self) -> CauseKind: ...  # noqa: D102


def causes_of(trace: TraceRecord, earlier: Iterable[TraceRecord]) -> tuple[Cause, ...]:
    """Why `trace` happened, given the earlier traces of the same code; never empty.

    To explain many traces use one `Explainer`, which does not read the earlier ones again.
    """
    explainer = Explainer()
    for record in earlier:
        explainer.add(record)
    return explainer.explain(trace)


def is_retrace(trace: TraceRecord, causes: Sequence[HasKind]) -> bool:
    """Whether a call caused `trace`, for `causes`, although there was a trace already."""
    failed = trace.ended is not None and trace.ended.outcome is Outcome.FAILED
    return trace.started.role in CALLED and not failed and causes[0].kind is not CauseKind.FIRST_CALL


@dataclass
class _Object:
    """One function object: what it was traced for."""

    index: SignatureIndex = field(default_factory=SignatureIndex)
    common: Signature | None = None
    """What all calls so far have in common."""
    failures: int = 0
    is_called: bool = False

    def common_with(self, signature: Signature | None) -> Signature | None:
        """What they have in common with one more."""
        if signature is None or not self.is_called:
            return signature
        return self.common and common_signature(self.common, signature)


@dataclass(frozen=True)
class _Made:
    """A trace that another function object of the same code might have used."""

    object_id: int
    signature: Signature | None
    options: tuple[tuple[str, str], ...]
    since_ns: int


@dataclass
class _Code:
    """All function objects of one file, line and name."""

    objects: defaultdict[int, _Object] = field(default_factory=lambda: defaultdict(_Object))
    made: defaultdict[str, list[_Made]] = field(default_factory=lambda: defaultdict(list))
    """By what the objects close over."""


class Explainer:
    """Explains the traces of one process, one after the other in the order of their start."""

    def __init__(self, versions: Mapping[str, str] | None = None) -> None:
        self._codes: defaultdict[tuple[str, str, int, str], _Code] = defaultdict(_Code)
        self._versions = {name: _numbers(text) for name, text in (versions or {}).items()}

    def next(self, trace: TraceRecord) -> tuple[Cause, ...]:
        """Why `trace` happened; it counts as an earlier one from now on."""
        return tuple(map(_cause, self.next_situations(trace)))

    def next_situations(self, trace: TraceRecord) -> tuple[Situation, ...]:
        """The same, before it is put in words."""
        found = self._situations(trace)
        self.add(trace)
        return found

    def add(self, trace: TraceRecord) -> None:
        """Count `trace` among the earlier ones, without explaining it."""
        started, ended = trace.started, trace.ended
        if started.role not in _CACHED or ended is None:
            return
        code = self._code(started)
        this = code.objects[started.traceable.object_id]
        if ended.outcome is not Outcome.COMPILED:
            this.failures += 1
            return
        signature = ended.traced_signature or started.signature
        if signature is not None:
            this.index.add(signature, ended.end_ns)
        this.common, this.is_called = this.common_with(started.signature), True
        made = _Made(started.traceable.object_id, signature, started.options, ended.end_ns)
        code.made[started.traceable.closure_id].append(made)

    def explain(self, trace: TraceRecord) -> tuple[Cause, ...]:
        """Why `trace` happened, given those that were added so far; never empty."""
        return tuple(map(_cause, self._situations(trace)))

    def _situations(self, trace: TraceRecord) -> tuple[Situation, ...]:
        started = trace.started
        traceable = started.traceable
        if started.role not in CALLED:
            return (Situation(_first(_ROLES[started.role]), started),)
        this = self._code(started).objects[traceable.object_id]
        common = this.common_with(started.signature)
        version = self._versions.get(_PACKAGES.get(traceable.framework, ""), ())
        return tuple(
            Situation(found, started, is_settled(found, started, trace.ended), common, version)
            for found in (_as_asked(found, started) for found in self._differences(started))
        )

    def _code(self, started: TraceStarted) -> _Code:
        traceable = started.traceable
        return self._codes[traceable.framework, traceable.file, traceable.line, traceable.name]

    def _differences(self, started: TraceStarted) -> tuple[Difference, ...]:
        if started.guard_failures:
            return guards.nearest(started.guard_failures)
        code = self._code(started)
        this = code.objects[started.traceable.object_id]
        if started.signature is not None:
            nearest = this.index.nearest(started.signature, started.start_ns)
            if nearest is not None:
                return nearest[1] or _same_key(nearest[0], started.signature)
        elif started.cached_count:
            return (Difference(CauseKind.UNKNOWN, detail="nor any guard that failed"),)
        return (self._new_object(code, started) or _first_of(this),)

    def _new_object(self, code: _Code, started: TraceStarted) -> Difference | None:
        """The function object is new, and an older one has a trace that would have fitted."""
        traceable = started.traceable
        fitting = {
            made.object_id
            for made in code.made[traceable.closure_id]
            if made.object_id != traceable.object_id
            and made.since_ns <= started.start_ns
            and made.options == started.options
            and _fits(made.signature, started.signature)
        }
        if not fitting:
            return None
        count = len(fitting)
        others = "another one has" if count == 1 else f"{count} others have"
        detail = f"`{traceable.name}` is a new function object, and {others} a trace that fits this call"
        return Difference(CauseKind.NEW_FUNCTION_OBJECT, detail=detail, frame=traceable.created_at)


def _fits(old: Signature | None, new: Signature | None) -> bool:
    """Whether a trace for `old` would answer a call with `new`: only where both are known."""
    return old is not None and new is not None and (old == new or not differences(old, new))


def _first(detail: str) -> Difference:
    return Difference(CauseKind.FIRST_CALL, detail=detail)


def _first_of(this: _Object) -> Difference:
    return _first("no earlier attempt to trace it succeeded" if this.failures else "the first call")


def _same_key(old: Signature, new: Signature) -> tuple[Difference, ...]:
    """Why equal signatures were two keys all the same.

    An address may be used again: the object of the earlier call is gone, and another one has its
    place. Nothing else that is compared by identity can differ unseen.
    """
    olds = dict(objects_of(old))
    found = tuple(
        identity_difference(olds[path], spec, path) for path, spec in objects_of(new) if path in olds
    )
    return found or (Difference(CauseKind.UNKNOWN, detail="the call looks like an earlier one"),)


def _as_asked(difference: Difference, started: TraceStarted) -> Difference:
    """Sizes of 0 and 1 are nothing special where the user has asked for a graph for each size."""
    if difference.detail != SMALL:
        return difference
    asked = dict(started.options).get("dynamic") == "False"
    return replace(difference, detail="" if asked else SPECIALISED)


def _cause(situation: Situation) -> Cause:
    difference = situation.difference
    file, line = situation.place
    return Cause(
        kind=difference.kind,
        argument=difference.argument,
        before=difference.before,
        after=difference.after,
        file=file,
        line=line,
        message=messages.sentence(difference),
        advice=advise(situation),
        settled=situation.settled,
    )


def _numbers(version: str) -> tuple[int, ...]:
    """`2.13.0+cpu` as (2, 13); empty where the text is of no such form."""
    parts = version.split(".")[:2]
    return tuple(map(int, parts)) if all(part.isdigit() for part in parts) else ()
