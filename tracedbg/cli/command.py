"""What a subcommand is. A new one is a class like this, named in an entry point of `tracedbg.commands`."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    import argparse

    from tracedbg.cli.parser import Parser


class Command(Protocol):
    """One subcommand. Its module is imported when it is called, or its help is shown."""

    name: ClassVar[str]
    help: ClassVar[str]
    """One line for the list of commands."""

    def configure(self, parser: Parser) -> None:
        """Add options and arguments to the command's own parser."""

    def run(self, args: argparse.Namespace) -> int:
        """Do it.

        Returns:
            The exit code.

        Raises:
            TracedbgError: shown as one line.
        """
