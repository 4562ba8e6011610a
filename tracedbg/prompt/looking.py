"""The commands that look: at the stack, the source, the ops, and values.

They must not know frameworks.
"""

from __future__ import annotations

import ast
import threading

from tracedbg.debugging import CannotAssignError
from tracedbg.engine.inspector import NOTHING, ScopeKind
from tracedbg.engine.tensor_text import short_spec
from tracedbg.engine.text import escape
from tracedbg.prompt import source_text, words
from tracedbg.prompt.base import Base, failure
from tracedbg.prompt.command import CommandError, command

_PLACES, _VALUES, _OPS = "Where it is", "Values", "Ops and graphs"
_AROUND = 5
_PAGE = 11


class Looking(Base):
    """See the module."""

    # --- where it is ---------------------------------------------------------------------------

    @command(_PLACES, "[all]")
    def do_where(self, argument: str) -> None:
        """Show the stack, innermost frame last; `all`: with the libraries' frames."""
        if argument not in ("", "all"):
            raise CommandError(f"where takes nothing or 'all', not {argument!r}")
        self.write(words.stack(self.frames, self.current, whole=bool(argument)))

    do_w = do_where
    do_bt = do_where

    @command(_PLACES, "[COUNT]")
    def do_up(self, argument: str) -> None:
        """Go to the caller's frame; libraries' frames are passed over."""
        self._move(1, argument, "oldest")

    do_u = do_up

    @command(_PLACES, "[COUNT]")
    def do_down(self, argument: str) -> None:
        """Go to the called frame."""
        self._move(-1, argument, "newest")

    do_d = do_down

    def _move(self, way: int, argument: str, last: str) -> None:
        count = self.whole(argument, "a count") if argument else 1
        for _ in range(count):
            at = self.current + way
            while 0 <= at < len(self.frames) and not words.is_shown(self.frames[at], self.frames[0]):
                at += way
            if not 0 <= at < len(self.frames):
                raise CommandError(f"{last} frame")
            self.current, self.listed = at, None
        self.show_frame()

    def show_frame(self) -> None:
        """The current frame and its line."""
        frame = self.frame
        self.write(f"> {words.frame_line(frame)}")
        if text := source_text.source_line(frame.file, frame.line):
            self.write(f"-> {text}")

    @command(_PLACES, "[LINE[, LAST] | .]")
    def do_list(self, argument: str) -> None:
        """Show the source around the current line, then further; B marks breakpoints."""
        frame = self.frame
        first, last = self._range(argument, frame.line)
        self._list(first, last)
        self.listed = last

    do_l = do_list

    def _range(self, argument: str, line: int) -> tuple[int, int]:
        if argument and argument != ".":
            start, _, end = argument.partition(",")
            first = self.whole(start.strip(), "a line")
            if not end.strip():
                return max(first - _AROUND, 1), max(first - _AROUND, 1) + _PAGE - 1
            last = self.whole(end.strip(), "a line")
            return first, last if last >= first else first + last
        first = max(line - _AROUND, 1) if self.listed is None or argument == "." else self.listed + 1
        return first, first + _PAGE - 1

    @command(_PLACES)
    def do_longlist(self, _: str) -> None:
        """Show all of the current function, or file."""
        frame = self.frame
        function = source_text.function_at(frame.file, frame.line)
        if function is None:
            self._list(1, source_text.line_count(frame.file))
        else:
            self._list(function.first, function.last)

    do_ll = do_longlist

    def _list(self, first: int, last: int) -> None:
        frame = self.frame
        count = source_text.line_count(frame.file)
        if not count:
            raise CommandError(f"there is no source of {source_text.short_path(frame.file)}")
        if first > count:
            raise CommandError("end of the file")
        stops = self.engine.lines_in(frame.file)
        self.write(source_text.listing(frame.file, first, last, frame.line, stops))

    @command(_PLACES)
    def do_threads(self, _: str) -> None:
        """Show the threads; those that have stopped wait for this prompt."""
        for thread in threading.enumerate():
            here = thread.ident == self.stop.thread_id
            waits = self.owner.waiting.get(thread.ident or 0)
            state = "at this prompt" if here else f"waits: {waits}" if waits else "runs"
            self.write(f"{'>' if here else ' '} {escape(thread.name)}  ({state})")

    # --- values --------------------------------------------------------------------------------

    @command(_VALUES, "EXPR")
    def do_p(self, argument: str) -> None:
        """Show the value of an expression, in one line."""
        self.write(self.inspector.long_text(self.value(argument)))

    @command(_VALUES, "EXPR")
    def do_pp(self, argument: str) -> None:
        """Show a value and what is in it."""
        variable = self.inspector.variable(argument, self.value(argument), argument)
        self.write(words.tree(self.inspector, variable))

    @command(_VALUES, "EXPR")
    def do_whatis(self, argument: str) -> None:
        """Show the type of a value; of a tensor, dtype and shape as well."""
        value = self.value(argument)
        owner = self.inspector.tensors_of(value)
        name = self.inspector.text(type(value))
        self.write(name if owner is None else f"{name} {short_spec(*owner.spec(value))}")

    @command(_VALUES)
    def do_locals(self, _: str) -> None:
        """Show the variables of the current frame."""
        frame = self.frame
        empty = "no variables are known here" if frame.is_traced else "no variables"
        self._scope("locals", empty, self.at(frame))

    @command(_VALUES)
    def do_args(self, _: str) -> None:
        """Show the arguments of the current function."""
        frame = self.frame
        function = source_text.function_at(frame.file, frame.line)
        names = () if function is None else function.parameters
        known = {one.name: one for one in self.inspector.scope("locals", self.current)}
        self.write(words.variables([known[name] for name in names if name in known], "no arguments"))

    do_a = do_args

    @command(_VALUES, "EXPR")
    def do_tensor(self, argument: str) -> None:
        """Show all about a tensor: its numbers, the first elements, a histogram."""
        value = self.value(argument)
        try:
            self.write(words.tensor(self.inspector, value))
        except ValueError as error:
            raise CommandError(str(error)) from error

    do_t = do_tensor

    @command(_VALUES, "EXPR, EXPR")
    def do_cmp(self, argument: str) -> None:
        """Compare two tensors, element by element."""
        try:
            node = ast.parse(f"({argument})", mode="eval").body
        except SyntaxError:
            node = None
        if not isinstance(node, ast.Tuple) or len(node.elts) != len(("left", "right")):
            raise CommandError("two expressions are needed, such as cmp x, y")
        left, right = (ast.unparse(one) for one in node.elts)
        try:
            self.write(self.inspector.compare_text(left, right, self.at(self.frame)))
        except ValueError as error:
            raise CommandError(str(error)) from error
        except (Exception, SystemExit) as error:
            raise CommandError(failure(error)) from error

    @command(_VALUES, "NAME = EXPR")
    def do_set(self, argument: str) -> None:
        """Set a variable, an attribute or an item; a number or a list becomes a tensor where one was."""
        try:
            (node,) = ast.parse(argument.strip()).body
        except (SyntaxError, ValueError):
            node = None
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            raise CommandError("NAME = EXPR is needed, such as set x = 3")
        target, text = ast.unparse(node.targets[0]), ast.unparse(node.value)
        try:
            done = self.inspector.set_expression(target, text, self.at(self.frame))
        except CannotAssignError as error:
            raise CommandError(str(error)) from error
        except (Exception, SystemExit) as error:
            raise CommandError(failure(error)) from error
        self.write(f"{done.name} = {done.text}")

    @command(_VALUES, "[EXPR]")
    def do_display(self, argument: str) -> None:
        """Show a value at each stop from now on; alone: show all of them."""
        if argument:
            self.value(argument)
            if argument not in self.owner.displayed:
                self.owner.displayed.append(argument)
        self.show_displayed([argument] if argument else self.owner.displayed)

    @command(_VALUES, "[EXPR]")
    def do_undisplay(self, argument: str) -> None:
        """Do not show it any more; alone: none of them."""
        if argument and argument not in self.owner.displayed:
            raise CommandError(f"{argument} is not displayed")
        self.owner.displayed[:] = [one for one in self.owner.displayed if argument and one != argument]

    def show_displayed(self, expressions: list[str]) -> None:
        """Values that are shown at each stop; those that are not there are left out."""
        for text in expressions:
            try:
                self.write(f"{text} = {self.inspector.text(self.value(text))}")
            except CommandError:
                continue

    def run_statement(self, text: str) -> None:
        """Run Python in the current frame.

        Raises:
            CommandError: it has raised.
        """
        try:
            value = self.inspector.run(text, self.at(self.frame))
        except CommandError:
            raise
        except CannotAssignError as error:
            raise CommandError(str(error)) from error
        except (Exception, SystemExit) as error:
            raise CommandError(failure(error)) from error
        if value is not None and value is not NOTHING:
            self.write(self.inspector.long_text(value))

    # --- ops and graphs ------------------------------------------------------------------------

    @command(_OPS, "[COUNT | all]")
    def do_ops(self, argument: str) -> None:
        """Show the ops of the graph around the current one, with their lines; B marks breakpoints."""
        view = self.stop.view
        if view.walk is None:
            raise CommandError("this is eager code: there is no list of ops")
        sites = view.walk.sites
        count = str(len(sites)) if argument == "all" else argument
        around = self.whole(count, "a count") if count else _AROUND
        here = view.op.index if view.op is not None else self._first_op_of_line()
        stops = {
            one.op_index
            for one in self.engine.breakpoints.by_index
            if one.op_index is not None and one.graph == view.walk.graph
        }
        first, last = here - around, here + around
        current = -1 if view.op is None else here
        self.write(words.ops(sites, first, last, current, stops) or "no ops")

    def _first_op_of_line(self) -> int:
        view = self.stop.view
        sites = view.walk.sites if view.walk is not None else ()
        place = (view.file, view.line)
        return next((index for index, site in enumerate(sites) if (site.file, site.line) == place), 0)

    @command(_OPS)
    def do_inputs(self, _: str) -> None:
        """Show the inputs of the op."""
        self._need_op()
        self._scope("inputs", "no inputs", 0)

    @command(_OPS)
    def do_outputs(self, _: str) -> None:
        """Show the outputs of the op, once it has run."""
        self._need_op()
        self._scope("outputs", "no outputs: it has not run yet", 0)

    def _need_op(self) -> None:
        if self.stop.view.op is None:
            raise CommandError("this is a line; 'op' goes on to the next op")

    def _scope(self, kind: ScopeKind, empty: str, frame: int) -> None:
        self.write(words.variables(self.inspector.scope(kind, frame), empty))

    @command(_OPS)
    def do_notes(self, _: str) -> None:
        """Say where the compiled code could differ from what is shown here."""
        walk = self.stop.view.walk
        if walk is None:
            raise CommandError("this is eager code: it is what runs")
        self.write([escape(f"note: {note}") for note in walk.notes] or "nothing is known to differ")

    @command(_OPS)
    def do_info(self, _: str) -> None:
        """Say all about this stop."""
        self.write(words.reason(self.stop))
        facts = {"thread": words.thread_name(self.stop.thread_id), **self.inspector.graph_facts()}
        if self.frames:
            facts["frame"] = words.frame_line(self.frame)
        notes = facts.pop("notes", ())
        self.write([escape(f"{name}: {fact}") for name, fact in facts.items()])
        self.write([escape(f"note: {note}") for note in notes])
