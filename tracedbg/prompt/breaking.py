"""The commands for breakpoints. They must not know how code is made to stop."""

from __future__ import annotations

import re
from dataclasses import replace
from types import FunctionType, MethodType
from typing import Any

from tracedbg.engine import FILTERS, Breakpoint, specs
from tracedbg.engine.breakpoints import check
from tracedbg.errors import UsageError
from tracedbg.frames import real_path
from tracedbg.prompt import source_text, words
from tracedbg.prompt.base import Base
from tracedbg.prompt.command import CommandError, command

_GROUP = "Breakpoints"
_HERE = re.compile(r"(?P<line>-?\d+)(?P<rest>\s.*)?")
_OP = re.compile(r"#(?P<index>\d+)(?P<rest>\s.*)?")
_NAME = re.compile(r"(?P<name>[A-Za-z_][\w.]*)(?P<rest>\s.*)?")


class Breaking(Base):
    """See the module."""

    @command(_GROUP, "[WHERE]")
    def do_break(self, argument: str) -> None:
        """Stop at LINE, FILE:LINE, FUNCTION, op:PATTERN, #OP of this graph, or an event; alone: show all.

        After it may come `hits N`, `if CONDITION`, `log MESSAGE`.
        """
        if argument:
            self._add(argument, once=False)
        else:
            shown = words.breakpoints(self.engine.breakpoints.all, self.owner.disabled.values())
            self.write(shown or "no breakpoints")

    do_b = do_break

    @command(_GROUP, "WHERE")
    def do_tbreak(self, argument: str) -> None:
        """The same, for one stop."""
        self._add(argument, once=True)

    @command(_GROUP, "[FILTER]")
    def do_catch(self, argument: str) -> None:
        """Stop at an event: nan, inf, shape, retrace, graph_break, silent_eager, host_sync, error."""
        if not argument:
            self.write([f"{name:<13} {what}" for name, what in FILTERS.items()])
            return
        name = argument.split(maxsplit=1)[0]
        if name not in FILTERS:
            raise CommandError(f"no filter named {name!r}; there are {', '.join(FILTERS)}")
        self._add(argument, once=False)

    @command(_GROUP, "FILTER")
    def do_uncatch(self, argument: str) -> None:
        """Do not stop at an event any more."""
        found = [one.id for one in self.engine.breakpoints.all if one.filter == argument and one.filter]
        if not found:
            raise CommandError(f"{argument!r} is not waited for")
        self.engine.breakpoints.remove(found)

    @command(_GROUP, "[NUMBER ... | FILE:LINE]")
    def do_clear(self, argument: str) -> None:
        """Take breakpoints out; alone: all of them."""
        known = self._known()
        if not argument:
            found = list(known)
        elif ":" in argument:
            wanted = self._spec(argument)
            found = [
                number
                for number, one in known.items()
                if one.file == wanted.file and wanted.line in (one.line, one.asked_line)
            ]
            if not found:
                raise CommandError(f"there is no breakpoint at {argument}")
        else:
            found = [one.id for one in self._numbered(argument)]
        self.engine.breakpoints.remove(found)
        for number in found:
            self.owner.disabled.pop(number, None)
        self.write(f"{len(found)} breakpoint{'' if len(found) == 1 else 's'} taken out")

    do_cl = do_clear

    @command(_GROUP, "NUMBER ...")
    def do_disable(self, argument: str) -> None:
        """Take breakpoints out, to be put back by `enable`."""
        for one in self._numbered(argument):
            self.engine.breakpoints.remove([one.id])
            self.owner.disabled[one.id] = one

    @command(_GROUP, "NUMBER ...")
    def do_enable(self, argument: str) -> None:
        """Put breakpoints back; they get new numbers."""
        for one in self._numbered(argument):
            if self.owner.disabled.pop(one.id, None) is not None:
                self._put(replace(one, line=one.asked_line))

    @command(_GROUP, "NUMBER [CONDITION]")
    def do_condition(self, argument: str) -> None:
        """Stop there only if a Python expression holds; alone: always."""
        number, _, text = argument.partition(" ")
        (one,) = self._numbered(number)
        try:
            check(replace(one, condition=text.strip()))
        except UsageError as error:
            raise CommandError(str(error)) from error
        one.condition = text.strip()
        self.write(words.breakpoints([one], ()))

    @command(_GROUP, "NUMBER COUNT")
    def do_ignore(self, argument: str) -> None:
        """Do not stop there for the next COUNT times."""
        number, _, count = argument.partition(" ")
        (one,) = self._numbered(number)
        one.hit_condition = f"> {one.hits + self.whole(count.strip(), 'a count')}"
        self.write(words.breakpoints([one], ()))

    def _add(self, text: str, *, once: bool) -> None:
        self._put(replace(self._spec(text), is_once=once))

    def _put(self, wanted: Breakpoint) -> None:
        try:
            made = self.engine.breakpoints.add(wanted)
        except UsageError as error:
            raise CommandError(str(error)) from error
        self.write(words.breakpoints([made], ()))

    def _spec(self, text: str) -> Breakpoint:
        """What is meant by the words after `break`.

        Raises:
            CommandError: nothing.
        """
        try:
            return self._here(text) or specs.parse(text)
        except UsageError as error:
            raise CommandError(str(error)) from error

    def _here(self, text: str) -> Breakpoint | None:
        """A line of the current file, an op of this graph, or a function; None if it is something else."""
        walk = self.stop.view.walk
        if (line := _HERE.fullmatch(text)) is not None:
            file = real_path(self.frame.file)
            specs.check_line(file, int(line["line"]))
            made, rest = Breakpoint(file=file, line=int(line["line"])), line["rest"]
        elif (op := _OP.fullmatch(text)) is not None:
            if walk is None or int(op["index"]) >= len(walk.sites):
                raise CommandError(f"there is no op {op['index']} here; see 'ops'")
            made, rest = Breakpoint(op_index=int(op["index"]), graph=walk.graph), op["rest"]
        elif (name := _NAME.fullmatch(text)) is not None and name["name"] not in FILTERS:
            file, number = self._first_line(name["name"])
            made, rest = Breakpoint(file=file, line=number), name["rest"]
        else:
            return None
        specs.read_options(made, rest or "")
        return made

    def _first_line(self, name: str) -> tuple[str, int]:
        """Where a function begins to do something."""
        try:
            value: Any = self.value(name)
        except CommandError:
            raise CommandError(f"no function, file or filter named {name!r}; see 'help break'") from None
        for attribute in ("_torchdynamo_orig_callable", "python_function", "__wrapped__"):
            value = getattr(value, attribute, value)
        if isinstance(value, MethodType):
            value = value.__func__
        if not isinstance(value, FunctionType):
            raise CommandError(f"{name} is no function that was written in Python")
        code = value.__code__
        function = source_text.function_at(code.co_filename, code.co_firstlineno)
        line = code.co_firstlineno if function is None else function.body
        return real_path(code.co_filename), line

    def _known(self) -> dict[int, Breakpoint]:
        return {one.id: one for one in self.engine.breakpoints.all} | self.owner.disabled

    def _numbered(self, argument: str) -> list[Breakpoint]:
        known = self._known()
        found = []
        for word in argument.split() or [""]:
            number = self.whole(word, "a breakpoint")
            if number not in known:
                raise CommandError(f"there is no breakpoint {number}")
            found.append(known[number])
        return found
