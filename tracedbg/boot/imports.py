"""Call back right before and right after the program imports a named module, and leave no trace on it.

It must not know what the modules are watched for. It imports nothing that a bare interpreter has
not loaded already: when the user's program begins, `sys.modules` is to be what it would be
without us (a script folder may hold a `queue.py` or `typing.py` of its own).
"""

from __future__ import annotations

import sys
from _thread import get_ident

TYPE_CHECKING = False  # `typing` is one of the modules that must not be loaded here
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any, TypeVar

    Callback = Callable[[ModuleType], object]
    F = TypeVar("F", bound=Callable[..., Any])


def _hidden(function: F) -> F:
    """Let the interpreter treat `function` as a part of importlib.

    A traceback through a failing import, and the stack level of a warning, then skip it as they
    skip importlib's own frames: the user sees the text that plain Python prints.
    """
    plain: Any = function
    plain.__code__ = plain.__code__.replace(co_filename="<frozen importlib._bootstrap>")
    return function


class PostImport:
    """The callbacks of one party. All parties share one finder, so that none hides a module from another."""

    def __init__(self) -> None:
        self._watches: list[_Watch] = []

    def watch(self, name: str, callback: Callback) -> None:
        """Call `callback(module)` once, when `name` has been executed; at once if it has been.

        If the import fails, the callback waits for the next try. A callback that raises is
        ignored: the program's import succeeds all the same.
        """
        self._watches.append(_finder.add(_finder.after, name, callback))
        if _finder.has_executed(name):
            _finder.call(_finder.after, name, sys.modules[name])

    def watch_start(self, name: str, callback: Callback) -> None:
        """Call `callback(module)` once, just before `name` is executed; never if it has been."""
        self._watches.append(_finder.add(_finder.before, name, callback))

    def stop(self) -> None:
        """Call none of the callbacks any more."""
        while self._watches:
            _finder.drop(self._watches.pop())


class _Watch:
    """One callback that waits; None once it was called or is not wanted any more."""

    __slots__ = ("callback",)

    def __init__(self, callback: Callback) -> None:
        self.callback: Callback | None = callback


class _Finder:
    """A `sys.meta_path` finder that is there only while some name is watched.

    It needs no lock, so that a fork in the middle leaves nothing held: each step is one atomic
    operation on a dict, a list or a set.
    """

    def __init__(self) -> None:
        self.before: dict[str, list[_Watch]] = {}
        self.after: dict[str, list[_Watch]] = {}
        self._finding: set[tuple[int, str]] = set()
        self._executed: set[str] = set()

    @_hidden
    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """What the finders behind this one find, with a loader that calls back."""
        if name not in self.after and name not in self.before:
            return None
        searching = (get_ident(), name)
        if searching in self._finding:  # a finder behind us starts the search anew
            return None
        self._finding.add(searching)
        try:
            spec = self._find_behind(name, path, target)
        finally:
            self._finding.discard(searching)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            ours: Any = _Loader(spec.loader, self, name)
            spec.loader = ours
        return spec

    @_hidden
    def _find_behind(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None
    ) -> ModuleSpec | None:
        finders = iter(list(sys.meta_path))
        for finder in finders:
            if finder is self:
                break
        for finder in finders:
            find_spec = getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = find_spec(name, path, target) if find_spec is not None else None
            if spec is not None:
                return spec
        return None

    @_hidden
    def execute(self, name: str, loader: Any, module: ModuleType, restore: Callable[[], None]) -> None:
        """Run the real `loader` on `module` between the callbacks of `name`."""
        self._executed.discard(name)
        self.call(self.before, name, module)
        restore()
        loader.exec_module(module)
        self._executed.add(name)
        # A module may put another object in its own place.
        self.call(self.after, name, sys.modules.get(name, module))

    def add(self, table: dict[str, list[_Watch]], name: str, callback: Callback) -> _Watch:
        """Put `callback` into a table of this finder."""
        watch = _Watch(callback)
        table.setdefault(name, []).append(watch)
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)
        return watch

    def drop(self, watch: _Watch) -> None:
        """Take out what `add` has put in."""
        watch.callback = None
        for table in (self.before, self.after):
            for name, watches in list(table.items()):
                if all(one.callback is None for one in watches):
                    table.pop(name, None)
        self._leave_if_idle()

    def call(self, table: dict[str, list[_Watch]], name: str, module: ModuleType) -> None:
        """Call, and forget, what waits for `name`."""
        for watch in table.pop(name, ()):
            callback, watch.callback = watch.callback, None
            if callback is None:
                continue
            try:  # noqa: SIM105  contextlib is not to be loaded here
                callback(module)
            except Exception:  # noqa: BLE001, S110  the user's import wins; callers report their faults
                pass
        self._leave_if_idle()

    def _leave_if_idle(self) -> None:
        if not self.before and not self.after and self in sys.meta_path:
            sys.meta_path.remove(self)

    def has_executed(self, name: str) -> bool:
        """Whether the module is there to be used, and not half-way through its import."""
        module = sys.modules.get(name)
        if module is None:
            return False
        try:
            # Not by getattr: it would load a lazy module.
            spec = object.__getattribute__(module, "__dict__").get("__spec__")
        except AttributeError:
            spec = None
        if type(getattr(spec, "loader", None)) is _Loader:
            return False
        return name in self._executed or not getattr(spec, "_initializing", False)


class _Loader:
    """A module's real loader, but for `exec_module`. It is gone from the module before that runs."""

    def __init__(self, real: Any, finder: _Finder, name: str) -> None:
        self._real = real
        self._finder = finder
        self._name = name

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        """Pass `isinstance` for whoever looks at a spec that is not executed yet."""
        return type(self._real)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    @_hidden
    def exec_module(self, module: ModuleType) -> None:
        """Execute the module by its real loader, between the callbacks."""

        def restore() -> None:
            spec: Any = module.__spec__
            if spec is not None and spec.loader is self:
                spec.loader = self._real
            if module.__dict__.get("__loader__") is self:
                module.__loader__ = self._real

        self._finder.execute(self._name, self._real, module, restore)


_finder = _Finder()
