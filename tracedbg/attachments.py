"""Plugins of one kind in this process: attached when their frameworks are imported, and taken out together.

It must not know what they do, nor any framework.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from tracedbg.boot.imports import PostImport
from tracedbg.hooks import Hooks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType

    from tracedbg.hooks import Sink


class Attachable(Protocol):
    """What waits for a framework."""

    @property
    def modules(self) -> tuple[str, ...]:
        """Attach when the first of these has been imported."""


P = TypeVar("P", bound=Attachable)


class Attachments(Generic[P]):
    """They begin with `start`, and end with `remove`; not to be started again."""

    def __init__(
        self, sink: Sink, attach: Callable[[P, Hooks, ModuleType], None], *, prefix: str = ""
    ) -> None:
        """Prepare.

        Args:
            sink: where their events and faults go.
            attach: installs one of them, once.
            prefix: what their hooks are called, before the name of each.
        """
        self._sink = sink
        self._attach_one = attach
        self._prefix = prefix
        self._imports = PostImport()
        self._hooks: list[Hooks] = []

    def start(
        self,
        names: Iterable[str],
        load: Callable[[str], P],
        imported: Callable[[ModuleType], None] | None = None,
    ) -> None:
        """Attach to the frameworks that the program has imported, and to others when it imports them.

        Args:
            names: of the plugins.
            load: finds one by its name.
            imported: is called before them, with each framework itself.
        """
        for name in names:
            hooks = Hooks(self._sink, self._prefix + name)
            with hooks.guarded("load"):
                plugin = load(name)
                for module in plugin.modules:
                    if imported is not None:
                        self.when_imported(module.partition(".")[0], imported)
                    self.when_imported(module, partial(self._attach, plugin, hooks))

    def when_imported(self, module: str, callback: Callable[[ModuleType], None]) -> None:
        """Call back as soon as the program has imported a module, or at once, until `remove`."""
        self._imports.watch(module, callback)

    def _attach(self, plugin: P, hooks: Hooks, module: ModuleType) -> None:
        if hooks in self._hooks:
            return
        self._hooks.append(hooks)
        with hooks.guarded("attach"):
            self._attach_one(plugin, hooks, module)

    def tell(self) -> bool:
        """Have emitted what was only counted until now; whether any of them counts."""
        hooks = tuple(self._hooks)
        for one in hooks:
            one.tell()
        return any(one.has_tellers for one in hooks)

    def remove(self) -> None:
        """Take everything out again, the last first."""
        self._imports.stop()
        while self._hooks:
            self._hooks.pop().remove()
