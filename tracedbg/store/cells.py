"""The cells of a notebook that a recording names: their titles and their source, as there is no file of it.

It must not know who runs notebooks.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tracedbg import source
from tracedbg.errors import DamagedRunError
from tracedbg.store.guarded import read_text
from tracedbg.store.run import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import TypedDict

    class _Cell(TypedDict):
        title: str
        lines: list[str]


CELLS_FILE = "cells.json"
_CELL = re.compile(r"<ipython-input-\d+-\w+>|.*[/\\]ipykernel_\d+[/\\]\d+\.py")
"""What IPython and its kernel name as the file of a cell: a recording can name no other file anew."""


def write_cells(folder: str, cells: Mapping[str, tuple[str, Sequence[str]]]) -> None:
    """Keep title and lines of each cell, by its file, in the folder of a run. A full disk is not an error."""
    _write(folder, {file: {"title": title, "lines": list(lines)} for file, (title, lines) in cells.items()})


def name_cells(folder: str) -> None:
    """Have the cells of a run told by their titles, where it has any; what is no such file is left out."""
    for file, cell in _read(folder).items():
        source.name_cell(file, cell["title"], cell["lines"])


def copy_cells(folders: Iterable[str], out: str) -> None:
    """Keep the cells of some runs in the folder of another one. A full disk is not an error."""
    cells = {file: cell for folder in folders for file, cell in _read(folder).items()}
    if cells:
        _write(out, cells)


def _write(folder: str, data: Mapping[str, _Cell]) -> None:
    with suppress(OSError):
        write_whole(os.path.join(folder, CELLS_FILE), json.dumps(data, indent=1).encode())


def _read(folder: str) -> dict[str, _Cell]:
    """Those that are well-formed: without the others the report is all there, but for the text of lines."""
    found: dict[str, _Cell] = {}
    with suppress(OSError, DamagedRunError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        data: Any = json.loads(read_text(os.path.join(folder, CELLS_FILE)))
        for file, cell in data.items():
            if _CELL.fullmatch(file):
                found[file] = {"title": str(cell["title"]), "lines": [str(line) for line in cell["lines"]]}
    return found
