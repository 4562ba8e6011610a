"""What a screen is to look like: its text, compared with a committed file.

`TRACEDBG_UPDATE_SNAPSHOTS=1 pytest tests/tui` writes the files anew; look at each before it is committed.
"""

from __future__ import annotations

import os
from pathlib import Path

from tui.screens import lines

FOLDER = Path(__file__).parent / "snapshots"
UPDATE = "TRACEDBG_UPDATE_SNAPSHOTS"


def check_screen(app, name, replaced=()):
    """Compare what can be read on the screen of an application with `snapshots/NAME.txt`.

    Args:
        app: the application, while it runs.
        name: of the file.
        replaced: (text, other) pairs of equal length for what differs from run to run.
    """
    text = "\n".join(lines(app)).rstrip() + "\n"
    for old, new in replaced:
        assert len(old) == len(new), (old, new)
        text = text.replace(old, new)
    file = FOLDER / f"{name}.txt"
    if os.environ.get(UPDATE):
        FOLDER.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return
    assert file.exists(), f"{file} is not there: run with {UPDATE}=1, look at it, and commit it"
    assert text.splitlines() == file.read_text(encoding="utf-8").splitlines()
