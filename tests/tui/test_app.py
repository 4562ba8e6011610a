"""The whole interface, over the wire to a real server with a made-up program."""

from __future__ import annotations

import pytest

from tracedbg_tui import news
from tracedbg_tui.app import TracedbgApp
from tracedbg_tui.contract import Ended
from tracedbg_tui.live import Live, State
from tracedbg_tui.settings import Settings
from tui.debug_fixtures import file, held  # noqa: F401  fixtures
from tui.screens import driven, lines, until
from tui.snapshot import check_screen


class Elsewhere:
    """A program with a terminal of its own, on this machine or another."""

    pid = None
    terminal = None
    folder = ""
    ended = None

    def __init__(self, connection, title="model.py"):
        self.connection, self.title = connection, title

    def resize(self, rows, columns):
        pass

    def signal(self, number):
        pass


class Told(TracedbgApp):
    """Remembers what it tells, for messages of failing tests."""

    told = ()

    def notify(self, message, **options):
        self.told = (*self.told, message)
        super().notify(message, **options)


def made(connection, **settings):
    program = Elsewhere(connection)
    live = Live(connection, lambda _: None)
    return Told(program, live, None, Settings(**settings))


async def at_line_3(pilot, file):  # noqa: F811
    app = pilot.app
    await until(pilot, lambda: app.live.state is State.READY)
    await app.debug_view.goto(file, 3)
    await pilot.press("b", "c")
    await until(pilot, lambda: app.live.stop is not None and app.debug_view.is_settled)


async def to_the_end(pilot):
    app = pilot.app
    app.live.book.clear()
    await pilot.press("c")
    await until(pilot, lambda: app.live.state is State.ENDED)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
def test_a_stop_looks_as_it_did(held, file, tmp_path, monkeypatch, size):  # noqa: F811
    monkeypatch.chdir(tmp_path)  # paths are shown relative to it
    _, connection = held()
    app = made(connection, hint_seen=True)
    app.names = ["debug", "traces"]  # one more screen does not change this one

    async def scenario(pilot):
        await at_line_3(pilot, file)
        await until(pilot, lambda: "stopped" in lines(pilot.app)[0])
        check_screen(pilot.app, "stop-{}x{}".format(*size))
        assert all(len(line) <= size[0] for line in lines(pilot.app))
        assert lines(pilot.app)[-1].endswith("q Quit")
        await to_the_end(pilot)

    driven(app, scenario, size)


def test_a_screen_without_room_says_so_and_comes_back(held, file):  # noqa: F811
    _, connection = held()

    async def scenario(pilot):
        await at_line_3(pilot, file)
        await pilot.resize_terminal(20, 5)
        await until(pilot, lambda: lines(pilot.app)[0] == "20x5 is too small:")
        assert lines(pilot.app)[:2] == ["20x5 is too small:", "40x10 is needed"]
        await pilot.resize_terminal(100, 30)
        await until(pilot, lambda: "1 Debug" in lines(pilot.app)[0])
        await to_the_end(pilot)

    driven(made(connection), scenario)


def test_the_hint_is_shown_until_a_key_is_pressed_once(held):  # noqa: F811
    _, connection = held()
    app = made(connection)

    async def scenario(pilot):
        await until(pilot, lambda: any("new here?" in line for line in lines(app)))
        await pilot.press("j")
        await until(pilot, lambda: not any("new here?" in line for line in lines(app)))
        assert app.settings.hint_seen
        await until(pilot, lambda: app.live.state is State.READY)
        await to_the_end(pilot)

    driven(app, scenario)


def test_a_fault_of_ours_ends_it_without_a_page_of_source(monkeypatch, capfd):
    def _tick(_):
        raise ValueError("made up")

    monkeypatch.setattr(TracedbgApp, "_tick", _tick)
    app = TracedbgApp(None, None, None)
    app.run(headless=True)
    assert repr(app.failure) == "ValueError('made up')"
    assert capfd.readouterr() == ("", "")


def test_help_shows_the_keys_and_goes(held):  # noqa: F811
    _, connection = held()
    app = made(connection)

    async def scenario(pilot):
        await until(pilot, lambda: app.live.state is State.READY)
        await pilot.press("question_mark")
        await until(pilot, lambda: any("Go on to the next breakpoint" in line for line in lines(app)))
        await pilot.press("escape")
        await until(pilot, lambda: not any("Go on to the next breakpoint" in line for line in lines(app)))
        await to_the_end(pilot)

    driven(app, scenario)


def test_who_leaves_a_program_in_its_own_terminal_lets_it_go_on(held):  # noqa: F811
    _, connection = held()
    app = made(connection)

    async def scenario(pilot):
        await until(pilot, lambda: app.live.state is State.READY)
        await to_the_end(pilot)
        await pilot.press("q")

    driven(app, scenario)
    assert app.return_value == news.LEAVE


def test_breakpoints_watches_and_theme_are_there_again(held, file, tmp_path):  # noqa: F811
    path = str(tmp_path / "home" / "ui.json")
    _, connection = held()
    app = made(connection, path=path)

    async def scenario(pilot):
        await at_line_3(pilot, file)
        app.debug_view.watches.put("x + 1")
        app.theme = "light"
        app._keep()
        await to_the_end(pilot)

    first = driven(app, scenario)
    assert first is None
    again = Settings.load(path)
    assert (again.theme, again.watches, again.hint_seen) == ("light", ["x + 1"], True)


def test_how_a_program_has_ended_is_told():
    from tracedbg_tui.status import state_of

    assert state_of(None, Ended(3, None), is_recorded=True)[1] == "ended, exit code 3"
    assert state_of(None, Ended(None, 9), is_recorded=True)[1] == "ended by signal 9"
    assert state_of(None, None, is_recorded=True)[1] == "recorded"
