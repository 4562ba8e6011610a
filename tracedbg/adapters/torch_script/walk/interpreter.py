"""Runs a routine step by step, in place of torch's interpreter, and asks the debugger at lines and ops.

The ops are torch's own, called eagerly: autograd, random numbers and in-place writes are as ever. It must
not know when a call is to be a walk.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_common.running import at
from tracedbg.adapters.torch_script.walk import errors
from tracedbg.adapters.torch_script.walk.views import Running, ScriptOp, ScriptView

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

    from tracedbg.adapters.torch_script.walk.routine import Block, Routine, Step
    from tracedbg.adapters.torch_script.walk.views import ScriptWalk
    from tracedbg.debugging import Debugger


class Interpreter:
    """One walk.

    Args:
        walk: what is walked, for views.
        debugger: whom to ask.
        python: the frame that made the call.
        shows: whether a line that is not the user's own is asked about.
    """

    def __init__(
        self,
        walk: ScriptWalk,
        debugger: Debugger,
        python: FrameType | None,
        shows: Callable[[str, int], bool],
    ) -> None:
        self._walk = walk
        self._debugger = debugger
        self._python = python
        self._shows = shows
        self._entered: list[tuple[Step, Any]] = []
        """The objects of `with` blocks that the walk is in."""

    def run(self, routine: Routine, values: Sequence[Any]) -> Any:
        """Run the whole of it.

        Raises:
            Exception: as torch's interpreter would.
        """
        running = Running(routine, 0, None)
        first = next((step for step in routine.steps() if step.chain and step.kind != "prim::Constant"), None)
        if first is not None:
            running.chain = first.chain
            self._debugger.enter(self._view(running))
            running.chain = ()
        try:
            return self._call(running, values)
        except errors.ScriptError as error:
            raise error.as_torch() from error.cause

    def _call(self, running: Running, values: Sequence[Any]) -> Any:
        block = running.routine.block
        self._bind(running, block.inputs, values, block.names)
        depth = len(self._entered)
        try:
            self._block(running, block)
        except BaseException:
            self._leave(running, depth)
            raise
        results = [running.values[name] for name in block.outputs]
        running.values.clear()  # whoever has kept a view must not keep the tensors
        return results[0] if len(results) == 1 else tuple(results)

    def _leave(self, running: Running, depth: int) -> None:
        """An error leaves `with` blocks, as torch's interpreter does."""
        while len(self._entered) > depth:
            step, item = self._entered.pop()
            if step.callee is not None:
                with self._debugger.suspended():
                    self._call(Running(step.callee, 0, running), [item, None, None, None])

    def _block(self, running: Running, block: Block) -> None:
        for step in block.steps:
            self._step(running, step)

    def _step(self, running: Running, step: Step) -> None:
        if step.kind == "prim::Constant" and step.run is not None:
            (running.values[step.outputs[0]],) = step.run([])
            for name, output in step.names:
                running.constants[name] = step.chain[0].line if step.chain else 0, output
            return
        values = [running.values.get(name) for name in step.inputs]
        if step.chain and step.chain != running.chain:
            running.chain = step.chain
            place = step.chain[0]
            if place.is_user or self._shows(place.file, place.line):
                running.step = step
                self._debugger.line(self._view(running))
                values = [running.values.get(name) for name in step.inputs]  # one may have been set
        running.step = step
        made = self._run(running, step, values)
        self._bind(running, step.outputs, made, step.names)

    def _run(self, running: Running, step: Step, values: list[Any]) -> Sequence[Any]:
        if step.kind == "prim::If":
            return self._if(running, step, values)
        if step.kind == "prim::Loop":
            return self._loop(running, step, values)
        if step.kind == "prim::RaiseException":
            error = errors.raised(values)
            self._debugger.failed(
                self._view(running, ScriptOp(step, running.base + step.index, values)), error.cause
            )
            raise error.at(running)
        if step.callee is not None:
            return self._routine(running, step, step.callee, values)
        return self._op(running, step, values)

    def _op(self, running: Running, step: Step, values: list[Any]) -> Sequence[Any]:
        run, debugger = step.run, self._debugger
        assert run is not None  # noqa: S101  the reader has seen to it
        if not step.is_op:
            try:
                return run(values)
            except Exception as error:
                raise errors.ScriptError(error).at(running) from error
        op = ScriptOp(step, running.base + step.index, values)
        before = self._view(running, op)
        debugger.before_op(before)
        values[:] = [running.values.get(name) for name in step.inputs]
        try:
            with debugger.walking(), at(running.frame()):
                made = run(values)
        except Exception as error:
            debugger.failed(before, error)
            raise errors.ScriptError(error).at(running) from error
        debugger.after_op(self._view(running, ScriptOp(step, op.index, values, made)))
        return made

    def _if(self, running: Running, step: Step, values: list[Any]) -> list[Any]:
        block = step.blocks[0 if values[0] else 1]
        self._block(running, block)
        return [running.values[name] for name in block.outputs]

    def _loop(self, running: Running, step: Step, values: list[Any]) -> list[Any]:
        limit, goes_on, carried = values[0], bool(values[1]), list(values[2:])
        (block,) = step.blocks
        running.iterations.append(0)
        for turn in itertools.count():
            if turn >= limit or not goes_on:
                break
            running.iterations[-1] = turn
            running.chain = ()  # a body of one line is arrived at anew
            self._bind(running, block.inputs, [turn, *carried], block.names)
            self._block(running, block)
            goes_on, *carried = (running.values[name] for name in block.outputs)
        running.iterations.pop()
        return carried

    def _routine(self, running: Running, step: Step, callee: Routine, values: list[Any]) -> Sequence[Any]:
        arguments = values[1:] if step.kind == "prim::CallFunction" else values
        if step.kind == "prim::Exit":
            self._entered.pop()
            arguments = [values[0], None, None, None]
        try:
            made = self._call(Running(callee, running.base + step.index + 1, running), arguments)
        except errors.ScriptError as error:
            raise error.at(running) from error.cause
        if step.kind == "prim::Enter":
            self._entered.append((_exit_of(running.routine.block, step), values[0]))
        return [made] if len(step.outputs) == 1 else made if step.outputs else ()

    def _bind(
        self,
        running: Running,
        targets: Sequence[str],
        values: Sequence[Any],
        names: Sequence[tuple[str, str]],
    ) -> None:
        running.values.update(zip(targets, values, strict=True))
        for name, target in names:
            running.names[name] = target

    def _view(self, running: Running, op: ScriptOp | None = None) -> ScriptView:
        return ScriptView(self._walk, running, self._python, op)


def _exit_of(block: Block, entered: Step) -> Step:
    """The step that leaves what `entered` has entered."""
    waiting = list(block.steps)
    for step in waiting:
        if step.kind == "prim::Exit" and step.inputs[0] == entered.inputs[0]:
            return step
        for inner in step.blocks:
            waiting.extend(inner.steps)
    raise LookupError(entered.inputs[0])
