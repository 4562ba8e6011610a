"""What the stacks of a foreign process mean: whose each frame is, and what its thread is doing.

It must not know any framework: their rules are given.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from tracedbg.activities import Classifier, Doing, Mark, judge
from tracedbg.source import is_user_file, line_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.activities import Rule
    from tracedbg.attach.process import LiveProcess
    from tracedbg.pyspy import Frame

_ANY_STDLIB = re.compile(r"[/\\](?:lib|lib64|Lib)[/\\]python3(?:\.\d+)?[/\\]|[/\\]python3\d+\.zip[/\\]")
_TYPED = ("<stdin>", "<console>", "<input>", "<ipython", "<cell")
"""Names of what is typed in, and is no file."""
_PACKAGES = re.compile(r"[/\\](?:site|dist)-packages[/\\]")


class Reader:
    """Tells what a stack means.

    Args:
        rules: what the frameworks' modules say.
        process: whose stacks they are.
    """

    def __init__(self, rules: Sequence[Rule], process: LiveProcess) -> None:
        self._typed = _TYPED if "-c" not in process.command else (*_TYPED, "<string>")
        self._classifier = Classifier(rules, self._is_users_file)
        self._folder = process.folder
        self._root = process.root

    def doing(self, frames: Sequence[Frame], *, is_idle: bool = False) -> Doing:
        """What a thread of that stack, the innermost frame first, is doing."""
        return judge([self._mark(frame) for frame in frames if _tells(frame)], is_idle=is_idle)

    def is_users(self, frame: Frame) -> bool:
        """Whether it is a frame of the user's own code."""
        return not frame.is_native and self._mark(frame).is_users

    def innermost_of_user(self, frames: Sequence[Frame]) -> Frame | None:
        """The frame of the user's own that the rest was called from; None where there is none."""
        return next((frame for frame in frames if self.is_users(frame)), None)

    def file_of(self, frame: Frame) -> str:
        """The path of the frame's file."""
        if frame.file.startswith("<") or not self._folder:
            return frame.file
        return os.path.join(self._folder, frame.file)

    def text_of(self, file: str, line: int) -> str:
        """What that line of a file of the process says; empty where there is none."""
        return line_text(self._root + file, line)

    def _is_users_file(self, file: str) -> bool:
        if file.startswith("<"):  # most of it is made by libraries: methods of data classes, and the like
            return file.startswith(self._typed)
        return is_user_file(file) and not _ANY_STDLIB.search(file)

    def _mark(self, frame: Frame) -> Mark:
        return self._classifier.mark(frame.file, frame.function)


def library_path(file: str) -> str:
    """The path of a library's file without the way to the libraries."""
    for folder in (_PACKAGES, _ANY_STDLIB):
        if folder.search(file):
            return folder.split(file)[-1]
    return file


def module_of(frame: Frame) -> str:
    """The name of the module, or library, that a frame's file is, as far as its path tells."""
    if frame.file.startswith("<"):
        return frame.file.strip("<>").removeprefix("frozen ")
    path = library_path(frame.file)
    parts = re.split(r"[/\\]", path)
    if frame.is_native or path == frame.file:
        parts = parts[-1:]
    if frame.is_native:
        return parts[-1].partition(".so")[0]
    return re.split(r"\.pyc?(?:$|:)", ".".join(parts))[0].removesuffix(".__init__")


def _tells(frame: Frame) -> bool:
    """Native frames of the system and of Python itself stand in every stack, and say nothing."""
    return not frame.is_native or _PACKAGES.search(frame.file) is not None
