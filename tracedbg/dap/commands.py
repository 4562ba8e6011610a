"""The table of requests: which function does each, and on which thread."""

from __future__ import annotations

from collections.abc import Callable  # noqa: TC003  the types of the table are read at run time
from dataclasses import dataclass, field
from enum import Enum
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tracedbg.dap.clients import Client
    from tracedbg.dap.halted import Halted
    from tracedbg.dap.protocol import Body, Request
    from tracedbg.dap.server import Server

_MODULES = (
    "control",
    "breakpoints",
    "stack",
    "variables",
    "evaluation",
    "instructions",
    "sources",
    "tensors",
    "recorded",
)


class Where(Enum):
    """On which thread a request is done."""

    SERVICE = "service"
    """The one that reads for all clients: what takes no time and touches no value of the program."""
    STOPPED = "stopped"
    """The stopped thread that the request is about: what touches values."""
    WORKER = "worker"
    """One of ours: what takes long."""


@dataclass(frozen=True)
class Call:
    """One request of one client."""

    server: Server
    client: Client
    request: Request
    halted: Halted | None = None
    """The thread that it is done on, where that is a stopped one."""
    afterwards: list[Callable[[], object]] = field(default_factory=list)
    """What is to be done when it has been answered."""

    @property
    def on(self) -> Halted:
        """The same, where it is known to be one."""
        assert self.halted is not None  # noqa: S101  the table says so
        return self.halted


@dataclass(frozen=True)
class Command:
    """How one request is done."""

    do: Callable[[Call], Body | None]
    where: Where = Where.SERVICE
    find: Callable[[Server, Request], Halted | None] | None = None
    """For `Where.STOPPED`: which thread it is about; the worker does it if it is about none."""
    is_breakable: bool = False
    """Whether `cancel` breaks it off in the middle."""
    choose: Callable[[Request], Command] | None = None
    """Which one it really is, where one name stands for several."""


def load() -> dict[str, Command]:
    """All requests by name."""
    table: dict[str, Command] = {}
    for name in _MODULES:
        module: Any = import_module(f"tracedbg.dap.{name}")
        table.update(module.COMMANDS)
    return table
