"""The `tracedbg` command: finds the subcommand, and turns errors into one line and an exit code.

It must not know what any subcommand does.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tracedbg import __version__, plugins
from tracedbg.cli.output import complain, silence
from tracedbg.cli.parser import Parser
from tracedbg.errors import TracedbgError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.cli.command import Command

INTERRUPTED = 130
BROKEN_PIPE = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run `tracedbg` with `argv` (by default the process' own arguments) and return the exit code."""
    try:
        code = _dispatch(list(sys.argv[1:] if argv is None else argv))
        if sys.stdout is not None:
            sys.stdout.flush()
    except TracedbgError as error:
        complain(_shown(str(error)))
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        silence(sys.stdout)
        return BROKEN_PIPE
    return code


def _dispatch(argv: list[str]) -> int:
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(_overview())
        return 0 if argv else UsageError.exit_code
    if argv[0] in ("-V", "--version"):
        print(f"tracedbg {__version__}")
        return 0
    if argv[0].startswith("-"):
        raise UsageError(f"unknown option {argv[0]}; see tracedbg --help")
    command: Command = plugins.load_command(argv[0])()
    parser = Parser(prog=f"tracedbg {argv[0]}", description=command.help)
    command.configure(parser)
    try:
        args = parser.parse(argv[1:])
    except SystemExit as end:  # --help
        return int(end.code or 0)
    return command.run(args)


def _overview() -> str:
    names = plugins.command_names()
    width = max(map(len, names))
    lines = [f"  {name:<{width}}  {_help(name)}" for name in names]
    return "\n".join(
        [
            "usage: tracedbg COMMAND [options]",
            "",
            "Shows why torch.compile and tf.function trace (again), and where the code leaves the graph.",
            "",
            "commands:",
            *lines,
            "",
            "tracedbg COMMAND --help says more; tracedbg --version prints the version.",
        ]
    )


def _help(name: str) -> str:
    try:
        text: str = plugins.load_command(name).help
    except Exception as error:  # noqa: BLE001  somebody else's plugin must not hide ours
        return f"(cannot be loaded: {type(error).__name__}: {error})"
    return text


def _shown(message: str) -> str:
    """Without what a terminal would act on: names of the user's program and files stand in messages."""
    from tracedbg.report.style import clean  # noqa: PLC0415  deferred: only an error needs it

    return "\n".join(map(clean, message.split("\n")))
