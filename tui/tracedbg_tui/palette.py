"""The commands of the palette: the keys of the table, functions of the recording, themes, exports."""

from __future__ import annotations

import json
import os
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.app import SystemCommand
from textual.command import Hit, Provider

from tracedbg.report.style import count
from tracedbg_tui import keys
from tracedbg_tui.snapshot import key_of
from tracedbg_tui.themes import THEMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from textual.command import Hits
    from textual.screen import Screen

    from tracedbg.explain import Summary
    from tracedbg_tui.app import TracedbgApp


def commands(app: TracedbgApp, screen: Screen[Any]) -> Iterable[SystemCommand]:
    """What can be done now."""
    if len(app.screen_stack) > 1 and screen is not app.screen_stack[0]:
        return
    view = app.views[app.seen]
    for one in app.keys_of_screen.keys:
        yield SystemCommand(one.text, _with_key(one), partial(app.run_action, one.action, view))
    for one in keys.APP.keys:
        if one.action != "command_palette":
            yield SystemCommand(one.text, _with_key(one), partial(app.run_action, one.action, app))
    for theme in THEMES:
        yield SystemCommand(
            f"Theme: {theme.name}", "Colours of the interface.", partial(_theme, app, theme.name)
        )
    yield SystemCommand("ASCII on or off", "Draw with ASCII characters only.", partial(_toggle_ascii, app))
    yield SystemCommand(
        "Export: screen as SVG", "A picture of the screen, in this folder.", partial(_picture, app)
    )
    if app.recording is not None:
        yield SystemCommand("Export: report as text", "As `tracedbg report`.", partial(_report, app, "txt"))
        yield SystemCommand(
            "Export: report as JSON", "As `tracedbg report --json`.", partial(_report, app, "json")
        )


class Functions(Provider):
    """Finds the functions of the recording by name."""

    async def search(self, query: str) -> Hits:
        """See `Provider`."""
        app: TracedbgApp = self.app  # type: ignore[assignment]
        if app.recording is None:
            return
        matcher = self.matcher(query)
        for one in app.recording.snapshot.functions:
            name = f"{one.name}  {os.path.basename(one.file)}:{one.line}"
            if (score := matcher.match(name)) > 0:
                told = f"{count(one.traces, 'trace')}, {count(one.retraces, 'retrace')}"
                yield Hit(score, matcher.highlight(name), partial(app.show_function, key_of(one)), help=told)


def _with_key(one: keys.Key) -> str:
    return f"{one.help}  [{' '.join(one.names)}]".replace("[", r"\[")


def _theme(app: TracedbgApp, name: str) -> None:
    app.theme = name


def _toggle_ascii(app: TracedbgApp) -> None:
    app.draw_in_ascii(is_wanted=not app.is_ascii)
    app.settings.is_ascii = app.is_ascii


def _picture(app: TracedbgApp) -> None:
    def save() -> None:
        _write(app, "svg", app.export_screenshot())

    app.set_timer(0.1, save)  # the palette is to be gone


def _report(app: TracedbgApp, kind: str) -> None:
    summary = app.recording.snapshot.summary if app.recording is not None else None
    if summary is None:
        app.notify("nothing is recorded yet", severity="warning")
    else:
        _write(app, kind, "".join(_rendered(summary, kind)))


def _rendered(summary: Summary, kind: str) -> Iterator[str]:
    from tracedbg.report.json import to_json  # noqa: PLC0415  deferred: rarely wanted
    from tracedbg.report.text import render  # noqa: PLC0415  deferred: likewise

    if kind == "json":
        yield json.dumps(to_json(summary), indent=2) + "\n"
    else:
        yield render(summary)


def _write(app: TracedbgApp, kind: str, text: str) -> None:
    """Write a file that is not there yet into the current folder."""
    number = 0
    while True:
        name = f"tracedbg-{number or ''}".rstrip("-") + f".{kind}"
        try:
            with open(name, "x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            number += 1
        except OSError as error:
            app.notify(f"{name} cannot be written: {error.strerror or error}", severity="error")
            return
        else:
            app.notify(f"written: {os.path.abspath(name)}")
            return
