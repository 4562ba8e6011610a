"""Has kernels timed in this process, where a recording asks for it: profilers, their windows, and the time.

It must not know frameworks, nor what becomes of what was seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg import plugins
from tracedbg.attachments import Attachments
from tracedbg.events import PhaseSpan, TraceStarted
from tracedbg.main_thread import MainThread
from tracedbg.ticker import Ticker

if TYPE_CHECKING:
    from types import ModuleType

    from tracedbg.events import Event
    from tracedbg.hooks import Hooks, Hub
    from tracedbg.window import Profiler, Window, WindowSpec

LOOK_S = 0.05


class Profiling:
    """The windows of one recording; a sink, so that it hears of traces."""

    def __init__(self, hub: Hub, spec: WindowSpec, *, at_once: bool) -> None:
        """Prepare.

        Args:
            hub: where all events of this process pass.
            spec: how much is timed.
            at_once: from the beginning on, rather than when a step repeats.
        """
        self._hub = hub
        self._spec = spec
        self._at_once = at_once
        self._profilers = Attachments(hub, self._attach)
        self._windows: list[Window] = []
        self._ticker = Ticker(self._tick, LOOK_S)
        self._asked = MainThread(self._look)

    def start(self) -> None:
        """Attach to the frameworks that the program has imported, and to others when it imports them."""
        self._hub.subscribe(self)
        self._profilers.start(plugins.profiler_names(), plugins.load_profiler)

    def _attach(self, profiler: Profiler, hooks: Hooks, module: ModuleType) -> None:
        window = profiler.attach(module, hooks, self._spec, at_once=self._at_once)
        window.on_step = self._stepped
        self._windows.append(window)
        self._ticker.start()

    def _stepped(self, window: Window) -> None:
        for other in self._windows:
            if other is not window:
                other.wait()

    def close(self, note: str = "") -> None:
        """Tell what was seen, and take everything out."""
        self._ticker.stop()
        self._hub.unsubscribe(self)
        for window in self._windows:
            window.close(note)
        self._profilers.remove()
        self._windows.clear()

    def before_fork(self) -> None:
        """End what is under way: a child could neither end it nor use it."""
        for window in self._windows:
            if window.is_open:
                window.close("the program forked")

    def after_fork_in_child(self) -> None:
        """Only the parent is timed."""
        for window in self._windows:
            window.is_done = True

    def _tick(self) -> bool:
        if any(map(self._is_wanted, self._windows)):
            self._asked.ask()
        return not all(window.is_done for window in self._windows)

    def _look(self) -> None:
        for window in tuple(self._windows):
            if self._is_wanted(window):
                window.look()

    def _is_wanted(self, window: Window) -> bool:
        """Whether it is time for it; one without steps does not begin beside one that has some."""
        if window.is_open or not any(other.has_steps for other in self._windows):
            return window.is_due
        return False

    # --- as a sink ---------------------------------------------------------------------------

    def emit(self, event: Event) -> None:
        """See `Sink`; the same for the methods below."""
        if isinstance(event, TraceStarted | PhaseSpan):  # also one that comes later: of a backward
            for window in self._windows:
                window.traced()

    def flush(self) -> None:
        """Nothing is kept here."""

    def new_id(self) -> int:  # noqa: D102
        return self._hub.new_id()

    def now_ns(self) -> int:  # noqa: D102
        return self._hub.now_ns()
