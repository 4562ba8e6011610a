"""The process between the terminal, the user interface and the program.

It is small, shows nothing itself while the interface does, and outlives both: it drains the program's output
so that nobody's slowness stops the program, puts the terminal back in order whatever the interface dies of,
shows the program's output itself from then on, and knows how the program has ended. The interface is a fork
of it that was made before Textual was loaded; it must not load that itself.
"""

from __future__ import annotations

import os
import select
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from tracedbg.cli.child import Ended
from tracedbg.cli.output import complain
from tracedbg_tui.child import Child, resize, terminal_size
from tracedbg_tui.forked import fork_interface
from tracedbg_tui.news import END, LEAVE, encode_end
from tracedbg_tui.signals import Signals
from tracedbg_tui.spill import Spill
from tracedbg_tui.tail import Tail
from tracedbg_tui.terminal import DRAWS_ON, Terminal

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from tracedbg_tui.news import Wires

_PASSED_ON = (
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGHUP,
    signal.SIGTERM,
    signal.SIGUSR1,
    signal.SIGUSR2,
)
_MEANT_FOR_ALL = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM)
_READ_BYTES = 1 << 16
_READS = 16
"""How often output is read before anything else is looked after."""
_TYPED_BYTES = 1 << 16
"""How much is kept of what was typed and nobody reads."""
_GRACE_S = 3.0
"""How long the program may clean up when it is told to end, and the interface likewise."""
_REST_S = 0.003
"""Between two reads of a flood."""
_WAKE_S = 0.05


def supervise(
    show: Callable[[Wires | None], int],
    start: Callable[[Terminal], tuple[Child, socket.socket]] | None = None,
    on_end: Callable[[Ended], object] = lambda _: None,
    log: str = os.devnull,
) -> Ended:
    """Have the interface show something, and return when it has ended, and the program as well.

    Args:
        show: is called in another process with the wires to the program; what it returns is `END` or `LEAVE`.
        start: starts the program; returns it and the interface's connection to the debugger in it.
        on_end: called as soon as the program has ended.
        log: a file for what the interface has to say of its own faults.

    Raises:
        OSError: the program could not be started.
    """
    terminal = Terminal()
    child, connection = start(terminal) if start is not None else (None, None)
    try:
        return _Supervisor(terminal, child, on_end, log).run(show, connection)
    finally:
        if child is not None:
            child.close()


class _Supervisor:
    """The loop that waits for all of them."""

    def __init__(
        self, terminal: Terminal, child: Child | None, on_end: Callable[[Ended], object], log: str
    ) -> None:
        self._terminal = terminal
        self._child = child
        self._on_end = on_end
        self._log = log
        self._ended: Ended | None = None
        self._view = 0
        """Pid of the interface; 0 when it has ended."""
        self._screen: socket.socket | None = None
        """To the interface: the program's output, and what is typed for it."""
        self._news: socket.socket | None = None
        self._life: socket.socket | None = None
        """Closed when we end, by whatever: the interface then ends as well."""
        self._spill = Spill()
        self._tail = Tail()
        self._read_at = 0.0
        self._typed = bytearray()
        self._relays = False
        self._drained = child is None
        self._died_of: int | None = None
        self._kill_child_at: float | None = None
        self._kill_view_at: float | None = None

    def run(self, show: Callable[[Wires | None], int], connection: socket.socket | None) -> Ended:
        signals = Signals((*_PASSED_ON, signal.SIGCHLD, signal.SIGWINCH))
        try:
            forked = fork_interface(show, (self._child, connection), self._terminal, self._log, signals.end)
            self._view, self._screen, self._news, self._life = forked
            if self._child is not None:
                os.set_blocking(self._child.terminal, False)
            while self._view or (self._child is not None and self._ended is None):
                self._turn(signals.came)
        finally:
            if self._relays:
                self._drain_to_terminal()
                self._terminal.restore(was_killed=False)
            signals.end()
            for each in (self._screen, self._news, self._life):
                if each is not None:
                    each.close()
        if self._ended is not None:
            return self._ended
        return Ended(self._died_of if self._died_of is not None else 0)

    # --- the interface -----------------------------------------------------------------------------------

    def _view_ended(self, status: int) -> None:
        """Do what it asks for; if it has died, show the program's output instead of it."""
        self._view, self._kill_view_at = 0, None
        code = os.waitstatus_to_exitcode(status)
        is_as_planned = code in (END, LEAVE)
        self._terminal.restore(was_killed=code < 0)
        is_running = self._child is not None and self._ended is None
        if not is_as_planned and code != -signal.SIGINT and self._died_of is None:
            self._complain(code, is_running=is_running)
            if not is_running and self._ended is None:
                self._died_of = status
        if not is_running:
            self._show_tail()
            return
        if code in (END, -signal.SIGINT):
            self._end_child()
        elif not self._terminal.is_gone:
            self._relay()

    def _show_tail(self) -> None:
        """A program that has failed has said why, most likely, and its console is gone."""
        if self._ended is not None and (self._ended.exit_code or self._ended.signal):
            with suppress(OSError):
                os.write(DRAWS_ON, "".join(f"{line}\n" for line in self._tail.lines()).encode())

    def _complain(self, code: int, *, is_running: bool) -> None:
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        goes_on = "; the program goes on, and this is its output" if is_running else ""
        where = f" (see {self._log})" if os.path.exists(self._log) and os.path.getsize(self._log) else ""
        with suppress(OSError):
            complain(f"the interface has ended by {how}{where}{goes_on}")

    def _end_view(self) -> None:
        if self._view and self._kill_view_at is None:
            os.kill(self._view, signal.SIGTERM)
            self._kill_view_at = time.monotonic() + _GRACE_S

    # --- the program -------------------------------------------------------------------------------------

    def _end_child(self) -> None:
        if self._child is not None and self._kill_child_at is None:
            self._child.signal_all(signal.SIGTERM)
            self._kill_child_at = time.monotonic() + _GRACE_S

    def _child_ended(self, _: int) -> None:
        child = self._child
        if child is None:
            return
        child.collect()
        self._read_output(child)
        self._ended = ended = Ended(child.status or 0)
        self._kill_child_at = None
        self._on_end(ended)
        if self._news is not None:
            with suppress(OSError):
                self._news.send(encode_end(ended.exit_code, ended.signal))
        if self._died_of is not None or self._terminal.is_gone:
            self._end_view()

    def _serve_child(self, events: int) -> None:
        if self._child is None:
            return
        if events & ~select.POLLOUT:
            # The system keeps 64 KiB for us; to be woken for each line would cost more than the line itself.
            now = time.monotonic()
            if now - self._read_at < 2 * _REST_S:
                time.sleep(_REST_S)
            self._read_at = now
            self._read_output(self._child)
        if events & select.POLLOUT:
            self._type(self._child)
        if self._relays:
            self._show_output()

    def _read_output(self, child: Child) -> None:
        for _ in range(_READS):
            try:
                data = os.read(child.terminal, _READ_BYTES)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._drained = True
                return
            self._spill.add(data)
            self._tail.add(data)

    def _type(self, child: Child) -> None:
        with suppress(OSError):
            del self._typed[: os.write(child.terminal, self._typed)]

    # --- one turn of the loop ----------------------------------------------------------------------------

    def _turn(self, came: socket.socket) -> None:
        poll, serve = select.poll(), {}
        for descriptor, events, do in self._awaited(came):
            poll.register(descriptor, events)
            serve[descriptor] = do
        for descriptor, found in poll.poll(self._patience_ms()):
            serve[descriptor](found)
        self._kill_who_is_late()

    def _awaited(self, came: socket.socket) -> Iterator[tuple[int, int, Callable[[int], object]]]:
        """What to wait for: a descriptor, for which events, and who serves it."""
        child, out = self._child, select.POLLOUT
        if child is not None and not self._drained:
            yield child.terminal, select.POLLIN | (out if self._typed else 0), self._serve_child
        if child is not None and self._ended is None:
            yield child.fileno(), select.POLLIN, self._child_ended
        if self._screen is not None and self._view:
            yield self._screen.fileno(), select.POLLIN | (out if self._spill else 0), self._serve_screen
        if self._news is not None and self._view:
            yield self._news.fileno(), select.POLLIN, self._hear_news
        if not self._terminal.is_gone:  # it tells when it has gone even if nothing is awaited from it
            yield 0, select.POLLIN if self._relays else 0, self._serve_terminal
        yield came.fileno(), select.POLLIN, lambda _: self._signalled(came)

    def _patience_ms(self) -> float | None:
        moments = [at for at in (self._kill_child_at, self._kill_view_at) if at is not None]
        return max(0.0, min(moments) - time.monotonic()) * 1e3 + 1 if moments else None

    def _serve_screen(self, _: int) -> None:
        screen = self._screen
        if screen is None:
            return
        with suppress(BlockingIOError):
            try:
                data = screen.recv(_READ_BYTES)
            except ConnectionError:
                data = b""
            if not data:
                self._screen = None
                screen.close()
                return
            self._typed += data[: _TYPED_BYTES - len(self._typed)]
        if self._typed and self._child is not None:
            self._type(self._child)
        self._send_output(screen)

    def _send_output(self, screen: socket.socket) -> None:
        with suppress(OSError):
            while data := self._spill.peek():
                self._spill.drop(screen.send(data))

    def _hear_news(self, _: int) -> None:
        news = self._news
        if news is None:
            return
        try:
            data = news.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        if not data:
            self._news = None
            news.close()
        elif self._child is not None:
            for number in data:
                self._child.signal(number)

    def _signalled(self, came: socket.socket) -> None:
        numbers = set(came.recv(_READ_BYTES))
        for number in _PASSED_ON:
            if number in numbers:
                self._pass_on(number)
        if signal.SIGWINCH in numbers and self._relays and self._child is not None:
            resize(self._child.terminal, *(terminal_size(0) or (24, 80)))
        if signal.SIGCHLD in numbers and self._view:
            ended, status = os.waitpid(self._view, os.WNOHANG | os.WUNTRACED)
            if ended and os.WIFSTOPPED(status):
                self._stop_as_well()
            elif ended:
                self._view_ended(status)

    def _pass_on(self, number: signal.Signals) -> None:
        """A signal that somebody has sent to us is for the program, if there is one, and then for all."""
        if number == signal.SIGHUP:
            self._hang_up()
        elif self._child is not None and self._ended is None:
            self._child.signal(number)
            if number in _MEANT_FOR_ALL:
                self._died_of = int(number)
        elif number in _MEANT_FOR_ALL:
            self._died_of = int(number)
            self._end_view()

    def _hang_up(self) -> None:
        """The terminal has gone: so it has for the program, and nobody looks at the interface any more."""
        if self._terminal.is_gone:
            return
        self._died_of = int(signal.SIGHUP)
        self._relays = False
        self._terminal.leave()
        if self._child is not None:
            self._child.signal_all(signal.SIGHUP)
        self._end_view()

    def _stop_as_well(self) -> None:
        if os.getsid(0) == os.getpid():  # nobody could wake us
            os.kill(self._view, signal.SIGCONT)
            return
        os.kill(os.getpid(), signal.SIGSTOP)
        # Here we are again. Who wakes the whole group has woken the interface; twice would confuse it.
        time.sleep(_WAKE_S)
        if not os.waitpid(self._view, os.WNOHANG | os.WCONTINUED)[0]:
            os.kill(self._view, signal.SIGCONT)

    def _kill_who_is_late(self) -> None:
        now = time.monotonic()
        if self._kill_child_at is not None and now >= self._kill_child_at and self._child is not None:
            self._kill_child_at = None
            self._child.signal_all(signal.SIGKILL)
        if self._kill_view_at is not None and now >= self._kill_view_at and self._view:
            self._kill_view_at = None
            os.kill(self._view, signal.SIGKILL)

    # --- without an interface ----------------------------------------------------------------------------

    def _relay(self) -> None:
        """Be a plain terminal for the program."""
        self._relays = True
        self._terminal.make_raw()
        if self._child is not None:
            resize(self._child.terminal, *(terminal_size(0) or (24, 80)))

    def _serve_terminal(self, events: int) -> None:
        if events & (select.POLLHUP | select.POLLERR | select.POLLNVAL):
            self._hang_up()
            return
        with suppress(OSError):
            if self._relays and (data := os.read(0, _READ_BYTES)):
                self._typed += data[: _TYPED_BYTES - len(self._typed)]
                if self._child is not None:
                    self._type(self._child)

    def _show_output(self) -> None:
        with suppress(OSError):
            while data := self._spill.peek():
                self._spill.drop(os.write(1, data))

    def _drain_to_terminal(self) -> None:
        if self._child is not None:
            self._read_output(self._child)
            self._show_output()
