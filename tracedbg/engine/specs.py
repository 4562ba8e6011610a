"""Reads breakpoints as a person writes them, and writes them so.

    WHERE [hits N] [if CONDITION] [log MESSAGE]

WHERE is `FILE:LINE`, `op:PATTERN`, or a name of `FILTERS`. It must not know frames or frameworks.
"""

from __future__ import annotations

import glob
import os
import re
import sys
from typing import TYPE_CHECKING

from tracedbg.engine.breakpoints import FILTERS, Breakpoint, check
from tracedbg.errors import UsageError
from tracedbg.source import is_ours, is_user_file

if TYPE_CHECKING:
    from collections.abc import Iterator

_PLACE = re.compile(r"(?P<file>.+?):(?P<line>-?\d+)(?P<rest>\s.*)?", re.DOTALL)
_WORD = re.compile(r"(?P<word>\S+)(?P<rest>\s.*)?", re.DOTALL)
_HITS = re.compile(r"\s+hits\s+(?P<hits>(?:[=<>%]=?\s*)?\S+)(?P<rest>\s.*)?", re.DOTALL)
_IF = re.compile(r"\s+if(?:\s+(?P<condition>.*))?", re.DOTALL)
_LOG = re.compile(r"(?:^|\s+)log\s+(?P<message>.*)", re.DOTALL)
_MOST_ENTRIES = 20_000
"""Files and folders that are looked at under the working folder."""
_NOT_SOURCE = frozenset({"node_modules", "site-packages", "__pycache__", "build", "dist"})
_FEW = 3


def parse(spec: str) -> Breakpoint:
    """The breakpoint that `spec` describes.

    Raises:
        UsageError: it makes no sense, or there is no such file or line; says what does.
    """
    text = spec.strip()
    if text.startswith("op:"):
        found = _WORD.fullmatch(text)
        pattern = "" if found is None else found["word"][len("op:") :]
        if found is None or not pattern:
            raise UsageError("op: needs the name of an op or a pattern, such as op:*relu*")
        made, rest = Breakpoint(op_pattern=pattern), found["rest"]
    elif (place := _PLACE.fullmatch(text)) is not None:
        line = int(place["line"])
        file = find_file(place["file"].strip())
        check_line(file, line)
        made, rest = Breakpoint(file=file, line=line), place["rest"]
    else:
        made, rest = _filter(text)
    read_options(made, rest or "")
    return made


def _filter(text: str) -> tuple[Breakpoint, str]:
    found = _WORD.fullmatch(text)
    ways = f"FILE:LINE, op:PATTERN, or one of {', '.join(FILTERS)}"
    if found is None:
        raise UsageError(f"a breakpoint is empty; give {ways}")
    if found["word"] not in FILTERS:
        raise UsageError(f"no breakpoint is written {found['word']!r}; give {ways}")
    return Breakpoint(filter=found["word"]), found["rest"] or ""


def read_options(made: Breakpoint, text: str) -> None:
    """Read what follows the place: `hits N`, `if CONDITION`, `log MESSAGE`, in this order.

    Raises:
        UsageError: it is something else, or makes no sense.
    """
    rest = text
    if (hits := _HITS.fullmatch(rest)) is not None:
        made.hit_condition, rest = hits["hits"].strip(), hits["rest"] or ""
    if (condition := _IF.fullmatch(rest)) is not None:
        made.condition, rest = _until_log((condition["condition"] or "").strip())
        if not made.condition:
            raise UsageError(f"{text.strip()!r}: a condition must follow 'if'")
    if (log := _LOG.fullmatch(rest)) is not None:
        made.log_message, rest = log["message"].strip(), ""
    if rest.strip():
        raise UsageError(
            f"{rest.strip()!r} is not understood; after the place come hits N, if CONDITION, log MESSAGE"
        )
    check(made)


def _until_log(text: str) -> tuple[str, str]:
    """The condition before ` log `, and the rest; where a condition holds that word, it goes on."""
    for found in re.finditer(r"\s+log\s", text):
        before = text[: found.start()]
        if _compiles(before):
            return before, text[found.start() :]
    return text, ""


def _compiles(text: str) -> bool:
    try:
        compile(text, "<condition>", "eval")
    except (SyntaxError, ValueError):
        return False
    return True


def written(one: Breakpoint) -> str:
    """A breakpoint as `parse` reads it; one on an op of a graph by its number."""
    if one.file:
        text = f"{one.file}:{one.asked_line or one.line}"
    elif one.op_index is not None:
        text = f"#{one.op_index} of {one.graph}"
    else:
        text = one.filter or f"op:{one.op_pattern}"
    if one.hit_condition:
        text += f" hits {one.hit_condition}"
    if one.condition:
        text += f" if {one.condition}"
    if one.log_message:
        text += f" log {one.log_message}"
    return text


def check_line(file: str, line: int) -> None:
    """See that a file has a line.

    Raises:
        UsageError: it has not.
    """
    if line < 1:
        raise UsageError(f"line {line} of {os.path.basename(file)}: lines are counted from 1")
    try:
        with open(file, "rb") as opened:
            count = sum(1 for _ in opened)
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
    if line > count:
        raise UsageError(f"line {line} of {os.path.basename(file)}: it has {count} lines")


def find_file(name: str) -> str:
    """The real path of a source file.

    It is looked for in the working folder, beside the program, and, by the end of its path, among the
    program's own modules, anywhere under the working folder, among libraries' modules, and in installed
    packages.

    Raises:
        UsageError: there is none, or there are several.
    """
    path = os.path.expanduser(name)
    for folder in ("", *_program_folders()):
        if os.path.isfile(os.path.join(folder, path)):
            return os.path.realpath(os.path.join(folder, path))
    for candidates in (_modules(), _under(os.getcwd()), _modules(is_user=False), _installed(path)):
        found = sorted({os.path.realpath(one) for one in candidates if _ends_with(one, path)})
        if len(found) == 1:
            return found[0]
        if found:
            listed = ", ".join(found[:_FEW]) + (", ..." if len(found) > _FEW else "")
            raise UsageError(f"{name} is one of {len(found)} files: {listed}; give more of its path")
    if os.path.isdir(path):
        raise UsageError(f"{name} is a folder; give a file in it")
    raise UsageError(
        f"no file {name} in {os.getcwd()}, beside the program, among its modules, or in an installed package"
    )


def _program_folders() -> Iterator[str]:
    """Where the program's script is: it stands on the command line, on ours and on its own."""
    for argument in sys.orig_argv[1:]:
        if argument.endswith(".py") and os.path.isfile(argument):
            yield os.path.dirname(os.path.abspath(argument))


def _modules(*, is_user: bool = True) -> Iterator[str]:
    for module in tuple(sys.modules.values()):
        file = getattr(module, "__dict__", {}).get("__file__")
        if isinstance(file, str) and is_user_file(file) == is_user and not is_ours(file):
            yield file


def _installed(end: str) -> Iterator[str]:
    """Files of packages that may not have been imported yet, as their installers have listed them."""
    for folder in dict.fromkeys(filter(None, sys.path)):
        if os.path.isfile(file := os.path.join(folder, end)):
            yield file
        for listed in glob.iglob(os.path.join(glob.escape(folder), "*.dist-info", "RECORD")):
            try:
                with open(listed, encoding="utf-8", errors="replace") as opened:
                    text = opened.read()
            except OSError:
                continue
            for found in re.finditer(rf"^[^,\n]*/{re.escape(end)}(?=,)", text, re.MULTILINE):
                if os.path.isfile(file := os.path.join(folder, found[0])):
                    yield file


def _under(folder: str) -> Iterator[str]:
    """Files in a folder and below it, without hidden folders and environments; some thousand at most."""
    entries = 0
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(one for one in folders if _may_hold_source(root, one))
        entries += len(folders) + len(files)
        if entries > _MOST_ENTRIES:
            return
        yield from (os.path.join(root, file) for file in files)


def _may_hold_source(root: str, folder: str) -> bool:
    if folder.startswith(".") or folder in _NOT_SOURCE:
        return False
    return not os.path.exists(os.path.join(root, folder, "pyvenv.cfg"))


def _ends_with(path: str, end: str) -> bool:
    return path.endswith(os.sep + end.lstrip("./")) if not os.path.isabs(end) else path == end
