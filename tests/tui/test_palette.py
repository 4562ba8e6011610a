"""The palette, the question of who leaves, and the looks, over a recording that the store's own writer has made."""

from __future__ import annotations

import json

import pytest

from tracedbg_tui import keys, news
from tracedbg_tui.app import TracedbgApp
from tracedbg_tui.leaving import Leaving
from tracedbg_tui.recording import Recording
from tracedbg_tui.settings import Settings
from tui.recorded import write_troubles
from tui.screens import driven, lines, until


@pytest.fixture(scope="module")
def troubles(tmp_path_factory):
    return write_troubles(tmp_path_factory.mktemp("palette") / "run")


class Told(TracedbgApp):
    """Remembers what it tells."""

    told = ()

    def notify(self, message, **options):
        self.told = (*self.told, message)
        super().notify(message, **options)


def looking_at(folder, **settings):
    return Told(None, None, Recording(str(folder)), Settings(hint_seen=True, **settings))


async def read(pilot):
    app = pilot.app
    await until(pilot, lambda: app.recording.is_read and app.recording.snapshot.functions)
    await until(pilot, lambda: "step" in text(app))


def text(app):
    return "\n".join(lines(app))


async def command(pilot, words):
    """Find a command in the palette, and do it."""
    app = pilot.app
    await pilot.press("colon")
    await until(pilot, lambda: len(app.screen_stack) > 1)
    await pilot.press(*("space" if one == " " else one for one in words.lower()))
    await until(pilot, lambda: words.lower() in text(app).lower().partition("quit")[0])
    found = app.screen.query_one("CommandList")
    await until(pilot, lambda: found.option_count > 0 and found.highlighted is not None)
    await pilot.press("enter")
    await until(pilot, lambda: len(app.screen_stack) == 1)


@pytest.mark.parametrize("kind", ["text", "JSON"])
def test_a_report_is_exported_beside_what_is_there(troubles, tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    app = looking_at(troubles)
    ending = "txt" if kind == "text" else "json"
    (tmp_path / f"tracedbg.{ending}").write_text("mine")

    async def scenario(pilot):
        await read(pilot)
        await command(pilot, f"report as {kind}")
        await until(pilot, lambda: app.told)

    driven(app, scenario)
    written = tmp_path / f"tracedbg-1.{ending}"
    assert app.told == (f"written: {written}",)
    assert (tmp_path / f"tracedbg.{ending}").read_text() == "mine"
    if kind == "JSON":
        names = [one["name"] for one in json.loads(written.read_text())["functions"]]
        assert "step" in names
    else:
        assert "Why it was traced again" in written.read_text()


def test_a_picture_of_the_screen_has_no_palette_in_it(troubles, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    app = looking_at(troubles)

    async def scenario(pilot):
        await read(pilot)
        await command(pilot, "screen as svg")
        await until(pilot, lambda: app.told)

    driven(app, scenario)
    picture = (tmp_path / "tracedbg.svg").read_text()
    assert picture.startswith("<svg")
    assert "Functions" in picture
    assert "Export" not in picture


def test_a_folder_that_takes_no_file_is_told(troubles, tmp_path, monkeypatch):
    app = looking_at(troubles)
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    async def scenario(pilot):
        await read(pilot)
        await command(pilot, "report as text")
        await until(pilot, lambda: app.told)

    driven(app, scenario)
    assert app.told == ("tracedbg.txt cannot be written: No such file or directory",)


def test_a_function_is_found_by_its_name(troubles):
    app = looking_at(troubles)

    async def scenario(pilot):
        await read(pilot)
        await pilot.press("4")
        await until(pilot, lambda: app.seen == "time")
        await pilot.press("colon", *"step")
        await until(pilot, lambda: "retraces" in text(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.seen == "traces" and len(app.screen_stack) == 1)
        assert app.views["traces"].functions.row.function.name == "step"

    driven(app, scenario)


def test_a_theme_of_the_palette_holds(troubles, tmp_path):
    app = looking_at(troubles, path=str(tmp_path / "ui.json"))

    async def scenario(pilot):
        await read(pilot)
        await command(pilot, "Theme: light")
        await until(pilot, lambda: app.theme == "light")

    driven(app, scenario)
    assert Settings.load(str(tmp_path / "ui.json")).theme == "light"


def test_ascii_is_all_there_is_if_it_is_wanted(troubles):
    app = looking_at(troubles)
    app.is_ascii = True

    async def scenario(pilot):
        await read(pilot)
        for number, name in enumerate(app.names, 1):
            await pilot.press(str(number))
            await until(pilot, lambda name=name: app.seen == name)
            await pilot.pause()
            assert (name, [one for one in text(app) if not one.isascii()]) == (name, [])

    driven(app, scenario)


def test_ascii_and_the_screen_that_was_left_are_there_again(troubles, tmp_path):
    path = str(tmp_path / "ui.json")
    app = looking_at(troubles, path=path)
    was_ascii = app.is_ascii

    async def scenario(pilot):
        await read(pilot)
        await pilot.press("4")
        await until(pilot, lambda: app.seen == "time")
        await command(pilot, "ASCII on")
        await until(pilot, lambda: app.is_ascii is not was_ascii)

    driven(app, scenario)
    again = TracedbgApp(None, None, Recording(str(troubles)), Settings.load(path))
    assert (again.seen, again.is_ascii) == ("time", not was_ascii)


def test_no_color_leaves_none(troubles, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    app = looking_at(troubles)

    async def scenario(pilot):
        await read(pilot)
        for strip in app.screen._compositor.render_strips(app.screen.size):
            for segment in strip:
                for color in (segment.style.color, segment.style.bgcolor) if segment.style else ():
                    if color is not None and color.triplet is not None:
                        red, green, blue = color.triplet
                        assert red == green == blue

    driven(app, scenario)


def test_where_no_program_runs_only_its_keys_are_offered(troubles):
    app = looking_at(troubles)

    async def scenario(pilot):
        await read(pilot)
        await pilot.press("1")
        await until(pilot, lambda: "Breakpoint" in lines(app)[-1])
        assert app.keys_of_screen is keys.LOOKED_AT
        assert "Continue" not in lines(app)[-1]

    driven(app, scenario)


@pytest.mark.parametrize(("key", "code"), [("e", news.END), ("l", news.LEAVE)])
def test_who_leaves_a_running_program_is_asked_what_becomes_of_it(troubles, key, code):
    class Running:
        """A program in a terminal of ours."""

        pid, ended, connection, title, folder, terminal = None, None, None, "train.py", "", 0

        def resize(self, rows, columns):
            """As asked."""

        def signal(self, number):
            """As asked."""

    app = looking_at(troubles)
    app.program = Running()

    async def scenario(pilot):
        await read(pilot)
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, Leaving))
        assert "train.py" in text(app)
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, Leaving))
        await pilot.press(key)

    driven(app, scenario)
    assert app.return_value == code
