"""How a program comes to be observed: what its environment holds, and what its processes have noted.

The other end is `boot/path/sitecustomize.py`.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from tracedbg import boot, plugins
from tracedbg.debugger import DEBUG_VARIABLE, DebugOptions
from tracedbg.identity import NO_CHILDREN_VARIABLE, RANK_PID_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

_BOOT_FOLDER = os.path.join(os.path.dirname(os.path.abspath(boot.__file__)), "path")
_NOTE_ENDING = ".boot"


def environment(
    folder: str, debug: DebugOptions | None = None, options: Mapping[str, object] | None = None
) -> dict[str, str]:
    """Our environment, and what the boot has to know to record into `folder`, and to debug if it is to.

    Args:
        folder: of the run.
        debug: how to debug; None: not at all.
        options: what is observed, by the names of `options.Options`.
    """
    variables = dict(os.environ)
    inherited = variables.get("PYTHONPATH", "")
    # We may run below another `tracedbg run`; and an empty entry would mean the current folder.
    others = [entry for entry in inherited.split(os.pathsep) if entry != _BOOT_FOLDER] if inherited else []
    variables["PYTHONPATH"] = os.pathsep.join([_BOOT_FOLDER, *others])
    variables["TRACEDBG_RUN"] = folder
    variables["TRACEDBG_OPTIONS"] = json.dumps(dict(options or {}))
    variables["TRACEDBG_WATCH"] = ",".join(plugins.watched_packages())
    for name in (DEBUG_VARIABLE, NO_CHILDREN_VARIABLE, RANK_PID_VARIABLE):
        variables.pop(name, None)  # of another `tracedbg run`, below which we run
    if options and not options.get("children", True):
        variables[NO_CHILDREN_VARIABLE] = "1"
    if debug is not None:
        variables[DEBUG_VARIABLE] = debug.to_text()
    return variables


def boot_notes(folder: str) -> dict[str, str]:
    """What each Python process of the run has noted: pid -> what went wrong, mostly nothing."""
    notes: dict[str, str] = {}
    for name in sorted(os.listdir(folder)):
        if name.endswith(_NOTE_ENDING):
            with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                notes[name[1 : -len(_NOTE_ENDING)]] = file.read().strip()
    return notes


def has_recordings(folder: str) -> bool:
    """Whether a process of the run has imported what we observe."""
    return any(name.endswith(".db") for name in os.listdir(folder))
