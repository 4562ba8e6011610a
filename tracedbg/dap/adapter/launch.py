"""What an editor's launch configuration says.

It must not know how a program is started.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracedbg.dap.arguments import RequestError

if TYPE_CHECKING:
    from tracedbg.dap.arguments import Arguments

_CONSOLES = ("internalConsole", "integratedTerminal", "externalTerminal")


@dataclass(frozen=True)
class Launch:
    """A program to start."""

    words: tuple[str, ...]
    """What follows the interpreter: a script or `-m MODULE`, and its arguments."""
    cwd: str
    python: tuple[str, ...] = ()
    """The interpreter and its options; empty for the adapter's own."""
    env: dict[str, str | None] = field(default_factory=dict)
    """Variables to set; None to take one out."""
    console: str = "internalConsole"
    is_debugged: bool = True
    breaks: tuple[str, ...] = ()
    python_mode: bool = False
    debug_datasets: bool = False
    out: str | None = None
    """The folder to record into."""
    redact: bool = False
    """Whether the program's values are kept out of the recording."""

    @classmethod
    def read(cls, arguments: Arguments) -> Launch:
        """Understand the arguments of a `launch`.

        Raises:
            RequestError: they make no sense.
        """
        cwd = os.path.abspath(os.path.expanduser(arguments.text("cwd", "") or os.getcwd()))
        if not os.path.isdir(cwd):
            raise RequestError(f"there is no folder {cwd} to run in")
        console = arguments.text("console", "internalConsole")
        if console not in _CONSOLES:
            raise RequestError(f"no console {console!r}; there are {', '.join(_CONSOLES)}")
        return cls(
            words=(*_program(arguments, cwd), *_words(arguments, "args")),
            cwd=cwd,
            python=_words(arguments, "python"),
            env=_variables(arguments),
            console=console,
            is_debugged=not arguments.flag("noDebug"),
            breaks=tuple(arguments.strings("breaks")),
            python_mode=arguments.flag("pythonMode"),
            debug_datasets=arguments.flag("debugDatasets"),
            out=arguments.text("out", None),
            redact=arguments.flag("redact"),
        )


def _program(arguments: Arguments, cwd: str) -> tuple[str, ...]:
    program, module = arguments.text("program", ""), arguments.text("module", "")
    if bool(program) == bool(module):
        raise RequestError("'launch' needs either 'program', a script, or 'module', a module's name")
    if module:
        return "-m", module
    path = os.path.join(cwd, os.path.expanduser(program))
    if not os.path.exists(path):
        raise RequestError(f"there is no script {path}")
    return (path,)


def _words(arguments: Arguments, name: str) -> tuple[str, ...]:
    """A list of words, or a line of them as a shell takes it."""
    if not arguments.is_text(name):
        return tuple(arguments.strings(name))
    try:
        return tuple(shlex.split(arguments.text(name)))
    except ValueError as error:
        raise RequestError(f"argument {name!r} of {arguments.of!r}: {error}") from None


def _variables(arguments: Arguments) -> dict[str, str | None]:
    env = arguments.inner("env")
    return {name: env.text(name, None) for name in env.names()}
