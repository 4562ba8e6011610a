"""What the interface remembers of a project, in `.tracedbg/ui.json`; its loss stops nothing."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tracedbg.store.run import HOME
from tracedbg_tui.breakpoints import Book
from tracedbg_tui.themes import DARK, THEMES

_FILE = "ui.json"
_VERSION = 1


@dataclass
class Settings:
    """How the interface was left."""

    path: str | None = None
    """Of the file; None: nothing is kept."""
    theme: str = DARK.name
    is_zoomed: bool = False
    """Whether a pane stood alone on the Debug screen."""
    is_ascii: bool | None = None
    """Whether ASCII characters are wanted; None: as the environment says."""
    screen: str = "traces"
    """That a recording is opened with."""
    hint_seen: bool = False
    """Whether somebody has pressed keys here before."""
    book: Book = field(default_factory=Book)
    watches: list[str] = field(default_factory=list)

    @classmethod
    def of_run(cls, folder: str | None) -> Settings:
        """Those of the project of a run.

        Args:
            folder: of the run; None: those of the current folder.
        """
        home = os.path.dirname(os.path.abspath(folder)) if folder else os.path.abspath(HOME)
        if os.path.basename(home) != HOME:
            home = os.path.abspath(HOME)
        return cls.load(os.path.join(home, _FILE))

    @classmethod
    def load(cls, path: str) -> Settings:
        """Those of a file; what is damaged or missing there is as at first."""
        data: Any = None
        with suppress(OSError, ValueError, RecursionError), open(path, encoding="utf-8") as file:
            data = json.load(file)
        if not isinstance(data, dict):
            data = {}
        theme, watches = data.get("theme"), data.get("watches")
        ascii_, screen = data.get("ascii"), data.get("screen")
        return cls(
            path,
            theme if isinstance(theme, str) and theme in {one.name for one in THEMES} else DARK.name,
            is_zoomed=data.get("zoomed") is True,
            is_ascii=ascii_ if isinstance(ascii_, bool) else None,
            screen=screen if isinstance(screen, str) else cls.screen,
            hint_seen=data.get("hint_seen") is True,
            book=Book.from_data(data.get("stops")),
            watches=[one for one in watches if isinstance(one, str)] if isinstance(watches, list) else [],
        )

    def to_data(self) -> dict[str, Any]:
        """In what JSON knows."""
        return {
            "version": _VERSION,
            "theme": self.theme,
            "zoomed": self.is_zoomed,
            "ascii": self.is_ascii,
            "screen": self.screen,
            "hint_seen": self.hint_seen,
            "stops": self.book.to_data(),
            "watches": list(self.watches),
        }

    def save(self) -> bool:
        """Write them, whole or not at all; whether that could be done."""
        if self.path is None:
            return False
        new = f"{self.path}.{os.getpid()}"
        try:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            with open(new, "w", encoding="utf-8") as file:
                json.dump(self.to_data(), file, indent=1)
            os.replace(new, self.path)
        except OSError:
            with suppress(OSError):
                os.unlink(new)
            return False
        return True
