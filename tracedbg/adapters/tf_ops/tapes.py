"""What tapes record, and what becomes of it in each backward pass.

While a tape of eager code records, ops are noted in their order. A gradient that is asked for is a step: its
graph are the noted ops between the sources and the targets, and what a tape calls for each of them tells
whose gradient it is, what that takes, and what was kept for it.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from tracedbg.adapters.steps import Places, place_of
from tracedbg.adapters.tf_eager._compat import NO_TAPE
from tracedbg.adapters.tf_ops import _compat
from tracedbg.adapters.tf_ops.disguise import in_disguise
from tracedbg.adapters.tf_ops.graphs import Graphs
from tracedbg.adapters.tf_ops.logs import MAX_NODES, Log, Pass, between, linked
from tracedbg.hooks import raise_pending

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from tracedbg.adapters.steps import Place
    from tracedbg.adapters.tf_ops.logs import Entry
    from tracedbg.adapters.tf_ops.ways import Ways
    from tracedbg.hooks import Hooks

MAX_WAYS = 1000
"""Graphs whose way back is remembered."""
MAX_TAPES = 64
"""Tapes whose ops are kept, in case a gradient is asked of them."""


class _Way:
    """How a backward pass goes through one graph: it goes the same way again."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        """Positions among the entries between sources and targets; empty where it passes others too."""
        self.length = 0
        """How many entries there were."""


class _Asked(NamedTuple):
    """What is remembered of a pass until its end."""

    place: Place
    way: _Way
    inside: list[int]
    """Positions of the entries between sources and targets."""


class Tapes:
    """Follows the tapes of all threads."""

    def __init__(self, hooks: Hooks, ways: Ways) -> None:
        self._hooks = hooks
        self._ways = ways
        self._places = Places(hooks.sink, "tape")
        self._graphs = Graphs(self._places)
        self._ways_back: dict[tuple[int, str], _Way] = {}
        self._eager = ways.describer.eager
        self._tapes: dict[int, tuple[Log, int, bool]] = {}
        """By identity of a tape, which another one may have later: its log, where its ops begin there, and
        whether it is used once."""

    def install(self) -> None:
        """Patch what opens, closes and asks tapes, all or nothing."""
        for name in _compat.TAPE_NAMES:
            name.owner()
        self._ways.has_no_tape = NO_TAPE.get()
        register, gradient = _compat.REGISTER_GRADIENT.get(), _compat.GRADIENT.get()
        self._hooks.patch(*_compat.TAPE_NEW.owner(), self._new)
        self._hooks.patch(*_compat.TAPE_ADD.owner(), self._add)
        self._hooks.patch(*_compat.TAPE_REMOVE.owner(), self._remove)
        self._hooks.patch(*_compat.TAPE_GRADIENT.owner(), self._ask)
        self._hooks.patch(*_compat.TAPE_RECORD.owner(), self._record)
        self._hooks.patch(*_compat.TAPE_RECORD_BACKWARD.owner(), self._record)
        self._hooks.on_remove(lambda: register(gradient))
        register(self._gradient(gradient))
        self._hooks.on_tell(self._places.tell)

    # --- what is recorded --------------------------------------------------------------------

    def _new(self, original: Any) -> Any:
        def TFE_Py_TapeSetNew(persistent, *arguments):  # noqa: N802  its name, in tracebacks too
            tape = original(persistent, *arguments)
            self._hooks.safely("tapes", self._opened, tape, not persistent)
            return tape

        return in_disguise(TFE_Py_TapeSetNew, _compat.TAPE_NEW.module)

    def _opened(self, tape: Any, is_used_once: bool) -> None:
        thread = self._ways.thread()
        if thread.log is None or thread.log.is_unit or thread.tapes == 0:
            thread.log = Log()
        thread.tapes += 1
        self._tapes.pop(id(tape), None)
        self._tapes[id(tape)] = (thread.log, len(thread.log.entries), is_used_once)
        self._bound()

    def _bound(self) -> None:
        tapes = self._tapes
        while len(tapes) > MAX_TAPES:
            del tapes[next(iter(tapes))]
        logs = {id(log): len(log.entries) for log, _, _ in tapes.values()}
        while len(tapes) > 1 and sum(logs.values()) > MAX_NODES:
            log, _, _ = tapes.pop(next(iter(tapes)))
            if not any(other is log for other, _, _ in tapes.values()):
                logs.pop(id(log), None)

    def _add(self, original: Any) -> Any:
        def TFE_Py_TapeSetAdd(tape):  # noqa: N802  its name, in tracebacks too
            original(tape)
            self._hooks.safely("tapes", self._reopened, tape)

        return in_disguise(TFE_Py_TapeSetAdd, _compat.TAPE_ADD.module)

    def _reopened(self, tape: Any) -> None:
        thread = self._ways.thread()
        known = self._tapes.get(id(tape))
        if known is None:
            self._opened(tape, is_used_once=False)
            return
        if thread.tapes == 0:
            thread.log = known[0]
        thread.tapes += 1

    def _remove(self, original: Any) -> Any:
        def TFE_Py_TapeSetRemove(tape):  # noqa: N802  its name, in tracebacks too
            original(tape)
            self._hooks.safely("tapes", self._closed)

        return in_disguise(TFE_Py_TapeSetRemove, _compat.TAPE_REMOVE.module)

    def _closed(self) -> None:
        thread = self._ways.thread()
        thread.tapes = max(thread.tapes - 1, 0)
        if not thread.tapes:
            thread.log = thread.unit

    def _record(self, original: Any) -> Any:
        """Calls of traced functions, and of those with a gradient of their own, are put on tapes here."""

        def record(op, outputs, inputs, backward, *others):
            ours = self._hooks.safely(
                "tapes", self._recorded, op, outputs, inputs, backward, sys._getframe(1), default=backward
            )
            return original(op, outputs, inputs, ours, *others)

        return in_disguise(record, _compat.TAPE_RECORD.module)

    def _recorded(self, op: Any, outputs: Any, inputs: Any, backward: Any, frame: FrameType) -> Any:
        ways = self._ways
        log = ways.thread().log
        if log is None or log.is_unit or ways.has_no_tape() or not outputs:
            return backward
        if type(outputs[0]) is not self._eager:
            return backward
        name = ways.kinds.traced_name(op.decode() if isinstance(op, bytes) else op)
        numbers = ways.describer.numbers
        place = ways.kinds.place(name, ways.kinds.stack_key(frame), frame)
        entry = (place, numbers(inputs), numbers(outputs))
        log.add(entry)
        return self._timed(entry, backward)

    def _timed(self, entry: Entry, backward: Any) -> Any:
        def backward_function(*gradients):
            raise_pending()
            one = self._hooks.safely("passes", self._pass)
            if one is None:
                return backward(*gradients)
            before, one.stack = one.stack, entry[0].stack
            start_ns = time.perf_counter_ns()
            try:
                found = backward(*gradients)
            finally:
                one.stack = before
            took_ns = time.perf_counter_ns() - start_ns
            self._hooks.safely("tapes", self._passed, one, entry, found, took_ns, ())
            return found

        return in_disguise(backward_function, _compat.TAPE_RECORD.module)

    # --- backward passes ---------------------------------------------------------------------

    def _pass(self) -> Pass | None:
        return self._ways.thread().backward if self._ways.is_on else None

    def _ask(self, original: Any) -> Any:
        def TFE_Py_TapeGradient(tape, targets, sources, *others):  # noqa: N802  its name, in tracebacks too
            begun = None
            if self._ways.is_on:
                begun = self._hooks.safely("tapes", self._begin, tape, targets, sources, sys._getframe(1))
            if begun is None:
                return original(tape, targets, sources, *others)
            one, asked = begun
            thread = self._ways.thread()
            outer, thread.backward = thread.backward, one
            try:
                return original(tape, targets, sources, *others)
            finally:
                thread.backward = outer
                self._hooks.safely("tapes", self._ended, one, asked)

        return in_disguise(TFE_Py_TapeGradient, _compat.TAPE_GRADIENT.module)

    def _begin(self, tape: Any, targets: Any, sources: Any, frame: FrameType) -> tuple[Pass, _Asked] | None:
        if not isinstance(targets, (list, tuple)) or not targets or type(targets[0]) is not self._eager:
            return None  # a graph is being made
        ways = self._ways
        ways.window.backward()
        numbers = ways.describer.numbers
        key = ways.kinds.stack_key(frame)
        log, start, is_used_once = self._tapes.get(id(tape)) or (Log(), 0, False)
        if is_used_once:
            del self._tapes[id(tape)]
        entries = log.entries[start:]
        asked = numbers(targets)
        place = self._places.at(place_of(frame), frame)
        inside = between(entries, numbers(sources), asked)
        way = self._way(place, self._graphs.step(place, entries, linked(entries, inside)))
        one = Pass(entries, asked, key if ways.kinds.frames(key, frame) else ())
        if way.steps and not _is_round(place.steps) and way.length == len(inside):
            one.known = [inside[number] for number in way.steps]
        return one, _Asked(place, way, inside)

    def _way(self, place: Place, fingerprint: str) -> _Way:
        key = (id(place), fingerprint)
        found = self._ways_back.get(key)
        if found is None:
            found = _Way()
            if len(self._ways_back) < MAX_WAYS:
                self._ways_back[key] = found
        return found

    @staticmethod
    def _ended(one: Pass, asked: _Asked) -> None:
        asked.place.spend({frame: cost.backward_ns for frame, cost in one.costs.items()})
        if not one.known:
            at = {entry: number for number, entry in enumerate(asked.inside)}
            steps = [at.get(entry, -1) for entry in one.order]
            asked.way.steps, asked.way.length = ([] if -1 in steps else steps), len(at)
            asked.place.save({frame: cost.saved_bytes for frame, cost in one.costs.items()})

    def _gradient(self, original: Any) -> Any:
        def _gradient_function(op, attributes, count, inputs, outputs, gradients, *others):  # noqa: PLR0913, PLR0917  as it is there
            one = self._hooks.safely("passes", self._pass)
            if one is None:
                return original(op, attributes, count, inputs, outputs, gradients, *others)
            entry = self._hooks.safely("tapes", self._entry, one, op, inputs, outputs, gradients)
            before = one.stack
            if entry is not None:
                one.stack = entry[0].stack
            start_ns = time.perf_counter_ns()
            try:
                found = original(op, attributes, count, inputs, outputs, gradients, *others)
            finally:
                one.stack = before
            took_ns = time.perf_counter_ns() - start_ns
            if entry is not None:
                self._hooks.safely(
                    "tapes", self._passed, one, entry, found, took_ns, (inputs or (), outputs or ())
                )
            return found

        return in_disguise(_gradient_function, _compat.GRADIENT.module)

    def _entry(self, one: Pass, op: Any, inputs: Any, outputs: Any, gradients: Any) -> Entry | None:
        name = op.decode() if isinstance(op, bytes) else op
        if one.known and (entry := one.expected(name)) is not None:
            return entry
        numbers = self._ways.describer.numbers
        return one.find(name, _some(numbers(inputs or ())), numbers(outputs or ()), numbers(gradients))

    def _passed(self, one: Pass, entry: Entry, found: Any, took_ns: int, needed: Sequence[Any]) -> None:
        frame = entry[0].frame
        if frame is not None:
            one.cost(frame).backward_ns += took_ns
        if one.known:
            return
        describer = self._ways.describer
        gradients = found if isinstance(found, (list, tuple)) else (found,)
        one.passed(entry, describer.numbers(gradients))
        if frame is not None:
            one.keep(frame, describer.sizes(needed))


def _is_round(number: int) -> bool:
    """10, 100, 1000, ...: what such steps keep is looked at again, as batches may have become larger."""
    while number >= 10 and number % 10 == 0:  # noqa: PLR2004  as decimals are written
        number //= 10
    return number == 1


def _some(numbers: Sequence[int]) -> list[int]:
    return [number for number in numbers if number]
