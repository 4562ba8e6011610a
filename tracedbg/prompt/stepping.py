"""The commands that let the program go on, or refuse to.

They must not know how a step arrives.
"""

from __future__ import annotations

from tracedbg.engine import Action, Go
from tracedbg.engine.specs import check_line, find_file
from tracedbg.errors import UsageError
from tracedbg.frames import real_path
from tracedbg.prompt.base import Base
from tracedbg.prompt.command import CommandError, command

_GROUP = "Going on"


class Stepping(Base):
    """See the module."""

    steps = frozenset({"next", "n", "step", "s", "return", "r", "out", "op", "i", "oo", "graph"}) | frozenset(
        {"until", "unt", "to", "continue", "c", "cont"}
    )

    @command(_GROUP)
    def do_next(self, _: str) -> bool:
        """Go on to the next line of this function, or of its caller."""
        return self.go(Action(Go.OVER))

    do_n = do_next

    @command(_GROUP)
    def do_step(self, _: str) -> bool:
        """Go on to the next line, in a function that is called as well."""
        return self.go(Action(Go.INTO))

    do_s = do_step

    @command(_GROUP)
    def do_return(self, _: str) -> bool:
        """Go on until the caller's next line."""
        return self.go(Action(Go.OUT))

    do_r = do_return
    do_out = do_return

    @command(_GROUP)
    def do_op(self, _: str) -> bool:
        """Go on to the next op, wherever it is."""
        return self.go(Action(Go.OP))

    do_i = do_op

    @command(_GROUP)
    def do_oo(self, _: str) -> bool:
        """Go on to the next op of this function, or of its caller."""
        return self.go(Action(Go.OP_OVER))

    @command(_GROUP)
    def do_graph(self, _: str) -> bool:
        """Go on to the next call of a compiled function."""
        return self.go(Action(Go.GRAPH))

    @command(_GROUP, "LINE | FILE:LINE")
    def do_until(self, argument: str) -> bool:
        """Go on to a line."""
        file, _, line = argument.rpartition(":")
        if not argument:
            raise CommandError("a line is missing, such as until 12 or until model.py:12")
        number = self.whole(line, "a line")
        try:
            path = find_file(file) if file else real_path(self.frame.file)
            check_line(path, number)
        except UsageError as error:
            raise CommandError(str(error)) from error
        return self.go(Action(Go.TO, path, number))

    do_unt = do_until
    do_to = do_until

    @command(_GROUP)
    def do_continue(self, _: str) -> bool:
        """Go on to the next breakpoint."""
        return self.go(Action(Go.CONTINUE))

    do_c = do_continue
    do_cont = do_continue

    @command(_GROUP)
    def do_quit(self, _: str) -> bool:
        """End the program: KeyboardInterrupt is raised in it, and nothing stops any more."""
        self.owner.let_go()
        return self.go(Action(Go.ABORT))

    do_q = do_quit
    do_exit = do_quit

    @command("")
    def do_EOF(self, _: str) -> bool:  # noqa: N802  its name in `cmd`
        """There are no more commands."""
        self.owner.let_go()
        self.write("end of the commands: the program goes on to its end, and stops nowhere any more")
        return self.go(Action(Go.CONTINUE))

    @command(_GROUP, "LINE")
    def do_jump(self, _: str) -> None:
        """Refused: a graph runs in the order in which it was traced."""
        raise CommandError(
            "cannot jump: a graph runs in the order in which it was traced; `set NAME = EXPR` changes a value"
        )

    do_j = do_jump
