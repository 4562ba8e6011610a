"""The argument parser of all commands: its complaints are `UsageError`s, and it can stop at a program."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, NoReturn

from tracedbg.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

_BEGINS_PROGRAM = ("-m", "-")
_WIDTH = 80


class _Formatter(argparse.HelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_WIDTH)


class Parser(argparse.ArgumentParser):
    """An argument parser without surprises: no abbreviations, one line for an error."""

    def __init__(self, **options: Any) -> None:
        # A fixed width: to ask for the terminal's, argparse loads shutil and its compressors (4 ms).
        super().__init__(allow_abbrev=False, formatter_class=_Formatter, **options)
        self._takes_program = False
        self._takes_options: set[str] = set()

    def take_program(self) -> None:
        """Leave to `args.program`, untouched, what begins with the first word that is no option of ours.

        That is a script, `-m`, `-` (a script on stdin), or whatever follows `--`.
        """
        self._takes_program = True

    def take_run(self, more: str = "") -> None:
        """Have `args.run` name a recorded run, as `tracedbg.store.run.find_run` finds it; or `more`."""
        self.add_argument(
            "run",
            metavar="RUN",
            nargs="?",
            help=f"folder, id, or the beginning of an id below .tracedbg (default: the latest){more}",
        )

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would print below the usage."""
        raise UsageError(f"{message}; see {self.prog} --help")

    def parse(self, words: Sequence[str]) -> argparse.Namespace:
        """Parse a command's words.

        Raises:
            UsageError: they are wrong.
            SystemExit: `--help` was asked for, and has been printed.
        """
        if not self._takes_program:
            return self.parse_args(words)
        count = self._count_ours(words)
        args = self.parse_args(self._with_values(words[:count]))
        program = list(words[count:])
        args.program = program[1:] if program[:1] == ["--"] else program
        return args

    def _with_values(self, words: Sequence[str]) -> list[str]:
        """Put options of another program beside the option of ours that they are the value of.

        Alone, argparse would take them for options of ours.
        """
        joined: list[str] = []
        for word in words:
            if joined and joined[-1] in self._takes_options:
                joined[-1] += f"={word}"
            else:
                joined.append(word)
        return joined

    def take_options_of(self, name: str, **options: Any) -> None:
        """Take option `name`, whose value is options of another program."""
        self.add_argument(name, **options)
        self._takes_options.add(name)

    def _count_ours(self, words: Sequence[str]) -> int:
        # By hand: how argparse.REMAINDER treats `--` differs between versions of Python.
        # An option that may do without its value takes one by `=` only: the next word may be the program.
        valued = {
            name for action in self._actions if action.nargs not in (0, "?") for name in action.option_strings
        }
        at = 0
        while at < len(words):
            word = words[at]
            if not word.startswith("-") or word == "--" or word.startswith("-m") or word in _BEGINS_PROGRAM:
                break
            at += 2 if word in valued else 1
        return min(at, len(words))
