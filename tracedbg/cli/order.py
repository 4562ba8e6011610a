"""A program that is to run under observation: what starts it, where, and with which environment.

What `run`, `dap` and the user interface have in common. It must not know who starts the program, nor how.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from tracedbg.cli.observation import boot_notes, environment
from tracedbg.debugger import DebugOptions, modes

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Order:
    """A program to run. It can be told to another process as text."""

    command: list[str]
    """Executable (a full path) and arguments."""
    cwd: str
    folder: str
    """Of the run that it is recorded into."""
    env: dict[str, str | None] = field(default_factory=dict)
    """Variables that differ from our own; None takes one out."""
    debug: str = ""
    """`DebugOptions` as text; empty if it is not debugged."""
    options: dict[str, object] = field(default_factory=dict)
    """What is observed, by the names of `options.Options`; the rest is as by default."""

    def environment(self, descriptor: int | None = None) -> dict[str, str]:
        """The program's whole environment, from this process' own.

        Args:
            descriptor: of the debugger's connection, as the program will have it. One that is told to speak
                with a client and has no way to do so is not debugged.
        """
        debug = DebugOptions.from_text(self.debug) if self.debug else None
        if debug is not None and debug.frontend == "dap":
            if descriptor is not None:
                debug = replace(debug, descriptor=descriptor)
            elif not debug.socket:
                debug = None
        variables = environment(self.folder, debug, self.options)
        boot, _, _ = variables["PYTHONPATH"].partition(os.pathsep)
        for name, value in self.env.items():
            if name == "PYTHONPATH":
                variables[name] = os.pathsep.join([boot, value] if value else [boot])
            elif value is None:
                variables.pop(name, None)
            else:
                variables[name] = value
        return variables

    def to_text(self) -> str:
        """For another process of ours."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str | bytes) -> Order:
        """What `to_text` has written.

        Raises:
            ValueError: it is something else.
        """
        try:
            return cls(**json.loads(text))
        except TypeError as error:
            raise ValueError(str(error)) from error


def at_a_prompt(breaks: Sequence[str], *, python_mode: bool, debug_datasets: bool) -> str:
    """Stop at `breaks`, and ask at a prompt on the program's terminal: for `Order.debug`."""
    options = DebugOptions(breaks=tuple(breaks), modes=modes(python_mode, debug_datasets))
    return options.to_text()


def for_a_client(
    breaks: Sequence[str], *, python_mode: bool, debug_datasets: bool, listen_at: str = ""
) -> str:
    """Wait for a client, and tell it of stops: for `Order.debug`.

    Args:
        breaks: where to stop whatever the client says.
        python_mode: run compiled functions as plain Python.
        debug_datasets: run the functions of tf.data pipelines as plain Python.
        listen_at: a path where clients may connect; else the program inherits a connection.
    """
    options = DebugOptions(
        frontend="dap",
        breaks=tuple(breaks),
        modes=modes(python_mode, debug_datasets),
        socket=listen_at,
        wait=True,
    )
    return options.to_text()


def unobserved(folder: str, hint: str = "") -> list[str]:
    """Why a process of the run was not debugged or recorded, if any was not."""
    notes = boot_notes(folder)
    if not notes:
        return [f"the program ran unobserved: its Python did not run tracedbg's start file{hint}"]
    return [
        f"process {pid} was not observed: {line}" for pid, note in notes.items() for line in note.splitlines()
    ]
