"""Which lines of Python an XLA program's instructions come from: the few fields of an `HloProto` that tell.

Source: xla/service/hlo.proto and xla/xla_data.proto of TensorFlow 2.21; a test compares with its own reader.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracedbg.kernels import CallFrame
from tracedbg_kernels.wire import fields, packed

if TYPE_CHECKING:
    from collections.abc import Iterator

_FUSION = "fusion"


@dataclass
class Instruction:
    """One instruction of a program."""

    name: str = ""
    opcode: str = ""
    op_name: str = ""
    """The framework's name of what it was made from: `jit(f)/transpose(jvp(g))/dot_general`."""
    file: str = ""
    line: int = 0
    frame: int = 0
    calls: list[int] = field(default_factory=list)


class Program:
    """One compiled program."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._files: list[str] = []
        self._functions: list[str] = []
        self._locations: list[tuple[int, int, int]] = []
        self._frames: list[tuple[int, int]] = []
        self._stacks: dict[tuple[int, str, int], tuple[CallFrame, ...]] = {}
        self._bodies: dict[int, list[Instruction]] = {}
        for number, start, end in fields(data):
            if number == 1 and end != -1:
                self._take_module(start, end)
        self.instructions = {one.name: one for body in self._bodies.values() for one in body}

    def stack_of(self, instruction: Instruction) -> tuple[CallFrame, ...]:
        """The stack that an instruction was traced in, innermost first; equal ones are mostly one object."""
        key = (instruction.frame, instruction.file, instruction.line)
        stack = self._stacks.get(key)
        if stack is None:
            stack = self._stacks[key] = self._stack(instruction)
        return stack

    def _stack(self, instruction: Instruction) -> tuple[CallFrame, ...]:
        found = []
        number, left = instruction.frame, len(self._frames)
        while 0 < number <= len(self._frames) and left:
            location, number = self._frames[number - 1]
            if 0 < location <= len(self._locations):
                file, function, line = self._locations[location - 1]
                name = self._text(self._functions, function)
                found.append(CallFrame(self._text(self._files, file), line, name, is_exact=True))
            left -= 1
        if not found and instruction.file:
            found.append(CallFrame(instruction.file, instruction.line, "", is_exact=True))
        return tuple(found)

    def fused(self, instruction: Instruction) -> tuple[tuple[CallFrame, ...], ...]:
        """The stacks of what a fusion was fused from, each once; empty for anything else."""
        if instruction.opcode != _FUSION:
            return ()
        stacks = (self.stack_of(one) for call in instruction.calls for one in self._bodies.get(call, ()))
        return tuple(dict.fromkeys(stack for stack in stacks if stack))

    @staticmethod
    def _text(texts: list[str], number: int) -> str:
        return texts[number - 1] if 0 < number <= len(texts) else ""

    def _string(self, start: int, end: int) -> str:
        return self._data[start:end].decode("utf-8", "replace")

    def _take_module(self, start: int, end: int) -> None:
        for number, value, stop in fields(self._data, start, end):
            if number == 3:  # computations
                self._take_computation(value, stop)
            elif number == 17 and stop != -1:  # stack_frame_index
                self._take_frames(value, stop)

    def _take_computation(self, start: int, end: int) -> None:
        body: list[Instruction] = []
        own = 0
        for number, value, stop in fields(self._data, start, end):
            if number == 2:
                body.append(self._instruction(value, stop))
            elif number == 5:
                own = value
        self._bodies[own] = body

    def _instruction(self, start: int, end: int) -> Instruction:
        found = Instruction()
        for number, value, stop in fields(self._data, start, end):
            if number == 1:
                found.name = self._string(value, stop)
            elif number == 2:
                found.opcode = self._string(value, stop)
            elif number == 7:
                self._take_metadata(found, value, stop)
            elif number == 38:
                found.calls += packed(self._data, value, stop)
        return found

    def _take_metadata(self, found: Instruction, start: int, end: int) -> None:
        for number, value, stop in fields(self._data, start, end):
            if number == 2:
                found.op_name = self._string(value, stop)
            elif number == 3:
                found.file = self._string(value, stop)
            elif number == 4:
                found.line = value
            elif number == 15:
                found.frame = value

    def _take_frames(self, start: int, end: int) -> None:
        for number, value, stop in fields(self._data, start, end):
            if number == 1:
                self._files.append(self._string(value, stop))
            elif number == 2:
                self._functions.append(self._string(value, stop))
            elif number == 3:
                parts = dict(self._numbers(value, stop))
                self._locations.append((parts.get(1, 0), parts.get(2, 0), parts.get(3, 0)))
            elif number == 4:
                parts = dict(self._numbers(value, stop))
                self._frames.append((parts.get(1, 0), parts.get(2, 0)))

    def _numbers(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        return ((number, value) for number, value, stop in fields(self._data, start, end) if stop == -1)
